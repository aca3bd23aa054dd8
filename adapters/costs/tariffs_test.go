package costs_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tabe/adapters/costs"
	"tabe/bot"
	"tabe/bot/sms"
)

// table is what a regency with a contract could write.
const table = `
daily_rupiah = 100000
warn_percent = 80
answers_per_day = 200
[channel.sms]
per_segment = 500
[channel.sms.prefix]
"+62811" = 350
"+628119" = 100
"+1" = 9000
[channel.whatsapp]
per_message = 0
[channel.whatsapp.template]
utility = 400
marketing = 900
[channel.whatsapp.category]
"kabar.news" = "marketing"
[channel.voice]
per_minute = 2500
`

func parse(t *testing.T, text string) *costs.Tariffs {
	t.Helper()
	tariffs, err := costs.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return tariffs
}

func TestPrice(t *testing.T) {
	tariffs := parse(t, table)
	body := func(s string) bot.Text { return bot.Text{Body: s} }
	approved := func(key string) bot.Text {
		return bot.Text{Body: strings.Repeat("a", 500), Template: &bot.Template{Key: key, Language: "id"}}
	}
	const other = "+6285200000001"
	for _, c := range []struct {
		name     string
		channel  bot.ChannelID
		to       string
		text     bot.Text
		segments int
		cost     bot.Rupiah
	}{
		{"one segment", "sms", other, body(strings.Repeat("a", 160)), 1, 500},
		{"two", "sms", other, body(strings.Repeat("a", 161)), 2, 1000},
		{"the options are sent too", "sms", other, bot.Text{Body: strings.Repeat("a", 155), Options: []bot.Option{{Key: "0", Label: "Menu"}}}, 2, 1000},
		{"what is folded stays GSM", "sms", other, body("siaga pajakku’ …" + strings.Repeat("a", 100)), 1, 500},
		{"Lontara", "sms", other, body(strings.Repeat("ᨒ", 71)), 2, 1000},
		{"on-net", "sms", "+6281100000001", body("a"), 1, 350},
		{"the longest prefix wins", "sms", "+6281190000001", body("a"), 1, 100},
		{"abroad", "sms", "+12025550100", body("a"), 1, 9000},
		{"a number as short as its prefix", "sms", "+62811", body("a"), 1, 350},
		{"no number", "sms", "", body("a"), 1, 500},
		{"free text", "whatsapp", other, body(strings.Repeat("a", 500)), 1, 0},
		{"an approved text", "whatsapp", other, approved("perizinan.ready"), 1, 400},
		{"of another kind", "whatsapp", other, approved("kabar.news"), 1, 900},
		{"an approved text where there are none", "sms", other, bot.Text{Body: "a", Template: &bot.Template{Key: "kabar.news"}}, 1, 500},
		{"a call of 10 seconds", "voice", other, body(""), 1, 2500},
		{"of 110", "voice", other, body(strings.Repeat("a", 500)), 2, 5000},
		{"of 130, the longest", "voice", other, body(strings.Repeat("a", 9000)), 3, 7500},
		{"a channel without a price", "telegram", "4711", body(strings.Repeat("a", 4000)), 1, 0},
	} {
		segments, cost := tariffs.Price(bot.Outbound{Channel: c.channel, Peer: c.to, Text: c.text})
		if segments != c.segments || cost != c.cost {
			t.Errorf("%s: %d, %s; want %d, %s", c.name, segments, cost, c.segments, c.cost)
		}
	}
}

// letters are those of real texts, and those that change the encoding.
var letters = []rune("abcdefgh IJKL.0123456789\n€{}'’…éàᨒᨚᨈ😀")

func text(max int) *rapid.Generator[string] {
	return rapid.StringOfN(rapid.SampledFrom(letters), 0, max, -1)
}

// A longer text is never cheaper, an SMS costs by its segments, and everything
// else by the piece.
func TestPriceGrowsWithTheText(t *testing.T) {
	tariffs := parse(t, table)
	rapid.Check(t, func(t *rapid.T) {
		short, more := text(400).Draw(t, "text"), text(200).Draw(t, "more")
		channel := rapid.SampledFrom([]bot.ChannelID{"sms", "whatsapp", "telegram", "voice"}).Draw(t, "channel")
		to := rapid.SampledFrom([]string{"+6285200000001", "+6281100000001", "+6281190000001", "+12025550100", "4711"}).Draw(t, "to")
		price := func(s string) (int, bot.Rupiah) {
			return tariffs.Price(bot.Outbound{Channel: channel, Peer: to, Text: bot.Text{Body: s}})
		}
		n, cost := price(short)
		longer, dearer := price(short + more)
		if longer < n || dearer < cost {
			t.Fatalf("%d, %s with more; %d, %s without", longer, dearer, n, cost)
		}
		if n < 1 || cost < 0 || cost%bot.Rupiah(n) != 0 {
			t.Fatalf("%d, %s", n, cost)
		}
		switch _, segments := sms.Segments(sms.Fold(short)); {
		case channel == "sms" && n != segments:
			t.Fatalf("%d segments, charged for %d", segments, n)
		case channel != "sms" && channel != "voice" && n != 1:
			t.Fatalf("charged for %d", n)
		}
	})
}

