package bot

import (
	"slices"
	"testing"
	"time"

	"tabe/bot/understand"
)

func TestJoin(t *testing.T) {
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, WITA)
	saved := func(value string, day int) Saved {
		return Saved{Kind: "nop", Value: value, At: at.AddDate(0, 0, day), Consent: "c"}
	}
	owner := Resident{
		Language: understand.Indonesian, Used: []string{"pbb", "menu"}, Saved: []Saved{saved("1", 1), saved("2", 3)},
		Attempts:      map[string]*Attempts{"nop": {Points: 6}, "nik": {Points: 30, Next: at}},
		Conversations: map[ChannelID]*Conversation{"sms": {Flow: "pbb"}, "telegram": {Flow: "of the account before"}},
		Links:         []Linked{{Channel: "telegram", At: at.AddDate(-1, 0, 0)}, {Channel: "web"}},
		Answered:      Answered{Day: "2026-11-25", N: 3},
	}
	account := Resident{
		Language: understand.Bugis, Pinned: true, Used: []string{"macca", "pbb"}, Saved: []Saved{saved("2", 2), saved("3", 2)},
		Attempts:      map[string]*Attempts{"nop": {Points: 9}, "nik": {Points: 3}},
		Conversations: map[ChannelID]*Conversation{"telegram": {Flow: "tautan"}},
		Answered:      Answered{Day: "2026-11-25", N: 4, Told: true},
	}
	a, err := owner.encode()
	if err != nil {
		t.Fatal(err)
	}
	b, err := account.encode()
	if err != nil {
		t.Fatal(err)
	}
	blob, err := Join(a, b, Linked{Channel: "telegram", At: at, Consent: "asked"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := decode(blob)
	if err != nil {
		t.Fatal(err)
	}
	if r.Language != understand.Bugis || !r.Pinned {
		t.Errorf("language %s", r.Language)
	}
	if got := r.SavedOf("nop"); !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Errorf("saved %q", got)
	}
	if !slices.Equal(r.Used, []string{"macca", "pbb", "menu"}) {
		t.Errorf("used %q", r.Used)
	}
	if r.Attempts["nop"].Points != 9 || r.Attempts["nik"].Points != 30 || r.Attempts["nik"].Next.IsZero() {
		t.Errorf("guesses were washed off: %+v %+v", r.Attempts["nop"], r.Attempts["nik"])
	}
	if want := (Answered{Day: "2026-11-25", N: 7, Told: true}); r.Answered != want {
		t.Errorf("answers were washed off: %+v", r.Answered)
	}
	if today := (Answered{Day: "2026-11-26", N: 1}); owner.Answered.plus(today) != today || today.plus(owner.Answered) != today {
		t.Error("yesterday counts")
	}
	if r.Conversations["sms"].Flow != "pbb" || r.Conversations["telegram"].Flow != "tautan" {
		t.Errorf("%+v", r.Conversations)
	}
	if len(r.Links) != 2 || !r.Unlink("telegram") || r.Unlink("telegram") {
		t.Errorf("%+v", r.Links)
	}
	// Somebody who never wrote before, on either side.
	for _, blobs := range [][2][]byte{{nil, b}, {a, nil}, {nil, nil}} {
		if _, err := Join(blobs[0], blobs[1], Linked{Channel: "telegram"}); err != nil {
			t.Error(err)
		}
	}
	// What is not understood is not thrown away.
	for _, broken := range []string{"9{}", "1{"} {
		if _, err := Join([]byte(broken), b, Linked{}); err == nil {
			t.Errorf("%q is overwritten", broken)
		}
	}
}

// keys are the messages by their keys.
type keys struct{}

func (keys) Text(_, key, _ string, _ map[string]any) (string, error) { return key, nil }

type nobody struct{ Flow }

func (nobody) Name() string { return "nobody" }

// An option that asks is there where there is a button for it, and nowhere else.
func TestOptionsThatAsk(t *testing.T) {
	for asks, want := range map[bool]string{true: "1 option.list 2 option.share_location 0 option.menu ", false: "1 option.list 0 option.menu "} {
		turn := &Turn{Resident: &Resident{}, Conversation: &Conversation{Flow: "somebody"}}
		turn.Say(Reply{Key: "where", Options: []Option{Choice("list"), Share(AskLocation)}})
		e := &Engine{Config: Config{Words: keys{}, Home: nobody{}, Formats: map[ChannelID]ChannelFormat{"": {Asks: asks}}}}
		texts, err := e.render(turn)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, o := range texts[0].Options {
			got += o.Key + " " + o.Label + " "
			if (o.Asks == AskLocation) != (o.Value == "location") {
				t.Errorf("%+v", o)
			}
		}
		if got != want {
			t.Errorf("%v: %q", asks, got)
		}
	}
}
