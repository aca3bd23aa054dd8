package remote_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"tabe/adapters/registry/remote"
	"tabe/bot"
)

const sql = "SELECT `pbb_sppt`.*, CONCAT('{', A.NOP, '}') AS x FROM `pbb_sppt` `A` WHERE `A`.`NOP` = '731201000300200410' {\n"

func TestFind(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"plain":                     {`{"code":"10"}`, `{"code":"10"}`},
		"a mark and blanks":         {"\ufeff \r\n{ \"code\" : 10 }", `{ "code" : 10 }`},
		"SQL before":                {sql + `{"code":"10"}`, `{"code":"10"}`},
		"a warning before":          {"<br />\n<b>Notice</b>: Undefined index: {x} in <b>/var/www/x.php</b><br />" + `{"code":"10"}`, `{"code":"10"}`},
		"a page behind":             {`{"code":"10"}<script>{"code":"11"}</script>`, `{"code":"10"}`},
		"another object before":     {`{"nop":"1","tahun":{"code":1}}{"code":"10"}`, `{"code":"10"}`},
		"braces in SQL":             {`{"a' {"b {"code":"10"}`, `{"code":"10"}`},
		"in a string":               {`"{\"code\":\"10\"}"`, `{"code":"10"}`},
		"in a string in a string":   {`"\"{\\\"code\\\":10}\""`, `{"code":10}`},
		"a list of it":              {`[{"code":"10"}]`, `{"code":"10"}`},
		"cut off":                   {`{"code":"10","data":{"nop":"1"`, "cut"},
		"cut off behind the object": {`{"code":"10"}{"code":`, `{"code":"10"}`},
		"SQL before it, cut off":    {sql + `{"code":"10","data":[{"nop`, "cut"},
		"nothing":                   {"", "none"},
		"a page":                    {"<html><body>502 {bad} gateway</body></html>", "none"},
		"without the key":           {`{"error":"x"}`, "none"},
		"deep":                      {strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000), "none"},
		"many braces":               {strings.Repeat(`{"`, 100_000), "none"},
	} {
		got, err := remote.Find([]byte(c.body), "code")
		said := string(got)
		if errors.Is(err, remote.ErrCut) {
			said = "cut"
		} else if err != nil {
			said = "none"
		}
		if said != c.want {
			t.Errorf("%s: %.60s, want %s", name, said, c.want)
		}
	}
}

func TestUnmarshal(t *testing.T) {
	type data struct {
		Name remote.Text `json:"name"`
		List []struct {
			Name remote.Text `json:"name"`
		} `json:"list"`
	}
	for raw, want := range map[string]string{
		`{"name":"x","list":[{"name":1}]}`:         "x1",
		`"{\"name\":\"x\",\"list\":[]}"`:           "x",
		`{"name":"x","list":"none"}`:               "x",
		`{"name":{"first":"x"},"list":[{},"a",1]}`: "",
		`[""]`: "", `[]`: "", `null`: "", `""`: "ERROR", `7`: "",
	} {
		var d data
		err := remote.Unmarshal([]byte(raw), &d)
		got := string(d.Name)
		for _, l := range d.List {
			got += string(l.Name)
		}
		if err != nil {
			got = "ERROR"
		}
		if got != want {
			t.Errorf("%s: %q %v", raw, got, err)
		}
	}
}

func TestText(t *testing.T) {
	for raw, want := range map[string]remote.Text{
		`"x"`: "x", `" x\n\u0000y "`: "x y", `12`: "12", `true`: "true", `1.50`: "1.50",
		`"-"`: "", `"- / -"`: "", `"--"`: "", `""`: "", `null`: "", `"NULL"`: "", `{}`: "", `["x"]`: "", `"."`: "",
		`"` + strings.Repeat("x", 1000) + `"`: remote.Text(strings.Repeat("x", 300)),
	} {
		var got remote.Text
		if err := json.Unmarshal([]byte(raw), &got); err != nil || got != want {
			t.Errorf("%.40s: %q %v", raw, got, err)
		}
	}
}

