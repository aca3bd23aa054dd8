package ussd_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"

	"tabe/bot"
	"tabe/bot/sms"
	"tabe/ussd"
)

// fits applies what the standard gives one screen, counted here independently.
func fits(screen string, limit int) bool {
	if encoding, septets := sms.Measure(screen); encoding == sms.GSM7 {
		return septets <= limit
	}
	return len(utf16.Encode([]rune(screen))) <= map[int]int{182: 80, 160: 70}[limit]
}

func choices(labels ...string) []bot.Option {
	var options []bot.Option
	for i, label := range labels {
		options = append(options, bot.Option{Key: strconv.Itoa(i + 1), Value: fmt.Sprint("v", i), Label: label})
	}
	return append(options, bot.Option{Key: "0", Value: bot.MenuValue, Label: "Menu"})
}

func TestAShortAnswerIsOneScreen(t *testing.T) {
	got := ussd.Pager{Limit: 182}.Pages("Apa yang ditanyakan?", choices("Pajak", "Izin"), "Lanjut", "Kembali")
	want := "Apa yang ditanyakan?\n1 Pajak\n2 Izin\n0 Menu"
	if len(got) != 1 || got[0] != want {
		t.Errorf("got %q", got)
	}
}

func TestALongAnswerIsTurnedPageByPage(t *testing.T) {
	body := "PBB 2026 NOP 73.12.020.001.001-0019.0\nLa Mappa, Citta\nPokok Rp 34.700\nDenda Rp 1.388\n" +
		"Tunggakan 2022, 2023, 2024 dan 2025 Rp 127.500\nJumlah semua Rp 163.588\nBayar di bank atau kantor pos sebelum 30 Sep 2026."
	got := ussd.Pager{Limit: 182}.Pages(body, choices("Cara bayar", "Rincian", "Simpan nomor ini"), "Lanjut", "Kembali")
	want := []string{
		"PBB 2026 NOP 73.12.020.001.001-0019.0\nLa Mappa, Citta\nPokok Rp 34.700\nDenda Rp 1.388\nTunggakan 2022, 2023, 2024 dan 2025 Rp 127.500\nJumlah semua Rp 163.588\n9 Lanjut\n0 Menu",
		"Bayar di bank atau kantor pos sebelum 30 Sep 2026.\n1 Cara bayar\n2 Rincian\n3 Simpan nomor ini\n8 Kembali\n0 Menu",
	}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("got\n%s", strings.Join(got, "\n---\n"))
	}
}

func TestNumbersStayWhole(t *testing.T) {
	for _, number := range []string{"73.12.020.001.001-0019.0", "73 12 020 001 001 0019 0", "Rp 127.500", "30/09/2026", "0811-0000-0401"} {
		for pad := range 182 {
			body := strings.TrimSpace(strings.Repeat("kata ", pad/5)+strings.Repeat("x", pad%5)+" ") + " " + number + strings.Repeat(" lagi", 20)
			pages := ussd.Pager{Limit: 182}.Pages(body, choices("Ya"), "Lanjut", "Kembali")
			if n := strings.Count(strings.Join(pages, "|"), number); n != 1 {
				t.Fatalf("%q was cut after %d characters: %q", number, pad, pages)
			}
		}
	}
}

func TestOwnKeysOfAFlowStandWhereTheyAreFree(t *testing.T) {
	options := append(choices("Pajak"), bot.Option{Key: "8", Value: bot.BackValue, Label: "Daftar"}, bot.Option{Key: "9", Value: bot.MoreValue, Label: "Objek lain"})
	got := ussd.Pager{Limit: 160}.Pages(strings.Repeat("kata ", 60), options, "Lanjut", "Kembali")
	if len(got) != 3 {
		t.Fatalf("%d screens", len(got))
	}
	for i, want := range []string{"9 Lanjut\n8 Daftar\n0 Menu", "9 Lanjut\n8 Kembali\n0 Menu", "9 Objek lain\n8 Kembali\n0 Menu"} {
		if !strings.HasSuffix(got[i], want) {
			t.Errorf("screen %d: %q", i+1, got[i])
		}
	}
}

func TestHostileTextsAreCutAndKept(t *testing.T) {
	for name, body := range map[string]string{
		"one word": strings.Repeat("x", 2000), "digits": strings.Repeat("7", 2000), "amounts": "Rp " + strings.Repeat("1.000", 300),
		"emoji": strings.Repeat("🔥", 300), "lontara": strings.Repeat("ᨈᨅᨙ ", 100), "lines": strings.Repeat("\n", 400) + "a", "nothing": "",
	} {
		for _, limit := range []int{182, 160} {
			pages := ussd.Pager{Limit: limit}.Pages(body, choices(strings.Repeat("ᨈᨅᨙ", 40), strings.Repeat("long ", 90)), strings.Repeat("more", 30), strings.Repeat("back", 30))
			for _, page := range pages {
				if !fits(page, limit) {
					t.Errorf("%s, %d: %q is too long", name, limit, page)
				}
			}
			if all := strings.Join(pages, ""); len(squeeze(all)) < len(squeeze(body)) {
				t.Errorf("%s, %d: something was lost", name, limit)
			}
		}
	}
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }

func TestScreens(t *testing.T) {
	letters := rapid.SampledFrom([]rune("abcdeiknprst'.,-:/0123456789  \n(€[ᨈᨅ’é"))
	word := rapid.StringMatching(`[A-Za-z' ]{1,22}[a-z]`)
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.SampledFrom([]int{ussd.PortableScreen, ussd.MaxScreen}).Draw(t, "limit")
		length := rapid.IntRange(0, 700).Draw(t, "length")
		body := rapid.StringOfN(letters, length, length, -1).Draw(t, "body")
		options := choices(rapid.SliceOfN(word, 0, bot.MaxOptions).Draw(t, "labels")...)
		pages := ussd.Pager{Limit: limit}.Pages(body, options, "Lanjut", "Kembali")

		var text []string
		next := 1
		for i, page := range pages {
			if !fits(page, limit) {
				t.Fatalf("screen %d is too long: %q", i, page)
			}
			lines := strings.Split(page, "\n")
			// From the foot: the menu, the pages, the options.
			expect := func(line string) {
				if len(lines) == 0 || lines[len(lines)-1] != line {
					t.Fatalf("screen %d misses %q: %q", i, line, page)
				}
				lines = lines[:len(lines)-1]
			}
			expect("0 Menu")
			if i > 0 {
				expect("8 Kembali")
			}
			if i < len(pages)-1 {
				expect("9 Lanjut")
			}
			var here []string
			for _, o := range options[next-1 : len(options)-1] {
				here = append(here, o.Key+" "+strings.Join(strings.Fields(o.Label), " "))
			}
			for n := len(here); n > 0; n-- {
				if tail := strings.Join(lines, "\n"); tail == strings.Join(here[:n], "\n") || strings.HasSuffix(tail, "\n"+strings.Join(here[:n], "\n")) {
					lines, next = lines[:len(lines)-n], next+n
					break
				}
			}
			text = append(text, lines...)
		}
		if next != len(options) {
			t.Fatalf("option %d is on no screen: %q", next, pages)
		}
		if got, want := squeeze(strings.Join(text, " ")), squeeze(sms.Fold(body)); got != want {
			t.Fatalf("got %q\nwant %q", got, want)
		}
	})
}
