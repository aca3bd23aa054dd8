package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"tabe/adapters/media"
	"tabe/adapters/phone"
	"tabe/adapters/scc/operators"
	"tabe/adapters/testbrowser"
	"tabe/adapters/testserver"
	"tabe/bot"
)

var screenshots = flag.String("screenshots", "", "write pictures of the console into this folder")

// demoHouse is the demo with its phones and its console, at a time at which the
// offices are open.
type demoHouse struct {
	*httptest.Server
	t         *testing.T
	clock     func() time.Time
	app       *app
	fetched   atomic.Int64 // media, by whatsappMedia
	enrolment operators.Enrolment
	down      atomic.Bool // the server is not reached
}

const consolePassword = "pohon lontar di Citta"

func newDemoHouse(t *testing.T) *demoHouse {
	t.Helper()
	began := time.Now()
	d := &demoHouse{t: t, clock: func() time.Time {
		return time.Date(2026, 11, 25, 10, 0, 0, 0, bot.WITA).Add(time.Since(began))
	}}
	residents, err := phone.Residents()
	if err != nil {
		t.Fatal(err)
	}
	phones := phone.New(residents)
	dir := t.TempDir()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	o := options{databaseURL: testserver.SQLiteURL(t), secretKey: make([]byte, secretKeyLength), dataDir: dir, channels: phones.Channels(), media: media.Channels{whatsappChannel: d.whatsappMedia}, clock: d.clock, log: log}
	a, err := open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	d.app = a
	if err := loadSamples(t.Context(), a, dir); err != nil {
		t.Fatal(err)
	}
	if err := a.center.SeedContacts(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	page, err := phones.Handler(a.engine)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", page)
	accounts, err := a.mountConsole(mux, o, false)
	if err != nil {
		t.Fatal(err)
	}
	if d.enrolment, err = accounts.Add(t.Context(), byTerminal, operators.Draft{
		Name: "besse", FullName: "Andi Besse", Password: consolePassword,
		Roles: []operators.Role{operators.Dispatcher, operators.Supervisor, operators.Auditor, operators.Admin},
	}); err != nil {
		t.Fatal(err)
	}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.down.Load() {
			panic(http.ErrAbortHandler)
		}
		mux.ServeHTTP(w, r)
	}))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.run(ctx) }()
	t.Cleanup(func() {
		phones.Close()
		d.CloseClientConnections()
		d.Close()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := a.close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// whatsappMedia has one picture.
func (d *demoHouse) whatsappMedia(_ context.Context, ref string, _ int64) (media.File, error) {
	d.fetched.Add(1)
	if ref != "picture" {
		return media.File{}, media.ErrGone
	}
	var b bytes.Buffer
	err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 320, 200)))
	return media.File{Type: "image/png", Content: b.Bytes()}, err
}

// console signs in with a browser of its own.
func (d *demoHouse) console(width int64) *testbrowser.Page {
	d.t.Helper()
	p := testbrowser.Open(d.t, d.URL+"/scc", width, "#code")
	p.Type("#name", "besse")
	p.Type("#password", consolePassword)
	p.Type("#code", d.code())
	p.Click("form button")
	p.Do(chromedp.WaitReady(chromedp.CSS("body[data-ready]")))
	return p
}

// code returns a recovery code; each is good once, but at any second.
func (d *demoHouse) code() string {
	d.t.Helper()
	code := d.enrolment.Recovery[0]
	d.enrolment.Recovery = d.enrolment.Recovery[1:]
	return code
}

// phone shows the phones in a browser of its own.
func (d *demoHouse) phone() *testbrowser.Page {
	d.t.Helper()
	return testbrowser.Open(d.t, d.URL, 1440, "main[data-ready]")
}

func write(p *testbrowser.Page, channel, text string) { p.Type("#write-"+channel, text+"\r") }