func TestNumbers(t *testing.T) {
	for text, want := range map[remote.Text]int64{
		"": 0, "0": 0, "51000": 51000, "51.000": 51000, "51,000": 51000, "1.051.000": 1051000, "51000.00": 51000, "51.000,00": 51000,
		"51,000.00": 51000, "Rp 51.000": 51000, "Rp. 51.000,-": 51000, "rp51000": 51000, "51000.0": 51000, "007": 7, "600": 600,
		"51000.5": -1, "1.5": -1, "-5": -1, "+5": -1, "5e4": -1, "lima": -1, "51 000": -1, "51.00.00": -1, "5100.000": -1, "99999999999999999999": -1,
		"1000000000000001": -1, "１２": -1,
	} {
		got, err := text.Whole()
		if (want < 0) != (err != nil) || err == nil && got != want {
			t.Errorf("%q: %d %v, want %d", text, got, err, want)
		}
	}
}

func TestDays(t *testing.T) {
	day := time.Date(2021, time.September, 3, 0, 0, 0, 0, bot.WITA)
	for _, text := range []remote.Text{
		"2021-09-03", "03-09-2021", "3/9/2021", "2021/9/3", "20210903", "2021-09-03 00:00:00", "2021-09-03T00:00:00+08:00", "03-09-2021 23:59:59",
		"3 September 2021", "03 Sep 2021", "3 SEPT. 2021", "3-Sep-2021", "03.09.2021",
	} {
		if got, err := text.Day(); err != nil || !got.Equal(day) {
			t.Errorf("%q: %v %v", text, got, err)
		}
	}
	for text, month := range map[remote.Text]time.Month{"1 Agustus 2026": 8, "1 Mei 2026": 5, "1 Okt 2026": 10, "1 Desember 2026": 12, "1 Nopember 2026": 11} {
		if got, err := text.Day(); err != nil || got.Month() != month {
			t.Errorf("%q: %v %v", text, got, err)
		}
	}
	for _, text := range []remote.Text{"", "0000-00-00", "0000-00-00 00:00:00"} {
		if got, err := text.Day(); err != nil || !got.IsZero() {
			t.Errorf("%q: %v %v", text, got, err)
		}
	}
	for _, text := range []remote.Text{"2021-02-30", "31-09-2021", "soon", "2021", "09-2021", "1-1-21", "0202-01-01", "9/30/2021", "32 Mei 2021", "a b c"} {
		if got, err := text.Day(); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add(sql + `{"code":"10"}`)
	f.Add(`"{\"code\":\"10\"}"`)
	f.Add(`{"code":"10","data":{`)
	f.Add("\ufeff{}{\"code\":{}}")
	f.Fuzz(func(t *testing.T, body string) {
		object, err := remote.Find([]byte(body), "code")
		if err != nil {
			return
		}
		var fields map[string]json.RawMessage
		if json.Unmarshal(object, &fields) != nil {
			t.Fatalf("%q is no object", object)
		}
		if _, there := fields["code"]; !there {
			t.Errorf("%q has no code", object)
		}
		var v struct {
			Code remote.Text   `json:"code"`
			Data []remote.Text `json:"data"`
		}
		_ = remote.Unmarshal(object, &v)
		if n, err := v.Code.Whole(); err == nil && n < 0 {
			t.Errorf("%q is %d", v.Code, n)
		}
		if d, err := v.Code.Day(); err == nil && !d.IsZero() && (d.Year() < 1900 || d.Year() > 2200) {
			t.Errorf("%q is %v", v.Code, d)
		}
		if string(v.Code) != bot.CleanText(string(v.Code)) || len(v.Code) > 300 {
			t.Errorf("%q is not clean", v.Code)
		}
	})
}
