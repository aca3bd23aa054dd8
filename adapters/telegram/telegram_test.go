package telegram

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tabe/adapters/channeltest"
	"tabe/bot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	token     = "123456:TEST-token_x"
	secret    = "s3cret_-"
	publicURL = "https://tabe.soppengkab.example"
)

// newBot returns a bot whose API is p.
func newBot(t *testing.T, p *provider, change ...func(*Config)) *Bot {
	t.Helper()
	c := Config{Token: token, Secret: secret, APIURL: p.URL}
	for _, f := range change {
		f(&c)
	}
	b, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	b.pause = 10 * time.Millisecond
	t.Cleanup(b.Close)
	return b
}

func public(c *Config) { c.PublicURL = publicURL }

// run runs the bot until the test ends.
func run(t *testing.T, b *Bot, r Receiver) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { b.Run(ctx, r) })
	t.Cleanup(func() { stop(); running.Wait() })
}

const (
	user = `{"id": 77, "is_bot": false, "first_name": "Budi", "language_code": "id"}`
	chat = `{"id": 77, "first_name": "Budi", "type": "private"}`
)

// said is an update in which user 77 sends content, the JSON of some fields.
func said(id int, content string) string {
	return saidBy(id, 77, content)
}

func saidBy(id, who int, content string) string {
	return fmt.Sprintf(`{"update_id": %d, "message": {"message_id": %d, "date": 1795478400,
		"from": {"id": %d, "is_bot": false, "first_name": "Budi"}, "chat": {"id": %d, "type": "private"}, %s}}`, id, id, who, who, content)
}

// pressed is an update in which user 77 presses a button of message 5.
func pressed(id int, data string) string {
	quoted, _ := json.Marshal(data)
	return fmt.Sprintf(`{"update_id": %d, "callback_query": {"id": "q%d", "chat_instance": "1", "from": %s, "data": %s,
		"message": {"message_id": 5, "date": 0, "chat": %s, "text": "Which?",
		"reply_markup": {"inline_keyboard": [[{"text": "say it again", "callback_data": "again"}]]}}}}`, id, id, user, quoted, chat)
}

