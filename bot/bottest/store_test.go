package bottest_test

import (
	"testing"
	"time"

	"tabe/bot/bottest"
)

func TestStore(t *testing.T) {
	bottest.StoreSuite(t, func(_ *testing.T, clock func() time.Time) bottest.Opened {
		s := bottest.NewStore(clock)
		return bottest.Opened{Store: s, Outbox: s, Status: s.Status}
	})
}
