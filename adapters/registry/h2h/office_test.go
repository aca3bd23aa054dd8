package h2h_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	user     = "tabe"
	password = "rahasia"
)

// bill is a row of the office's table.
type bill struct {
	nop, name, desa string
	year            int
	amount, penalty int
	land, building  int
	njopLand        int
	dueDate         string
	paid            bool
}

// office is a tax office: the token, the inquiry for one year and the older
// list of bills, with the faults of the real one. It answers success with 200,
// everything else with 401, and nothing with a number that is a number.
type office struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex
	bills   []bill
	tokens  int             // given so far; the last one is good
	asked   []string        // "token", "inquiry 2026", "bills", "bills 2026"
	faults  map[string]bool // see fault
	respond http.HandlerFunc
}

func newOffice(t *testing.T, bills ...bill) *office {
	t.Helper()
	o := &office{t: t, bills: bills, faults: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /Token/getToken", o.token)
	mux.HandleFunc("POST /InqPBB", o.inquiry)
	mux.HandleFunc("GET /GetBillingPBB", o.list)
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		respond := o.respond
		o.mu.Unlock()
		if respond != nil {
			respond(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(o.Close)
	return o
}

// fault switches faults on:
//
//	sql       the query is printed before the JSON of an inquiry
//	expired   the first token is good for one question
//	numbers   amounts are numbers, not strings
//	dashes    what only explains a bill is "-"
//	dates     dates stand day first
//	string    the JSON is a string of JSON
//	2025      that year is not answered
//	other     the bill is that of another object
//	thousands amounts are written Rp 52.500,00
func (o *office) fault(names ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, name := range names {
		o.faults[name] = true
	}
}

// down answers everything with respond; nil: it is back.
func (o *office) down(respond http.HandlerFunc) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.respond = respond
}

func (o *office) change(f func(bills []bill)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f(o.bills)
}

// questions returns what was asked since the last call.
func (o *office) questions() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	asked := o.asked
	o.asked = nil
	slices.Sort(asked)
	return strings.Join(asked, ", ")
}

func (o *office) token(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var login struct{ Username, Password string }
	if err := json.NewDecoder(r.Body).Decode(&login); err != nil {
		o.t.Error(err)
	}
	o.asked = append(o.asked, "token")
	if login.Username != user || login.Password != password {
		o.say(w, 401, `{"response_code":"01","response_message":"Invalid username or password"}`)
		return
	}
	o.tokens++
	o.say(w, 200, fmt.Sprintf(`{"data":{"username":"tabe","current_token":"eyJ0.%d"},"response_code":"00","response_message":"“Login success","expired":"2026-11-25 11:05:00"}`, o.tokens))
}

func (o *office) inquiry(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var q struct {
		Year string `json:"tax_year"`
		Type string `json:"tax_type"`
		NOP  string `json:"nop"`
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil || q.Type != "0002" {
		o.t.Errorf("inquiry %+v %v", q, err)
	}
	o.asked = append(o.asked, "inquiry "+q.Year)
	if q.NOP == "" {
		o.say(w, 401, `{"response_code":"13","message":"ID Tidak Terdaftar"}`)
		return
	}
	if o.tokens == 0 || r.Header.Get("Authorization") != fmt.Sprintf("Bearer eyJ0.%d", o.tokens) {
		o.say(w, 401, `{"response_code":"05","message":"Token tidak sesuai atau sudah expired","data":[""]}`)
		return
	}
	if o.faults[q.Year] {
		o.say(w, 404, "gone")
		return
	}
	if o.faults["expired"] && o.tokens == 1 {
		o.tokens++ // nobody has that one
	}
	if o.faults["sql"] {
		fmt.Fprintf(w, "SELECT A.*, IF(PAYMENT_FLAG=1,\"LUNAS\",\"BELUM LUNAS\") AS s FROM `pbb_sppt` `A` WHERE `A`.`NOP` = '%s' {\n", q.NOP)
	}
	i := slices.IndexFunc(o.bills, func(b bill) bool { return b.nop == q.NOP && fmt.Sprint(b.year) == q.Year })
	switch {
	case i < 0:
		o.say(w, 401, `{"response_code":"13","message":"ID Tidak Terdaftar"}`)
	case o.bills[i].paid:
		o.say(w, 401, `{"response_code":"88","message":"Tagihan Sudah di Bayar"}`)
	default:
		b := o.bills[i]
		nop := b.nop
		if o.faults["other"] {
			nop = "731299900300200410"
		}
		detail := fmt.Sprintf(`"op_luas_bumi":"%d","op_luas_bangunan":"%d","op_njop_bumi":"%d","op_njoptkp":"10000000","due_date":"%s"`, b.land, b.building, b.njopLand, o.date(b.dueDate))
		if o.faults["dashes"] {
			detail = `"op_luas_bumi":"-","op_luas_bangunan":null,"op_njop_bumi":"-","op_njoptkp":[],"due_date":"0000-00-00"`
		}
		o.say(w, 200, fmt.Sprintf(`{"response_code":"00","message":"success","data":{"area_code":"7312","tax_type":"0002","refnum":"-","total":%s,"bill_amount":%s,"penalty":%s,
			"name":"%s","address":"-","op_address":"DUSUN X","nop":"%s","sppt_terbit":"2026-03-01",%s,"misc_fee":0,"rt_rw":"1/2","kelurahan":"%s","kecamatan":"CITTA","discount":0,"tax_year":"%d","status_bayar":"BELUM LUNAS"}}`,
			o.number(b.amount+b.penalty), o.number(b.amount), o.number(b.penalty), b.name, nop, detail, b.desa, b.year))
	}
}

func (o *office) list(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	nop, year := r.URL.Query().Get("nop"), r.URL.Query().Get("tahun")
	o.asked = append(o.asked, strings.TrimSpace("bills "+year))
	if u, p, _ := r.BasicAuth(); u != user || p != password {
		o.say(w, 403, `{"code":"04","description":"login"}`)
		return
	}
	if nop == "" {
		o.say(w, 200, `{"code":"09","description":"NOP masih kosong"}`)
		return
	}
	var rows []string
	for _, b := range o.bills {
		if b.nop != nop || year == "" && b.paid || year != "" && fmt.Sprint(b.year) != year {
			continue
		}
		if b.paid {
			o.say(w, 200, fmt.Sprintf(`{"code":"99","description":"NOP %s Atas Nama %s SUDAH LUNAS"}`, b.nop, b.name))
			return
		}
		shown := b.nop
		if o.faults["other"] {
			shown = "731299900300200410"
		}
		rows = append(rows, fmt.Sprintf(`{"nop":"%s","tahun_pajak":"%d","nama_wp":"%s","alamat_wp":"-","alamat_op":"DUSUN X","kelurahan_op":"%s","kecamatan_op":"CITTA","luas_bumi_bangunan_op":"%d/%d","nilai":%s,"denda":%s,"total":%s,"status_bayar":"BELUM LUNAS"}`,
			shown, b.year, b.name, b.desa, b.land, b.building, o.number(b.amount), o.number(b.penalty), o.number(b.amount+b.penalty)))
	}
	if len(rows) == 0 {
		o.say(w, 200, `{"code":"08","description":"Data tidak ditemukan, Mohon cek kembali NOP atau Tahun"}`)
		return
	}
	code := "10"
	if year != "" {
		code = "00"
	}
	o.say(w, 200, fmt.Sprintf(`{"code":"%s","data":{"bills":[%s]}}`, code, strings.Join(rows, ",")))
}

func (o *office) number(n int) string {
	switch {
	case o.faults["numbers"]:
		return fmt.Sprint(n)
	case o.faults["thousands"] && n >= 1000:
		return fmt.Sprintf(`"Rp %d.%03d,00"`, n/1000, n%1000)
	}
	return fmt.Sprintf(`"%d"`, n)
}

func (o *office) date(s string) string {
	if o.faults["dates"] {
		return s[8:] + "-" + s[5:7] + "-" + s[:4] + " 00:00:00"
	}
	return s
}

func (o *office) say(w http.ResponseWriter, status int, body string) {
	if o.faults["string"] {
		quoted, _ := json.Marshal(body) // a string: never fails
		body = string(quoted)
	}
	if !o.faults["sql"] {
		w.WriteHeader(status)
	}
	fmt.Fprint(w, body)
}

// yearOf is the year that an inquiry is about.
func yearOf(r *http.Request) string {
	var q struct {
		Year string `json:"tax_year"`
	}
	_ = json.NewDecoder(r.Body).Decode(&q)
	return q.Year
}
