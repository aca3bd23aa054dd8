package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/adapters/database"
)

// TestKillNineWhilePolling kills tabe serve at random moments while it asks
// Telegram for updates. Telegram, played by the test, forgets an update as soon
// as a later one is asked for. In the end every update is in the journal once:
// none was confirmed before it was on disk, and none counted twice.
func TestKillNineWhilePolling(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds for each kill")
	}
	t.Parallel() // it mostly waits
	const residents, each, kills = 40, 10, 8
	bot := newTelegram()
	provider := httptest.NewServer(bot)
	defer provider.Close()
	dir := t.TempDir()
	tabeServe := &child{t: t, dir: dir, addr: freeAddr(t), provider: provider.URL, env: []string{
		"TABE_PUBLIC_URL=", "TABE_TWILIO_ACCOUNT_SID=", "TABE_TWILIO_AUTH_TOKEN=", "TABE_TWILIO_SMS_FROM=", "TABE_TWILIO_API_URL=",
		"TABE_TELEGRAM_TOKEN=123456:TEST", "TABE_TELEGRAM_API_URL=" + provider.URL,
	}}
	for n := range residents * each {
		bot.say(1000+n%residents, []string{"menu", "berapa pbb saya", "terima kasih"}[n%3])
	}
	for n := range kills {
		tabeServe.start()
		// As updates come a hundred at a time, strike anywhere in a batch.
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
		tabeServe.kill()
		bot.say(1000+n, "menu")
		t.Logf("kill %d with %d updates confirmed", n+1, bot.confirmed())
	}
	tabeServe.start()
	const all = residents*each + kills
	db, err := database.Open(t.Context(), embedded(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	count := counts(t, db)
	for deadline := time.Now().Add(3 * time.Minute); bot.confirmed() < all || count(`select count(*) from journal where answered is null`)+count(`select count(*) from outbox where status = 'queued'`) > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("not everything was answered and sent: %d confirmed", bot.confirmed())
		}
		time.Sleep(50 * time.Millisecond)
	}
	tabeServe.stop()
	if n := count(`select count(*) from journal`); n != all {
		t.Errorf("%d messages in the journal of %d", n, all)
	}
	if n := count(`select sum(version) from residents`); n != all {
		t.Errorf("the state has moved %d times for %d messages", n, all)
	}
	for resident := range residents {
		if n := bot.sent.get(strconv.Itoa(1000 + resident)); n < each {
			t.Errorf("resident %d was sent %d of %d replies", resident, n, each)
		}
	}
	t.Logf("%d updates, %d kills: %d messages sent", all, kills, bot.sent.total())
}

// telegramAPI is a Bot API with the updates that are not confirmed.
type telegramAPI struct {
	sent *counter

	mu      sync.Mutex
	next    int
	updates []json.RawMessage // from update number next-len(updates) on
}

func newTelegram() *telegramAPI { return &telegramAPI{sent: newCounter(), next: 1} }

func (b *telegramAPI) say(who int, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.updates = append(b.updates, json.RawMessage(fmt.Sprintf(`{"update_id": %d, "message": {"message_id": %d, "date": %d,
		"from": {"id": %d, "is_bot": false, "first_name": "x"}, "chat": {"id": %d, "type": "private"}, "text": %q}}`,
		b.next, b.next, time.Now().Unix(), who, who, text)))
	b.next++
}

// confirmed is how many updates were confirmed.
func (b *telegramAPI) confirmed() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.next - 1 - len(b.updates)
}

func (b *telegramAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	var result any = true
	switch method := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]; method {
	case "getUpdates":
		result = b.take(r.FormValue("offset"))
	case "sendMessage":
		b.sent.add(r.FormValue("chat_id"))
		result = map[string]any{"message_id": rand.IntN(1<<30) + 1}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"ok": true, "result": result})
}

func (b *telegramAPI) take(offset string) []json.RawMessage {
	b.mu.Lock()
	defer b.mu.Unlock()
	if from, _ := strconv.Atoi(offset); from > 0 {
		first := b.next - len(b.updates)
		b.updates = b.updates[min(max(0, from-first), len(b.updates)):]
	}
	return append([]json.RawMessage{}, b.updates[:min(100, len(b.updates))]...)
}
