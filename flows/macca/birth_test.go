package macca

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tabe/bot"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, bot.WITA)

func TestBirths(t *testing.T) {
	for text, want := range map[string]string{
		"3-9-1961": "1961-09-03", "03/09/61": "1961-09-03", "3 September 1961": "1961-09-03", "1961-09-03": "1961-09-03",
		"3.9.1961": "1961-09-03", "3 9 61": "1961-09-03", "03091961": "1961-09-03", "030961": "1961-09-03", "19610903": "1961-09-03",
		"3sept61": "1961-09-03", "tgl 3 bulan 9 tahun 1961": "1961-09-03", "Soppeng, 03-09-1961": "1961-09-03", "September 3, 1961": "1961-09-03",
		"1961 september 3": "1961-09-03", "lahir 17 agustus 1968": "1968-08-17", "17-08-68": "1968-08-17", "tanggala' 5 Mare' 1970": "1970-03-05",
		"5 Maret' 1970": "1970-03-05", "2 peb 1990": "1990-02-02", "12 nopember 1955": "1955-11-12", "9/23/1961": "1961-09-23", "29 feb 2000": "2000-02-29",
		"1-1-2026": "2026-01-01", "31 12 05": "1905-12-31 2005-12-31", "1/1/26": "1926-01-01 2026-01-01", "(3-9-1961)": "1961-09-03",
		"7312081502109901 3-9-1961": "1961-09-03", "7312 0815 0210 9901, 3 9 1961": "1961-09-03", "3-9-1961 KK 7312081502109901": "1961-09-03",
		"": "", "1961": "", "3-9": "", "31-2-1961": "", "29-2-1961": "", "3-13-1961": "1961-03-13", "31-13-1961": "", "0-9-1961": "", "3-9-1861": "", "3-9-2061": "", "26-11-2026": "",
		"1993-07-7-06": "", "3-9-1961 4-9-1961": "", "tidak tahu": "", "3-9-19611": "", "003-9-1961": "", "september": "", "3 september": "", "3 9 september": "",
		"99999999": "", "000000": "", "7312081502109901": "",
	} {
		var got []string
		for _, d := range births(text, "7312081502109901", noon) {
			got = append(got, d.Format(time.DateOnly))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v, want %s", text, got, want)
		}
	}
}

// However a birthday is written, it is among those that are read.
func TestBirthsReadsBack(t *testing.T) {
	forms := []string{"2-1-2006", "02/01/2006", "2006-01-02", "2 Jan 2006", "2 January 2006", "02.01.2006", "02012006", "2/1/06", "020106", "January 2, 2006", "2Jan06"}
	rapid.Check(t, func(rt *rapid.T) {
		born := time.Date(1930, 1, 1, 0, 0, 0, 0, bot.WITA).AddDate(0, 0, rapid.IntRange(0, 35000).Draw(rt, "day"))
		text := born.Format(rapid.SampledFrom(forms).Draw(rt, "form"))
		words := rapid.SampledFrom([]string{"%s", "lahir %s", "KK 7312081502109901 tgl %s", "%s puang"}).Draw(rt, "words")
		for _, d := range births(fmt.Sprintf(words, text), "7312081502109901", noon) {
			if d.Equal(born) {
				return
			}
		}
		rt.Fatalf("%q is not read", text)
	})
}

func FuzzBirths(f *testing.F) {
	for _, s := range []string{"3-9-1961", "3 September 1961", "19610903", "7312 0815 0210 9901 3/9/61", "3 sep' 61", "\xff3-9-61"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		found := births(text, "7312081502109901", noon)
		if len(found) > 2 {
			t.Errorf("%q means %v", text, found)
		}
		for _, d := range found {
			if d.After(noon) || d.Year() < firstBirth || d.Location() != bot.WITA {
				t.Errorf("%q means %v", text, d)
			}
		}
	})
}