// post returns what h answers to a webhook of Telegram's.
func post(h http.Handler, secret, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, Path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if secret != "" {
		r.Header.Set("X-Telegram-Bot-Api-Secret-Token", secret)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func outbound(body string, options ...bot.Option) bot.Outbound {
	return bot.Outbound{ID: 1, Peer: "77", Text: bot.Text{Body: body, Options: options}}
}

// buttons returns the texts and data of a keyboard.
func buttons(t *testing.T, markup string) [][2]string {
	t.Helper()
	var keyboard struct {
		Rows [][]struct {
			Text string `json:"text"`
			Data string `json:"callback_data"`
		} `json:"inline_keyboard"`
	}
	if err := json.Unmarshal([]byte(markup), &keyboard); err != nil {
		t.Fatalf("keyboard %q: %v", markup, err)
	}
	var list [][2]string
	for _, row := range keyboard.Rows {
		for _, button := range row {
			list = append(list, [2]string{button.Text, button.Data})
		}
	}
	return list
}

// From an update to a call of the Bot API, by webhook and by polling: a text, a
// button, a button that stands for its number.
func TestThereAndBack(t *testing.T) {
	for _, way := range []string{"webhook", "polling"} {
		t.Run(way, func(t *testing.T) {
			p := newProvider(t)
			b := newBot(t, p)
			if way == "webhook" {
				b = newBot(t, p, public)
			}
			system := channeltest.Start(t, b)
			run(t, b, system)
			send := func(update string) { p.push(update, update) } // twice: the second changes nothing
			if way == "webhook" {
				h := b.Webhook(system)
				send = func(update string) {
					for range 2 {
						if got := post(h, secret, update); got.Code != http.StatusOK {
							t.Fatalf("%d %s", got.Code, got.Body)
						}
					}
				}
			}
			send(said(1, `"text": "berapa <b>PBB</b>\nsaya & anak"`))
			first := p.of("sendMessage", 1)[0]
			if first.Get("chat_id") != "77" || first.Get("text") != "1 heard: berapa <b>PBB</b> saya & anak" || first.Has("parse_mode") {
				t.Errorf("sent %v", first)
			}
			keys := buttons(t, first.Get("reply_markup"))
			if !slices.Equal(keys, [][2]string{{"say it again", "again"}, {"the long one", "#2"}}) {
				t.Fatalf("buttons %q", keys)
			}
			send(pressed(2, keys[0][1]))
			if text := p.of("sendMessage", 2)[1].Get("text"); text != "2 heard: again" {
				t.Errorf("sent %q", text)
			}
			if q := p.of("answerCallbackQuery", 1)[0].Get("callback_query_id"); q != "q2" {
				t.Errorf("answered the query %q", q)
			}
			if edit := p.of("editMessageText", 1)[0]; edit.Get("text") != "Which?\n\n\u2713 say it again" || edit.Get("message_id") != "5" || edit.Has("reply_markup") {
				t.Errorf("edited %v", edit)
			}
			send(pressed(3, keys[1][1])) // of which the message does not tell the words
			if edit := p.of("editMessageReplyMarkup", 1)[0]; edit.Encode() != "chat_id=77&message_id=5" {
				t.Errorf("edited %v", edit)
			}
			if text := p.of("sendMessage", 3)[2].Get("text"); !strings.HasPrefix(text, "3 heard: "+strings.TrimSpace(channeltest.LongValue)) {
				t.Errorf("sent %q", text)
			}
			send(said(4, `"text": "/start"`))
			if text := p.of("sendMessage", 4)[3].Get("text"); text != "1 opened" { // the conversation begins anew
				t.Errorf("sent %q", text)
			}
			if way == "polling" {
				p.until("all updates are confirmed", func(_ []call, unconfirmed int) bool { return unconfirmed == 0 })
				if p.of("deleteWebhook", 1)[0].Has("drop_pending_updates") {
					t.Error("what was sent before is thrown away")
				}
			} else if set := p.of("setWebhook", 1)[0]; set.Get("url") != publicURL+Path || set.Get("secret_token") != secret || set.Get("allowed_updates") != `["message","edited_message","callback_query"]` {
				t.Errorf("webhook %v", set)
			}
		})
	}
}

func TestMessages(t *testing.T) {
	at := time.Unix(1795478400, 0).UTC()
	from := func(m bot.Message) bot.Message {
		m.ID, m.Channel, m.Peer, m.Subject = "u9", Channel, "77", "telegram:77"
		return m
	}
	for _, c := range []struct {
		name, update string
		want         bot.Message // without an id: ignored
	}{
		{"text", said(9, `"text": "PBB"`), from(bot.Message{Text: "PBB", At: at})},
		{"caption", said(9, `"photo": [{"file_id": "small", "file_unique_id": "y", "width": 90, "height": 60}, {"file_id": "x", "file_unique_id": "y", "width": 900, "height": 600}, {"file_id": "too large", "file_unique_id": "y", "width": 9000, "height": 6000, "file_size": 30000000}], "caption": "jalan rusak"`), from(bot.Message{Text: "jalan rusak", Media: "photo", MediaRef: "x", At: at})},
		{"music", said(9, `"audio": {"file_id": "x", "duration": 3}`), from(bot.Message{Media: "voice", MediaRef: "x", At: at})},
		{"moving picture", said(9, `"animation": {"file_id": "x"}, "document": {"file_id": "x"}`), from(bot.Message{Media: "video", MediaRef: "x", At: at})},
		{"venue", said(9, `"location": {"latitude": -4.35, "longitude": 119.88}, "venue": {"location": {"latitude": -4.35, "longitude": 119.88}, "title": "Pasar", "address": "Cabenge"}`), from(bot.Message{Media: "location", Location: &bot.Location{Lat: -4.35, Lng: 119.88}, At: at})},
		{"moving location", said(9, `"location": {"latitude": -4.35, "longitude": 119.88, "horizontal_accuracy": 30.5, "live_period": 900}`), from(bot.Message{Media: "location", Location: &bot.Location{Lat: -4.35, Lng: 119.88, Accuracy: 30.5}, At: at})},
		{"where it moved to", fmt.Sprintf(`{"update_id": 9, "edited_message": {"message_id": 9, "date": 1, "edit_date": 2, "from": %s, "chat": %s, "location": {"latitude": -4.36, "longitude": 119.88}}}`, user, chat), bot.Message{}},
		{"location without an east", said(9, `"location": {"latitude": -4.35, "longitude": "east"}`), from(bot.Message{Media: "location", At: at})},
		{"voice", said(9, `"voice": {"file_id": "x", "duration": 3}`), from(bot.Message{Media: "voice", MediaRef: "x", At: at})},
		{"round video", said(9, `"video_note": {"file_id": "x"}`), from(bot.Message{Media: "video", MediaRef: "x", At: at})},
		{"document", said(9, `"document": {"file_id": "x"}`), from(bot.Message{Media: "document", MediaRef: "x", At: at})},
		{"location", said(9, `"location": {"latitude": -4.35, "longitude": 119.88}`), from(bot.Message{Media: "location", Location: &bot.Location{Lat: -4.35, Lng: 119.88}, At: at})},
		{"location in the ocean", said(9, `"location": {"latitude": 1e300, "longitude": "west"}`), from(bot.Message{Media: "location", At: at})},
		{"contact", said(9, `"contact": {"phone_number": "+62811", "first_name": "x"}`), from(bot.Message{Media: "contact", At: at})},
		{"sticker", said(9, `"sticker": {"file_id": "x"}`), from(bot.Message{Media: "sticker", MediaRef: "x", At: at})},
		{"poll", said(9, `"poll": {"id": "x"}`), from(bot.Message{Media: "sticker", At: at})},
		{"NUL bytes", said(9, `"text": "a\u0000"`), from(bot.Message{Text: "a\x00", At: at})}, // the engine cleans texts
		{"start", said(9, `"text": "/start"`), from(bot.Message{Opens: true, At: at})},
		{"nearly start", said(9, `"text": "/starting"`), from(bot.Message{Text: "starting", At: at})},
		{"deep link", said(9, `"text": "/start izin_usaha-mikro"`), from(bot.Message{Text: "izin usaha mikro", At: at})},
		{"deep link that is none", said(9, `"text": "/start <script>"`), from(bot.Message{Opens: true, At: at})},
		{"command", said(9, `"text": "/data_saya@tabe_bot lagi"`), from(bot.Message{Text: "data saya lagi", At: at})},
		{"slash", said(9, `"text": "/"`), from(bot.Message{At: at})},
		{"button", pressed(9, "yes"), from(bot.Message{Choice: "yes"})},
		{"button with NUL", pressed(9, "\x00yes"), from(bot.Message{Choice: "yes"})},
		{"number of a button", pressed(9, "#2"), from(bot.Message{Text: "2"})},
		{"a field of another type", said(9, `"text": "PBB", "via_bot": "changed", "entities": {"a": 1}, "new_in_2027": []`), from(bot.Message{Text: "PBB", At: at})},
		{"edited", strings.Replace(said(9, `"text": "PBB", "edit_date": 1795478400`), `"message"`, `"edited_message"`, 1), from(bot.Message{Text: "PBB", At: at})},
		{"edited in a group", strings.Replace(strings.Replace(said(9, `"text": "PBB"`), `"message"`, `"edited_message"`, 1), `"private"`, `"group"`, 1), bot.Message{}},
		{"edited caption", strings.Replace(said(9, `"caption": "PBB"`), `"message"`, `"edited_message"`, 1), bot.Message{}},
		{"his own number", said(9, `"contact": {"phone_number": "6281255500014", "first_name": "x", "user_id": 77}`),
			from(bot.Message{Media: "contact", Contact: &bot.Contact{Phone: "+6281255500014", Own: true}, At: at})},
		{"the number of somebody else", said(9, `"contact": {"phone_number": "+6281255500014", "first_name": "x", "user_id": 78}`),
			from(bot.Message{Media: "contact", Contact: &bot.Contact{Phone: "+6281255500014"}, At: at})},
		{"a number of nobody at Telegram", said(9, `"contact": {"phone_number": "+6281255500014", "first_name": "x"}`),
			from(bot.Message{Media: "contact", Contact: &bot.Contact{Phone: "+6281255500014"}, At: at})},
		{"his own number, forwarded", said(9, `"forward_date": 5, "contact": {"phone_number": "+6281255500014", "first_name": "x", "user_id": 77}`),
			from(bot.Message{Media: "contact", Contact: &bot.Contact{Phone: "+6281255500014"}, At: at})},
		{"his own number, through another bot", said(9, `"via_bot": {"id": 5, "is_bot": true}, "contact": {"phone_number": "+6281255500014", "first_name": "x", "user_id": 77}`),
			from(bot.Message{Media: "contact", Contact: &bot.Contact{Phone: "+6281255500014"}, At: at})},
		{"group", strings.Replace(said(9, `"text": "PBB"`), `"private"`, `"supergroup"`, 1), bot.Message{}},
		{"button in a group", strings.Replace(pressed(9, "yes"), `"private"`, `"group"`, 1), bot.Message{}},
		{"button without a message", `{"update_id": 9, "callback_query": {"id": "q", "from": ` + user + `, "data": "yes"}}`, bot.Message{}},
		{"channel post", `{"update_id": 9, "channel_post": {"message_id": 1, "date": 1, "chat": {"id": -1, "type": "channel"}, "text": "x"}}`, bot.Message{}},
		{"another bot", strings.Replace(said(9, `"text": "PBB"`), `"is_bot": false`, `"is_bot": true`, 1), bot.Message{}},
		{"nobody", `{"update_id": 9, "message": {"message_id": 1, "date": 1, "chat": ` + chat + `, "text": "x"}}`, bot.Message{}},
		{"no chat", `{"update_id": 9, "message": {"message_id": 1, "date": 1, "from": ` + user + `, "text": "x"}}`, bot.Message{}},
		{"service message", said(9, `"pinned_message": {"message_id": 1, "date": 1}`), bot.Message{}},
		{"empty", said(9, `"text": ""`), bot.Message{}},
		{"another kind of update", `{"update_id": 9, "message_reaction": {"chat": ` + chat + `}}`, bot.Message{}},
	} {
		inbox := channeltest.NewInbox(nil)
		got := post(newBot(t, newProvider(t), public).Webhook(inbox), secret, c.update)
		messages := inbox.Messages()
		switch {
		case got.Code != http.StatusOK:
			t.Errorf("%s: %d %s", c.name, got.Code, got.Body)
		case c.want.ID == "" && len(messages) > 0:
			t.Errorf("%s: %+v", c.name, messages)
		case c.want.ID != "" && (len(messages) != 1 || !reflect.DeepEqual(messages[0], c.want)):
			t.Errorf("%s: %+v, want %+v", c.name, messages, c.want)
		}
	}
}

func TestRefused(t *testing.T) {
	var log bytes.Buffer
	p := newProvider(t)
	inbox := channeltest.NewInbox(nil)
	h := newBot(t, p, public, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) }).Webhook(inbox)
	update := said(1, `"text": "rahasia"`)
	for _, c := range []struct {
		name, secret, body string
		status             int
	}{
		{"without a secret", "", update, 403},
		{"a wrong secret", secret + "x", update, 403},
		{"half a secret", secret[:3], update, 403},
		{"huge", secret, said(1, `"text": "`+strings.Repeat("7", maxUpdate)+`"`), 413},
		{"no JSON", secret, "<html>", 400},
		{"half of it", secret, update[:len(update)/2], 400},
		{"nothing", secret, "", 400},
		{"an array", secret, "[1]", 400},
		{"no id", secret, `{"message": {"text": "x"}}`, 400},
	} {
		if got := post(h, c.secret, c.body); got.Code != c.status {
			t.Errorf("%s: %d %s", c.name, got.Code, got.Body)
		}
	}
	if n := len(inbox.Messages()); n > 0 {
		t.Errorf("%d messages came through", n)
	}
	for _, told := range []string{"rahasia", secret, token, "77"} {
		if strings.Contains(log.String(), told) {
			t.Errorf("the log tells %q", told)
		}
	}
	if got := post(newBot(t, p, func(c *Config) { c.Secret = "" }).Webhook(inbox), "", update); got.Code != http.StatusForbidden {
		t.Errorf("without a secret of ours: %d", got.Code)
	}
	down := channeltest.NewInbox(func(bot.Message) error { return errors.New("disk full") })
	if got := post(newBot(t, p, public).Webhook(down), secret, update); got.Code != http.StatusServiceUnavailable || strings.Contains(got.Body.String(), "disk") {
		t.Errorf("not received: %d %s", got.Code, got.Body)
	}
}