// What is said before is never less than what is charged.
func TestAtMost(t *testing.T) {
	tariffs := parse(t, table+"\n")
	rapid.Check(t, func(t *rapid.T) {
		channel := rapid.SampledFrom([]bot.ChannelID{"sms", "whatsapp", "telegram"}).Draw(t, "channel")
		o := bot.Outbound{Channel: channel, Peer: rapid.SampledFrom([]string{"+6285200000001", "+6281100000001", "+6281190000001"}).Draw(t, "to"),
			Text: bot.Text{Body: text(300).Draw(t, "text")}}
		if rapid.Bool().Draw(t, "late") {
			o.Text.Template = &bot.Template{Key: "kabar.news"}
		}
		_, segments := sms.Segments(sms.Fold(o.Text.Body))
		if _, cost := tariffs.Price(o); cost > tariffs.AtMost(channel, "kabar.news", segments) {
			t.Fatalf("%s, at most %s", cost, tariffs.AtMost(channel, "kabar.news", segments))
		}
	})
	if got := tariffs.AtMost("sms", "kabar.news", 2); got != 1000 {
		t.Errorf("%s: a price abroad counts at home", got)
	}
	dear := parse(t, strings.Replace(table, `"+62811" = 350`, `"+62811" = 800`, 1))
	if got := dear.AtMost("sms", "kabar.news", 2); got != 1600 {
		t.Errorf("%s: the dearest operator does not count", got)
	}
}

func TestPaid(t *testing.T) {
	tariffs := parse(t, strings.Replace(table, "per_segment = 500", "per_segment = 0", 1))
	for channel, want := range map[bot.ChannelID]bool{"sms": true, "whatsapp": false, "voice": true, "telegram": false} {
		if got := tariffs.Paid(channel); got != want {
			t.Errorf("%s: %v", channel, got)
		}
	}
}

func TestParse(t *testing.T) {
	tariffs := costs.Default()
	if tariffs.Daily != 0 || tariffs.AnswersPerDay == 0 || !tariffs.Paid("sms") {
		t.Errorf("%+v", tariffs)
	}
	parse(t, table)
	for what, change := range map[string][2]string{
		"not TOML":                      {"[channel.sms]", "[channel.sms"},
		"a word that nobody knows":      {"per_segment = 500", "per_segmen = 500"},
		"a part of a rupiah":            {"per_segment = 500", "per_segment = 499.5"},
		"less than nothing":             {"per_segment = 500", "per_segment = -1"},
		"more than anybody asks":        {"per_segment = 500", "per_segment = 100001"},
		"no price":                      {"per_segment = 500", ""},
		"two prices":                    {"per_segment = 500", "per_segment = 500\nper_message = 1"},
		"no SMS":                        {"[channel.sms", "[channel.sms2"},
		"a prefix without a plus":       {`"+62811"`, `"0811"`},
		"a prefix that is no number":    {`"+62811"`, `"+62x"`},
		"a dear prefix":                 {`"+62811" = 350`, `"+62811" = 350000`},
		"templates without utility":     {"utility = 400", ""},
		"a kind without a price":        {`"kabar.news" = "marketing"`, `"kabar.news" = "authentication"`},
		"a budget of less than nothing": {"daily_rupiah = 100000", "daily_rupiah = -1"},
		"a warning at nothing":          {"warn_percent = 80", "warn_percent = 0"},
		"a warning after the end":       {"warn_percent = 80", "warn_percent = 101"},
		"less than no answers":          {"answers_per_day = 200", "answers_per_day = -1"},
	} {
		changed := strings.Replace(table, change[0], change[1], -1)
		if changed == table {
			t.Fatalf("%s: nothing to change", what)
		}
		if _, err := costs.Parse(strings.NewReader(changed)); err == nil {
			t.Errorf("%s: taken", what)
		} else if !strings.HasPrefix(err.Error(), "costs: ") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func BenchmarkPrice(b *testing.B) {
	tariffs := costs.Default()
	for name, text := range map[string]string{
		"one segment": strings.Repeat("PBB 2026 ", 12), "three": strings.Repeat("PBB 2026 ", 40), "Lontara": strings.Repeat("ᨒᨚᨈ ", 15),
	} {
		b.Run(name, func(b *testing.B) {
			o := bot.Outbound{Channel: "sms", Peer: "+6281100000001", Text: bot.Text{Body: text}}
			b.ReportAllocs()
			for b.Loop() {
				tariffs.Price(o)
			}
		})
	}
}
