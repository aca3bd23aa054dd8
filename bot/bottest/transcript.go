package bottest

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/bot"
	"tabe/bot/sms"
)

// A transcript is a conversation that people can read and correct, and that
// the program has to reproduce to the letter:
//
//	# A farmer asks for his bill by SMS.
//	channel: sms
//	from: +6281100000456
//	now: 2026-11-25 09:00
//
//	> brp pbb sy
//	< Tabe', kirimki' NOP-ta', 18 angka. Ada di surat SPPT.
//	| 0 Menu
//	~ 11m
//	> (foto)
//
// "> " is what the resident sends, "< " begins a message that comes back and
// "| " continues it on the next line, "~ 11m" lets time pass. In brackets stand
// the things that are not text: (buka) opens a dialogue, as by dialling a USSD
// code; (foto), (suara), (video), (dokumen), (stiker), (kontak), (kontak +6281… sendiri) his own number; (lokasi -4.35 119.88) a shared
// position; (tombol 2) presses the button of option 2. "> " alone is an empty
// message. Times are WITA.
//
// Some things happen without the resident: "! perizinan ready {…}" is a notice
// of that kind for that flow, with its body in JSON; "= putus" cuts the services
// off from their data, "= kembali" brings them back (see Outage). "@ sms
// +6281100000401" goes on at another phone, and begins with what was told there
// meanwhile (see Told).
type transcript struct {
	path    string
	head    []string // everything above the first line of the conversation
	channel bot.ChannelID
	from    string
	now     time.Time
	lines   []string
}

var update = flag.Bool("update", false, "write what the program answers into the transcripts")

// Conversation is what a transcript talks to; *bot.Engine, with every channel
// inline.
type Conversation interface {
	Converse(ctx context.Context, m bot.Message) ([]bot.Text, error)
}

// Outage is a Conversation whose services can be cut off from their data.
type Outage interface {
	Cut(t *testing.T, off bool)
}

// Told is a Conversation that knows what residents were told without asking.
type Told interface {
	// Told returns what was told on a channel, once.
	Told(t *testing.T, c bot.ChannelID) []bot.Text
}

// RunTranscripts plays every file that matches pattern, each as a subtest
// against the Conversation that open makes for it; clock is the time of day
// in the transcript. At least one file must match. The subtests are parallel:
// they end after the test that calls this.
func RunTranscripts(t *testing.T, pattern string, open func(t *testing.T, clock *Clock) Conversation) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no transcript matches %s (%v)", pattern, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), func(t *testing.T) {
			t.Parallel()
			tr, err := readTranscript(path)
			if err != nil {
				t.Fatal(err)
			}
			clock := NewClock(tr.now)
			tr.run(t, clock, open(t, clock))
		})
	}
}

func readTranscript(path string) (*transcript, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	tr := &transcript{path: path, channel: "sms", from: "+6281100000401"}
	inHead := true
	for i, line := range strings.Split(strings.TrimRight(string(raw), "\n"), "\n") {
		inHead = inHead && (line == "" || !strings.ContainsAny(line[:1], ">!=~@"))
		if !inHead {
			tr.lines = append(tr.lines, line)
			continue
		}
		tr.head = append(tr.head, line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, ": ")
		switch {
		case !ok:
			return nil, fmt.Errorf("%s:%d: neither a comment nor a setting: %q", path, i+1, line)
		case name == "channel":
			tr.channel = bot.ChannelID(value)
		case name == "from":
			tr.from = value
		case name == "now":
			if tr.now, err = time.ParseInLocation("2006-01-02 15:04", value, bot.WITA); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", path, i+1, err)
			}
		default:
			return nil, fmt.Errorf("%s:%d: no setting is called %q", path, i+1, name)
		}
	}
	if tr.now.IsZero() {
		return nil, fmt.Errorf("%s: the setting now is missing", path)
	}
	return tr, nil
}