// Telegram has its answer before we care for the pressed button.
func TestTheWebhookDoesNotWaitForTheButton(t *testing.T) {
	p := newProvider(t)
	release := make(chan struct{})
	p.answer(func(_ http.ResponseWriter, c call) bool { <-release; return false })
	server := httptest.NewServer(newBot(t, p, public).Webhook(channeltest.NewInbox(nil)))
	defer server.Close()
	r, err := http.NewRequest(http.MethodPost, server.URL+Path, strings.NewReader(pressed(1, "yes")))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Telegram-Bot-Api-Secret-Token", secret)
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Error(res.Status)
	}
	close(release)
	p.of("editMessageReplyMarkup", 1)
}

// What cannot be received comes again, and holds up nobody but its resident.
func TestPollingOverAFault(t *testing.T) {
	p := newProvider(t)
	var mu sync.Mutex
	broken := true
	inbox := channeltest.NewInbox(func(m bot.Message) error {
		mu.Lock()
		defer mu.Unlock()
		if broken && m.Subject == "telegram:66" {
			return errors.New("disk full")
		}
		return nil
	})
	p.push(saidBy(1, 66, `"text": "a"`), saidBy(2, 77, `"text": "b"`), `{"update_id": "three"}`, saidBy(4, 66, `"text": "c"`))
	run(t, newBot(t, p), inbox)
	if got := inbox.Wait(t, 1); got[0].Text != "b" {
		t.Errorf("got %+v", got)
	}
	p.push(saidBy(5, 77, `"text": "d"`))
	inbox.Wait(t, 2)
	p.until("asked again from the first update on", func(calls []call, unconfirmed int) bool {
		last := calls[len(calls)-1]
		return last.method == "getUpdates" && last.form.Get("offset") == "1" && unconfirmed == 5
	})
	mu.Lock()
	broken = false
	mu.Unlock()
	var texts string
	for _, m := range inbox.Wait(t, 4) {
		texts += m.Text
	}
	if texts != "bdac" {
		t.Errorf("received in the order %q", texts)
	}
	p.until("everything is confirmed", func(_ []call, unconfirmed int) bool { return unconfirmed == 0 })
}

