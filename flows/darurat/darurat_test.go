package darurat_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"tabe/bot"
	"tabe/bot/bottest"
	"tabe/bot/understand"
	"tabe/flows/darurat"
	"tabe/flows/menu"
)

// Codes are what people read to each other on the telephone: no two incidents
// of the same years share one, and none can be taken for a number or a word.
func TestCodes(t *testing.T) {
	seen := make(map[string]int64, 200_000)
	for id := range int64(200_000) {
		code := darurat.Code(id)
		if before, twice := seen[code]; twice {
			t.Fatalf("%d and %d are both %s", before, id, code)
		}
		seen[code] = id
		if len(code) != 5 || strings.ContainsAny(code, "AEIOUL0125S8BZQGV") || code[0] < 'A' || code[0] > 'Z' {
			t.Fatalf("%d is %q", id, code)
		}
	}
	if darurat.Code(1<<62) == "" {
		t.Error("a large id has no code")
	}
}

// broken fails whatever it is asked.
type broken struct{ panics bool }

func (b broken) Open(context.Context, bot.ResidentID, time.Time) ([]darurat.Incident, error) {
	if b.panics {
		panic("broken")
	}
	return nil, errors.New("broken")
}

func (b broken) Contact(context.Context, darurat.Kind, string) (darurat.Contact, error) {
	return darurat.Contact{}, errors.New("broken")
}

// nowhere knows no place.
type nowhere struct{ darurat.Places }

func (nowhere) Districts() []darurat.Unit                     { return nil }
func (nowhere) Unit(string) (darurat.Unit, bool)              { return darurat.Unit{}, false }
func (nowhere) Named(string, bool) (darurat.Unit, bool)       { panic("broken") }
func (nowhere) At(bot.Location) (darurat.Unit, darurat.Doubt) { panic("broken") }

// recorder keeps what the turns of a flow have said and written.
type recorder struct {
	*bottest.Store
	done []bot.Done
}

func (r *recorder) Commit(ctx context.Context, done bot.Done) ([]bot.Outbound, error) {
	r.done = append(r.done, done)
	return r.Store.Commit(ctx, done)
}

// keys are words in which a message is its key.
type keys struct{}

func (keys) Text(_, key, _ string, _ map[string]any) (string, error) { return key, nil }

// play gives a flow one message, and returns its turn.
func play(t *testing.T, f *darurat.Flow, m bot.Message, u understand.Result) bot.Done {
	t.Helper()
	r := &recorder{Store: bottest.NewStore(time.Now)}
	home := menu.New(func(s string) string { return s })
	e, err := bot.New(bot.Config{
		Store: r, Words: keys{}, Understand: func(string) understand.Result { return u }, Flows: []bot.Flow{f, home}, Home: home,
		Formats: map[bot.ChannelID]bot.ChannelFormat{"sms": {Inline: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	m.ID, m.Channel, m.Subject = "1", "sms", "tel:+62"
	if _, err := e.Converse(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	return r.done[0]
}

var onFire = understand.Guess{Intent: understand.EmergencyFire, Confidence: 0.9}

// Whatever is broken, the first message makes the incident.
func TestNothingStandsInTheWayOfAReport(t *testing.T) {
	for name, f := range map[string]*darurat.Flow{
		"errors": darurat.New(broken{}, nowhere{}), "panics": darurat.New(broken{panics: true}, nowhere{}),
	} {
		for _, slots := range [][]understand.Slot{nil, {{Name: "desa", Value: "Kaca"}}, {{Name: "lat", Value: "-4.1"}, {Name: "lng", Value: "119.9"}}} {
			done := play(t, f, bot.Message{Text: "kebakaran"}, understand.Result{Text: "kebakaran", Guess: onFire, Slots: slots})
			if len(done.Effects) != 1 || len(done.Replies) == 0 || !strings.HasPrefix(done.Replies[0].Body, "darurat.received_fire") {
				t.Errorf("%s: %+v", name, done)
				continue
			}
			if r := done.Effects[0].(darurat.Report); !r.First || r.Incident != 2*done.Entry.Seq || r.Kind != darurat.Fire || r.Words != "kebakaran" {
				t.Errorf("%s: %+v", name, r)
			}
		}
	}
}

// Notices that make no sense say nothing, and none about violence says what it
// is about.
func TestTell(t *testing.T) {
	f := darurat.New(broken{}, nowhere{})
	for _, n := range []struct {
		kind, body string
		said       int
	}{
		{darurat.ToldWords, `{"c":"X","w":"halo"}`, 1}, {darurat.ToldWords, `{"c":"X","w":"halo","q":true}`, 1},
		{darurat.ToldGoing, `{"c":"X","p":"Pos","q":true}`, 0}, {darurat.ToldClosed, `{"c":"X","q":true}`, 0}, {"nonsense", `{}`, 0},
	} {
		done := play(t, f, bot.Message{Notice: &bot.Notice{Flow: "darurat", Kind: n.kind, Body: json.RawMessage(n.body)}}, understand.Result{})
		if len(done.Replies) != n.said || len(done.Effects) != 0 {
			t.Errorf("%+v: %+v", n, done.Replies)
		}
	}
}