func TestAPersonAnswersInTheConsole(t *testing.T) {
	t.Parallel() // it mostly waits for a browser
	d := newDemoHouse(t)
	c := d.console(1366)
	c.Click("#tabs a[href='/scc/percakapan']")
	c.Shows("h1", "Percakapan")
	c.Shows("#line", "LIVE")
	c.Shows(".alarm", "MATI")

	// The shift begins with a sound that somebody has heard.
	c.Click("[data-do=shift]")
	c.Shows("#hear", "Terdengar?")
	c.Click("[data-do=heard]")
	c.Shows(".alarm", "SIAP")

	p := d.phone()
	write(p, "whatsapp", "mau bicara dengan orang")
	c.Shows("#queue", "Menunggu (1)") // by itself
	c.Shows("#board", "1 orang menunggu")
	c.Key("t")
	c.Shows("#case", "ditangani oleh Andi Besse")
	c.Shows("#thread", "mau bicara dengan orang")
	c.Type("#text", "Selamat pagi. Apa yang bisa kami bantu?")
	testbrowser.Evaluate[bool](c, `document.querySelector("#text").dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", ctrlKey: true, bubbles: true})) || true`)
	p.Shows("[data-channel=whatsapp] .theirs", "Selamat pagi. Apa yang bisa kami bantu?")
	c.Shows("#thread", "Selamat pagi")

	// What he says next appears while the operator writes.
	c.Type("#text", "baik, saya")
	write(p, "whatsapp", "alamat PBB saya salah")
	c.Shows("#thread", "alamat PBB saya salah")
	if typed := testbrowser.Evaluate[string](c, `document.querySelector("#text").value`); typed != "baik, saya" {
		t.Errorf("what was being typed is %q", typed)
	}
	if state := testbrowser.Evaluate[string](c, `document.querySelector("[data-alarm-word]").innerText`); state != "SIAP" {
		t.Errorf("the alarm did not survive: %s", state)
	}
	c.Click("#tabs a[href='/scc/petugas']")
	c.Shows("#shift", "siap")

	// Nothing came from elsewhere.
	if outside := testbrowser.Evaluate[[]string](c, `performance.getEntriesByType("resource").map((e) => e.name).filter((n) => !n.startsWith(location.origin))`); len(outside) > 0 {
		t.Errorf("loaded from elsewhere: %q", outside)
	}
}

// A picture is opened in its place in the conversation, beside what the operator
// is writing, and stays there when more arrives.
func TestAPictureInTheConversation(t *testing.T) {
	t.Parallel() // it mostly waits for a browser
	d := newDemoHouse(t)
	c := d.console(1366)
	p := d.phone()
	write(p, "whatsapp", "mau bicara dengan orang")
	c.Click("#tabs a[href='/scc/percakapan']")
	c.Shows("#queue", "Menunggu (1)")
	c.Key("t")
	c.Shows("#case", "ditangani oleh Andi Besse")
	resident := testbrowser.Evaluate[string](p, `document.querySelector("#who-whatsapp").value`)
	for _, ref := range []string{"picture", "gone"} {
		if err := d.app.engine.Receive(t.Context(), bot.Message{
			ID: ref, Channel: whatsappChannel, Peer: resident, Subject: "tel:" + resident, Media: bot.MediaPhoto, MediaRef: ref, Text: "ini yang " + ref,
		}); err != nil {
			t.Fatal(err)
		}
	}
	c.Shows("#thread", "ini yang gone")
	c.Type("#text", "baik, saya")
	if n := d.fetched.Load(); n != 0 {
		t.Errorf("%d pictures were fetched before anybody opened one", n)
	}
	loaded := `new Promise((done) => { const look = () => {
		const i = document.querySelector("#thread img");
		i?.complete && i.naturalWidth === 320 ? done(i.alt) : setTimeout(look, 20);
	}; look(); setTimeout(() => done("nothing"), 15000); })`
	c.Click("#thread [data-open]")
	if alt := testbrowser.Evaluate[string](c, loaded); !strings.HasPrefix(alt, "Foto dari warga, ") {
		t.Fatalf("the picture is %q", alt)
	}
	for _, f := range c.Faults() {
		t.Errorf("%s (%s): %s\n%s", f.ID, f.Impact, f.Help, strings.Join(f.Nodes, "\n"))
	}
	testbrowser.Evaluate[bool](c, `document.querySelector("#thread img").kept = true`)
	write(p, "whatsapp", "bisa dilihat?")
	c.Shows("#thread", "bisa dilihat?")
	if kept := testbrowser.Evaluate[bool](c, `document.querySelector("#thread img").kept === true`); !kept || d.fetched.Load() != 1 {
		t.Errorf("the picture was fetched %d times", d.fetched.Load())
	}
	if typed := testbrowser.Evaluate[string](c, `document.querySelector("#text").value`); typed != "baik, saya" {
		t.Errorf("what was being typed is %q", typed)
	}
	testbrowser.Evaluate[bool](c, `[...document.querySelectorAll("#thread a.medium")].at(-1).click() ?? true`)
	c.Shows("#alert", "Foto ini sudah tidak ada di WhatsApp.")
	c.Click("#thread figcaption [data-open]")
	testbrowser.Evaluate[bool](c, `new Promise((done) => { const look = () => document.querySelector("#thread figure") ? setTimeout(look, 20) : done(true); look(); })`)
}