// One message that can never be received does not stop those behind the
// hundred that Telegram gives at once; a store that takes nothing loses nothing.
func TestPollingOverAMessageThatIsNeverReceived(t *testing.T) {
	for _, c := range []struct {
		name     string
		poison   func(bot.Message) bool
		received int
	}{
		{"one", func(m bot.Message) bool { return m.Text == "30" }, 149},
		{"all", func(bot.Message) bool { return true }, 0},
		{"all from one on", func(m bot.Message) bool { return len(m.Text) > 1 }, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			inbox := channeltest.NewInbox(func(m bot.Message) error {
				if c.poison(m) {
					return errors.New("no")
				}
				return nil
			})
			for i := range 150 {
				p.push(saidBy(i+1, 1000+i, fmt.Sprintf(`"text": "%d"`, i)))
			}
			run(t, newBot(t, p), inbox)
			inbox.Wait(t, c.received)
			if c.received == 149 {
				p.until("everything is confirmed", func(_ []call, unconfirmed int) bool { return unconfirmed == 0 })
				return
			}
			p.of("getUpdates", 5)
			p.until("nothing but what was received is confirmed", func(_ []call, unconfirmed int) bool { return unconfirmed == 150-c.received })
		})
	}
}

// Long polling survives everything that an API and what stands before it can say.
func TestPollingOverABrokenAPI(t *testing.T) {
	p := newProvider(t)
	var mu sync.Mutex
	answers := []string{
		"", "<html>Bad gateway</html>", "null", `{"ok": true, "result": {}}`, `{"ok": true, "result": [{}]}`, `{"ok": true, "result": ["x", 7, null]}`,
		`{"ok": false, "error_code": 409, "description": "Conflict: terminated by other getUpdates request"}`,
		`{"ok": false, "error_code": 429, "description": "Too Many Requests: retry after 0", "parameters": {"retry_after": 0}}`,
		`{"ok": false, "error_code": 401, "description": "Unauthorized"}`,
	}
	hangUp := 2
	p.answer(func(w http.ResponseWriter, _ call) bool {
		mu.Lock()
		defer mu.Unlock()
		if hangUp > 0 {
			hangUp--
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = conn.Close()
			}
			return true
		}
		if len(answers) == 0 {
			return false
		}
		w.WriteHeader(http.StatusBadGateway)
		fmt.Fprint(w, answers[0])
		answers = answers[1:]
		return true
	})
	b := newBot(t, p)
	b.pause = time.Millisecond
	inbox := channeltest.NewInbox(nil)
	run(t, b, inbox)
	p.push(said(1, `"text": "PBB"`))
	inbox.Wait(t, 1)
	p.until("confirmed", func(_ []call, unconfirmed int) bool { return unconfirmed == 0 })
}

