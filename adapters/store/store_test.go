package store_test

import (
	"testing"
	"time"

	"tabe/adapters/database"
	"tabe/adapters/seal"
	"tabe/adapters/store"
	"tabe/adapters/testserver"
	"tabe/bot"
	"tabe/bot/bottest"
)

var secret = make([]byte, seal.KeyLength)

func newStore(t testing.TB, db *database.DB, clock func() time.Time, effects ...store.Effect) *store.Store {
	t.Helper()
	s, err := store.New(db, secret, clock, effects...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	testserver.DatabaseURLs(t, func(t *testing.T, newURL func(testing.TB) string) {
		bottest.StoreSuite(t, func(t *testing.T, clock func() time.Time) bottest.Opened {
			url := newURL(t)
			var open func() bottest.Opened
			open = func() bottest.Opened {
				db := testserver.OpenDatabase(t, url)
				s := newStore(t, db, clock)
				return bottest.Opened{
					Store: s, Outbox: s,
					Status: func(id int64) (status bot.Status) {
						if err := db.QueryRow(t.Context(), "select status from outbox where id = $1", id).Scan(&status); err != nil {
							t.Fatal(err)
						}
						return status
					},
					Reopen: func() bottest.Opened {
						if err := db.Close(); err != nil {
							t.Error(err)
						}
						return open()
					},
				}
			}
			return open()
		})
	})
}