// TestAWholeFire plays a fire from the first message to the end: the resident
// and the post have telephones, the operator a keyboard.
func TestAWholeFire(t *testing.T) {
	t.Parallel() // it mostly waits for a browser
	d := newDemoHouse(t)
	c := d.console(1366)
	c.Shows("h1", "Insiden")
	c.Click("[data-do=shift]")
	c.Shows("#hear", "Terdengar?")
	c.Click("[data-do=heard]")
	c.Shows(".alarm", "SIAP")

	// The first ring has to be heard, not only the repeats.
	testbrowser.Evaluate[bool](c, `(() => {
		const make = AudioContext.prototype.createOscillator;
		window.tones = 0;
		AudioContext.prototype.createOscillator = function () { window.tones++; return make.call(this); };
		return true;
	})()`)

	p := d.phone()
	write(p, "sms", "tolong rumah kebakaran di Citta")
	c.Shows("#incidents", "KEBAKARAN")
	c.Shows("#incidents", "rumah kebakaran di Citta")
	c.Shows("#board", "1 insiden belum diterima")
	c.Shows("[data-do=mute]", "Diam")
	if n := testbrowser.Evaluate[int](c, `window.tones`); n == 0 {
		t.Error("it did not ring")
	}
	code := testbrowser.Evaluate[string](c, `document.querySelector("[data-row]").dataset.row`)
	c.Key("t")
	c.Shows("#incident", "diterima oleh besse")
	c.Shows("#board", "Tidak ada yang menunggu")
	c.Key("k")
	c.Shows("#incident", "Pos Damkar Citta dikirim")

	c.Key("2")                                                                                                                                        // a quick reply, to be changed or sent
	if text := testbrowser.Evaluate[string](c, `document.querySelector("#words").value`); !strings.HasPrefix(text, "Ada orang terjebak atau luka?") { // the driver types the digit, too
		t.Errorf("a quick reply is %q", text)
	}
	testbrowser.Evaluate[string](c, `document.querySelector("#words").value = ""`)
	testbrowser.Evaluate[bool](c, `document.activeElement.blur() ?? true`)

	// The post answers its page by one digit.
	post := d.phone()
	post.Do(chromedp.SetValue(chromedp.CSS("#who-sms"), "+6285397760925"))
	testbrowser.Evaluate[bool](post, `document.querySelector("#who-sms").dispatchEvent(new Event("change"))`)
	post.Shows(".lcd .theirs", code)
	write(post, "sms", "1")
	c.Shows("#incident", "berangkat")
	write(post, "sms", "3")
	c.Shows("#incident", "di lokasi")

	// They write to each other.
	c.Key("b")
	testbrowser.Evaluate[string](c, `document.querySelector("#words").value = ""`)
	c.Type("#words", "Pemadam sudah di depan rumah Anda.")
	testbrowser.Evaluate[bool](c, `document.querySelector("#words").dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", ctrlKey: true, bubbles: true})) || true`)
	p.Shows(".lcd .theirs", "Pemadam sudah di depan rumah Anda.")
	write(p, "sms", "alhamdulillah sudah padam")
	c.Shows("#thread", "alhamdulillah sudah padam")
	if *screenshots != "" {
		c.Screenshot(filepath.Join(*screenshots, "console-incident-1366.png"))
	}

	c.Key("x")
	c.Type("#sentence", "Api padam, tidak ada korban.\r")
	c.Do(chromedp.WaitReady(chromedp.CSS("body")))
	c.Shows("#incidents", "Selesai 30 menit terakhir")
	c.Shows("#incident", "ditangani")
	if state := testbrowser.Evaluate[string](c, `document.querySelector("[data-alarm-word]").innerText`); state != "SIAP" {
		t.Errorf("the alarm did not survive: %s", state)
	}
	c.Click("a[href$=laporan]")
	c.Shows("article", "Laporan insiden "+code)
	c.Shows("article", "memenuhi standar")
	if *screenshots != "" {
		c.Screenshot(filepath.Join(*screenshots, "console-report-1366.png"))
	}
}

func TestALineThatIsCut(t *testing.T) {
	t.Parallel() // it mostly waits for a browser
	d := newDemoHouse(t)
	c := d.console(1366)
	c.Shows("#line", "LIVE")
	d.down.Store(true)
	d.CloseClientConnections()
	c.ShowsWithin(60*time.Second, "#line", "TERPUTUS sejak")
	c.Shows("#alert", "terputus")
	// An act that did not reach the server does not look like one.
	c.Click("#tabs a[href='/scc/akun']")
	c.Shows("#alert", "Tidak terkirim")
	d.down.Store(false)
	c.ShowsWithin(30*time.Second, "#line", "LIVE")
}

// pictures are those of the documentation; others are made by TestAWholeFire.
var pictures = []string{"delivery-1366", "incident-390", "conversation-1366", "complaint-1366", "month-1366"}