// A server that does not hold the question is not asked without a pause.
func TestPollingAServerThatDoesNotHold(t *testing.T) {
	p := newProvider(t)
	p.answer(func(w http.ResponseWriter, c call) bool {
		if c.method == "getUpdates" {
			fmt.Fprint(w, `{"ok": true, "result": []}`)
		}
		return c.method == "getUpdates"
	})
	began := time.Now()
	run(t, newBot(t, p), channeltest.NewInbox(nil))
	p.of("getUpdates", 4)
	if took := time.Since(began); took < 3*idle {
		t.Errorf("four questions in %v", took)
	}
}

func TestLongText(t *testing.T) {
	p := newProvider(t)
	b := newBot(t, p)
	text := strings.Repeat("Rp 52.500 untuk NOP 73.12.010.003.002-0041.0\n", 200)
	id, err := b.Send(t.Context(), outbound(text, bot.Option{Key: "0", Value: "menu", Label: "Menu"}))
	if err != nil || id != "3" {
		t.Fatal(id, err)
	}
	forms := p.of("sendMessage", 3)
	var joined string
	for i, form := range forms {
		joined += form.Get("text")
		if form.Has("reply_markup") != (i == 2) {
			t.Errorf("piece %d: keyboard %q", i, form.Get("reply_markup"))
		}
	}
	if joined != text {
		t.Error("the pieces are not the text")
	}
}