// run plays the transcript and compares, or rewrites the file.
func (tr *transcript) run(t *testing.T, clock *Clock, c Conversation) {
	got := append([]string{}, tr.head...)
	var options []bot.Option
	show := func(line string, texts []bot.Text) {
		for _, text := range texts {
			tr.measure(t, line, text)
			got = append(got, "< "+strings.ReplaceAll(tr.shown(text), "\n", "\n| "))
			options = text.Options
		}
	}
	n := 0
	for _, line := range tr.lines {
		mark, rest, _ := strings.Cut(line, " ")
		switch mark {
		case "<", "|":
		case "~":
			d, err := time.ParseDuration(rest)
			if err != nil {
				t.Fatalf("%s: %v", tr.path, err)
			}
			clock.Advance(d)
			got = append(got, line)
		case "=":
			got = append(got, line)
			data, ok := c.(Outage)
			if !ok || rest != "putus" && rest != "kembali" {
				t.Fatalf("%s: cannot do %q", tr.path, line)
			}
			data.Cut(t, rest == "putus")
		case ">", "!":
			n++
			got = append(got, line)
			m := tr.message(t, n, mark, rest, options)
			m.At = clock.Now()
			texts, err := c.Converse(t.Context(), m)
			if err != nil {
				t.Fatalf("%s: after %q: %v", tr.path, line, err)
			}
			show(line, texts)
		case "@":
			got = append(got, line)
			told, ok := c.(Told)
			channel, from, whose := strings.Cut(rest, " ")
			if !ok || !whose {
				t.Fatalf("%s: cannot do %q", tr.path, line)
			}
			tr.channel, tr.from = bot.ChannelID(channel), from
			show(line, told.Told(t, tr.channel))
		case "", "#":
			got = append(got, line)
		default:
			t.Fatalf("%s: cannot read %q", tr.path, line)
		}
	}
	have := strings.Join(append(append([]string{}, tr.head...), tr.lines...), "\n")
	want := strings.Join(got, "\n")
	if have == want {
		return
	}
	if *update {
		if err := os.WriteFile(tr.path, []byte(want+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	a, b := strings.Split(have, "\n"), strings.Split(want, "\n")
	for i := range max(len(a), len(b)) {
		x, y := "(nothing)", "(nothing)"
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			t.Errorf("%s:%d\n  transcript: %s\n  program:    %s", tr.path, i+1, x, y)
			return
		}
	}
}

func (tr *transcript) message(t *testing.T, n int, mark, input string, options []bot.Option) bot.Message {
	m := bot.Message{ID: fmt.Sprintf("%s-%d", filepath.Base(tr.path), n), Channel: tr.channel, Peer: tr.from, Subject: "tel:" + tr.from}
	if !strings.HasPrefix(tr.from, "+") {
		m.Subject = string(tr.channel) + ":" + tr.from
	}
	if mark == "!" {
		what := strings.SplitN(input, " ", 3)
		if len(what) < 2 || len(what) == 3 && !json.Valid([]byte(what[2])) {
			t.Fatalf("%s: no notice: %q", tr.path, input)
		}
		m.Notice = &bot.Notice{Flow: what[0], Kind: what[1]}
		if len(what) == 3 {
			m.Notice.Body = json.RawMessage(what[2])
		}
		return m
	}
	kind, bracketed := strings.CutPrefix(input, "(")
	kind, closed := strings.CutSuffix(kind, ")")
	switch {
	case !bracketed || !closed:
		m.Text = input
	case kind == "buka":
		m.Opens = true
	case strings.HasPrefix(kind, "lokasi "):
		m.Media, m.Location = bot.MediaLocation, &bot.Location{}
		if _, err := fmt.Sscan(strings.TrimPrefix(kind, "lokasi "), &m.Location.Lat, &m.Location.Lng); err != nil {
			t.Fatalf("%s: no position: %q", tr.path, input)
		}
	case strings.HasPrefix(kind, "tombol "):
		for _, o := range options {
			if o.Key == strings.TrimPrefix(kind, "tombol ") {
				m.Choice = o.Value
			}
		}
		if m.Choice == "" {
			t.Fatalf("%s: there is no button %q", tr.path, kind)
		}
	case strings.HasPrefix(kind, "kontak "):
		m.Media, m.Contact = bot.MediaContact, &bot.Contact{Phone: strings.TrimPrefix(kind, "kontak ")}
		m.Contact.Phone, m.Contact.Own = strings.CutSuffix(m.Contact.Phone, " sendiri")
	case mediaKinds[kind] != "":
		m.Media = mediaKinds[kind]
	default:
		t.Fatalf("%s: nobody knows %q", tr.path, input)
	}
	return m
}

// mediaKinds are the kinds of media by their names in transcripts.
var mediaKinds = map[string]string{
	"foto": bot.MediaPhoto, "suara": bot.MediaVoice, "video": bot.MediaVideo, "dokumen": bot.MediaDocument, "stiker": bot.MediaSticker, "kontak": bot.MediaContact,
}

// shown is the text as the resident sees it.
func (tr *transcript) shown(text bot.Text) string {
	switch tr.channel {
	case "ussd":
		if text.End {
			return text.Body + " (selesai)"
		}
		return text.Body
	case "sms":
		return sms.Fold(text.Numbered())
	}
	return text.Numbered()
}

// maxSegments is the length that an answer by SMS may have; screen that of a
// USSD screen.
const (
	maxSegments = 2
	screen      = 182
)

// measure fails when a message is longer than old phones and thin purses bear.
func (tr *transcript) measure(t *testing.T, line string, text bot.Text) {
	shown := tr.shown(text)
	encoding, units := sms.Measure(shown)
	_, segments := sms.Segments(shown)
	switch {
	case tr.channel == "sms" && (segments > maxSegments || encoding != sms.GSM7):
		t.Errorf("%s: after %q: %d segments of %s", tr.path, line, segments, encoding)
	case tr.channel == "ussd" && (units > screen || encoding != sms.GSM7):
		t.Errorf("%s: after %q: a screen of %d characters in %s", tr.path, line, units, encoding)
	}
}

// Clock is a time of day that only moves when told to.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a Clock that stands at now.
func NewClock(now time.Time) *Clock { return &Clock{now: now} }

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance lets d pass.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