// TestTheConsoleIsForEverybody looks at every page at the size of an old
// office PC and of a phone.
func TestTheConsoleIsForEverybody(t *testing.T) {
	t.Parallel() // it mostly waits for a browser
	d := newDemoHouse(t)
	p := d.phone()
	write(p, "whatsapp", "mau bicara dengan orang")
	p.Shows("[data-channel=whatsapp] .theirs", "antrean")
	write(p, "telegram", "ada orang pingsan di Cabenge tolong ambulans")
	p.Shows("[data-channel=telegram] .theirs", "119")
	complain(p)
	for _, width := range []int64{1366, 390} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			d.t = t
			look := func(c *testbrowser.Page, name string) {
				t.Helper()
				if wide := testbrowser.Evaluate[int64](c, `document.documentElement.scrollWidth`); wide > width {
					t.Errorf("%s is %d pixels wide", name, wide)
				}
				for _, f := range c.Faults() {
					t.Errorf("%s: %s (%s): %s\n%s", name, f.ID, f.Impact, f.Help, strings.Join(f.Nodes, "\n"))
				}
				if *screenshots != "" && slices.Contains(pictures, fmt.Sprint(name, "-", width)) {
					c.Screenshot(filepath.Join(*screenshots, fmt.Sprintf("console-%s-%d.png", name, width)))
				}
			}
			look(testbrowser.Open(t, d.URL+"/scc", width, "#code"), "signin")
			c := d.console(width)
			visit := func(name, path, selector, text string) {
				t.Helper()
				c.Do(chromedp.Navigate(d.URL+path), chromedp.WaitReady(chromedp.CSS("body[data-ready]")))
				c.Shows(selector, text)
				look(c, name)
			}
			visit("incidents", "/scc/insiden", "#incidents", "AMBULANS")
			visit("incident", testbrowser.Evaluate[string](c, `document.querySelector("[data-row] a").getAttribute("href")`), "#incident", "Kirim")
			visit("report", testbrowser.Evaluate[string](c, `document.querySelector("a[href$=laporan]").getAttribute("href")`), "article", "Laporan insiden")
			visit("incident-new", "/scc/insiden-baru", "h1", "telepon")
			visit("contacts", "/scc/kontak", "#contacts", "Pos Damkar Citta")
			visit("conversation", "/scc/percakapan/1", "#thread", "mau bicara")
			c.Click("[data-do=shift]")
			c.Shows("#hear", "Terdengar?")
			look(c, "hear")
			visit("complaints", "/scc/pengaduan", "#complaints", "Lampu jalan")
			visit("complaint", "/scc/pengaduan/"+testbrowser.Evaluate[string](c, `document.querySelector("[data-row]").dataset.row`), "#complaint", "lampu")
			visit("unanswered", "/scc/tak-terjawab", "h1", "Tak terjawab")
			visit("shift", "/scc/petugas", "h1", "Petugas")
			visit("account", "/scc/akun", "h1", "Akun")
			visit("accounts", "/scc/operator", "#accounts", "besse")
			visit("alerts", "/scc/peringatan", "h1", "")
			visit("month", "/scc/bulan", "h1", "Bulan")
			visit("delivery", "/scc/pengiriman", "#letters", "SMS")
			visit("audit", "/scc/audit", "#log", "desk.asked")
		})
	}
}

// complain files a complaint from a phone.
func complain(p *testbrowser.Page) {
	write(p, "sms", "lapor lampu jalan mati di depan pasar Cabenge Lilirilau")
	p.Shows(".lcd .theirs", "1")
	write(p, "sms", "1")
	p.Shows(".lcd .theirs", "P-")
}

// TestTheFirstLoad holds the console to a slow line.
func TestTheFirstLoad(t *testing.T) {
	d := newDemoHouse(t)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	res, err := client.PostForm(d.URL+"/scc/masuk", url.Values{"name": {"besse"}, "password": {consolePassword}, "code": {d.code()}})
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res, err)
	}
	_ = res.Body.Close()
	var sent bytes.Buffer
	packed := gzip.NewWriter(&sent)
	for _, path := range []string{"/scc/insiden", "/scc/static/console.css", "/scc/static/console.js", "/scc/static/icon.svg"} {
		res, err := client.Get(d.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(packed, res.Body)
		if err = errors.Join(err, res.Body.Close()); err != nil || res.StatusCode != http.StatusOK {
			t.Fatal(res.Status, err)
		}
		t.Logf("%6d bytes of %s", n, path)
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	if sent.Len() > 150<<10 {
		t.Errorf("%d bytes, compressed", sent.Len())
	}
	t.Logf("%6d bytes, compressed", sent.Len())
}