func TestButtons(t *testing.T) {
	p := newProvider(t)
	b := newBot(t, p)
	exactly := strings.Repeat("x", 64)
	_, err := b.Send(t.Context(), outbound("?",
		bot.Option{Key: "1", Value: exactly, Label: "64 bytes"},
		bot.Option{Key: "2", Value: exactly + "x", Label: "65 bytes"},
		bot.Option{Key: "3", Value: "#3", Label: "looks like a key"},
		bot.Option{Key: "4", Value: "", Label: "no value"},
	))
	if err != nil {
		t.Fatal(err)
	}
	got := buttons(t, p.of("sendMessage", 1)[0].Get("reply_markup"))
	want := [][2]string{{"64 bytes", exactly}, {"65 bytes", "#2"}, {"looks like a key", "#3"}, {"no value", "#4"}}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestWhatFailuresMean(t *testing.T) {
	p := newProvider(t)
	b := newBot(t, p)
	said := func(code int, text string) string {
		return fmt.Sprintf(`{"ok": false, "error_code": %d, "description": "%s"}`, code, text)
	}
	for _, c := range []struct {
		name, body string
		status     int
		want       bot.SendError
	}{
		{"blocked", said(403, "Forbidden: bot was blocked by the user"), 403, bot.SendError{Permanent: true, OptedOut: true, Code: "telegram 403"}},
		{"gone", said(403, "Forbidden: user is deactivated"), 403, bot.SendError{Permanent: true, OptedOut: true, Code: "telegram 403"}},
		{"never wrote", said(403, "Forbidden: bot can't initiate conversation with a user"), 403, bot.SendError{Permanent: true, Code: "telegram 403"}},
		{"no chat", said(400, "Bad Request: chat not found"), 400, bot.SendError{Permanent: true, Code: "telegram 400"}},
		{"too fast", `{"ok": false, "error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 7}}`, 429, bot.SendError{Code: "telegram 429", RetryAfter: 7 * time.Second}},
		{"too fast for ever", `{"ok": false, "error_code": 429, "parameters": {"retry_after": 99999999}}`, 429, bot.SendError{Code: "telegram 429", RetryAfter: time.Hour}},
		{"wrong token", said(401, "Unauthorized"), 401, bot.SendError{Code: "telegram 401"}},
		{"down", said(500, "Internal Server Error"), 500, bot.SendError{Code: "telegram 500"}},
		{"a proxy is down", "<html>502</html>", 502, bot.SendError{Code: "http 502", RetryAfter: 3 * time.Second}},
		{"a hotel asks for a room number", "<html>", 200, bot.SendError{Code: "http 200", RetryAfter: 3 * time.Second}},
		{"nothing", "", 200, bot.SendError{Code: "http 200", RetryAfter: 3 * time.Second}},
		{"no message", `{"ok": true, "result": true}`, 200, bot.SendError{Code: "answer"}},
		{"other JSON", `[]`, 200, bot.SendError{Code: "network"}},
	} {
		p.answer(func(w http.ResponseWriter, _ call) bool {
			w.Header().Set("Retry-After", "3")
			w.WriteHeader(c.status)
			fmt.Fprint(w, c.body)
			return true
		})
		_, err := b.Send(t.Context(), outbound("rahasia"))
		assertFailure(t, c.name, err, c.want)
	}
}

func assertFailure(t *testing.T, name string, err error, want bot.SendError) {
	t.Helper()
	got := (*bot.SendError)(nil)
	if !errors.As(err, &got) {
		t.Errorf("%s: %v is no SendError", name, err)
		return
	}
	if got.Permanent != want.Permanent || got.OptedOut != want.OptedOut || got.Code != want.Code || got.RetryAfter != want.RetryAfter {
		t.Errorf("%s: %+v, want %+v", name, got, want)
	}
	told := fmt.Sprint(got, got.Err)
	for _, secret := range []string{token, "rahasia", "chat_id"} {
		if strings.Contains(told, secret) {
			t.Errorf("%s: the error tells %q", name, told)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + listener.Addr().String()
	_ = listener.Close()
	p := newProvider(t)
	b := newBot(t, p, func(c *Config) { c.APIURL = address })
	_, err = b.Send(t.Context(), outbound("rahasia"))
	assertFailure(t, "refused", err, bot.SendError{Code: "network"})
	assertFailure(t, "check", b.Check(t.Context()), bot.SendError{Code: "network"})

	release := make(chan struct{})
	p.answer(func(http.ResponseWriter, call) bool { <-release; return true })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = newBot(t, p).Send(ctx, outbound("rahasia"))
	assertFailure(t, "silent", err, bot.SendError{Code: "timeout"})
	close(release)
}

// The way in opens when Telegram is back, and gives up when we stop.
func TestTheWayInOpensLate(t *testing.T) {
	p := newProvider(t)
	var mu sync.Mutex
	down := 3
	p.answer(func(w http.ResponseWriter, _ call) bool {
		mu.Lock()
		defer mu.Unlock()
		down--
		if down >= 0 {
			w.WriteHeader(http.StatusBadGateway)
		}
		return down >= 0
	})
	b := newBot(t, p, public)
	b.Run(t.Context(), channeltest.NewInbox(nil)) // returns when it is open
	p.of("setWebhook", 4)
	if err := b.Check(t.Context()); err != nil {
		t.Error(err)
	}

	down = 1 << 30
	b.pause = time.Hour
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { b.Run(ctx, channeltest.NewInbox(nil)); close(done) }()
	p.of("setWebhook", 5)
	stop()
	<-done
}

func TestSettings(t *testing.T) {
	for name, c := range map[string]Config{
		"no token":                   {},
		"a token with a path":        {Token: "1:x/../y"},
		"a public URL and no secret": {Token: token, PublicURL: publicURL},
		"a secret with blanks":       {Token: token, PublicURL: publicURL, Secret: "a b"},
		"half a public URL":          {Token: token, PublicURL: "tabe.example", Secret: secret},
		"an odd API URL":             {Token: token, APIURL: "ftp://x"},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s is accepted", name)
		} else if strings.Contains(err.Error(), "TEST") || strings.Contains(err.Error(), "x/..") {
			t.Errorf("%s: the error tells the token", name)
		}
	}
	if _, err := New(Config{Token: token}); err != nil {
		t.Error(err)
	}
}

func FuzzUpdate(f *testing.F) {
	f.Add([]byte(said(1, `"text": "PBB"`)))
	f.Add([]byte(pressed(2, "yes")))
	f.Add([]byte(`{"update_id": 1, "message": {"chat": {}, "from": {}}}`))
	f.Add([]byte(`{"update_id": 9e99, "callback_query": {"message": null}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		u, err := parseUpdate(raw)
		if err != nil {
			return
		}
		m, ok := message(u)
		if ok && (m.ID == "" || m.Peer == "" || m.Subject == "" || m.Choice != bot.CleanText(m.Choice)) {
			t.Errorf("%+v", m)
		}
	})
}

// After a week without updates Telegram begins to number at another place.
func TestPollingWhenNumbersBeginAnew(t *testing.T) {
	inbox := channeltest.NewInbox(nil)
	p := &poller{Bot: newBot(t, newProvider(t)), messages: inbox, done: map[int]bool{}}
	for _, id := range []int{500, 3} {
		if !p.take(t.Context(), []json.RawMessage{json.RawMessage(said(id, `"text": "x"`))}) || p.offset != id+1 {
			t.Errorf("after update %d the offset is %d", id, p.offset)
		}
	}
	if n := len(inbox.Messages()); n != 2 || len(p.done) > 0 {
		t.Errorf("%d messages, %d remembered", n, len(p.done))
	}
}
