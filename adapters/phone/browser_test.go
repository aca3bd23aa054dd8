package phone_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"tabe/adapters/testbrowser"
)

var screenshots = flag.String("screenshots", "", "write pictures of the true demo into this folder")

// browser is the page of the phones in a real browser.
type browser struct{ *testbrowser.Page }

func browse(t *testing.T, address string, width int64) browser {
	t.Helper()
	return browser{testbrowser.Open(t, address, width, "main[data-ready]")}
}

// Shows waits less long than for pages that others have a part in.
func (b browser) Shows(selector, text string) { b.ShowsWithin(10*time.Second, selector, text) }

// write types into a phone and sends.
func (b browser) write(channel, text string) {
	b.Type("#write-"+channel, text+"\r")
}

// press clicks the button with a text.
func (b browser) press(within, text string) {
	b.Shows(within+" button", text)
	testbrowser.Evaluate[bool](b.Page, fmt.Sprintf(`[...document.querySelectorAll(%q)].filter((e) => e.innerText === %q).at(-1).click() ?? true`, within+" button", text))
}

// thread returns what a phone shows, one line a message.
func (b browser) thread(channel string) string {
	return testbrowser.Evaluate[string](b.Page, fmt.Sprintf(`[...document.querySelectorAll("[data-channel=%s] .message")].map((e) => (e.matches(".mine") ? "> " : "< ") + e.querySelector(".body").innerText.split("\n")[0]).join("\n")`, channel))
}

func TestThePhonesInABrowser(t *testing.T) {
	d := open(t)
	b := browse(t, d.URL, 1440)

	t.Run("SMS", func(t *testing.T) {
		b := browser{b.In(t)}
		b.write("sms", "halo")
		b.Shows(".lcd .theirs", "halo\n0 Menu")
		b.Shows(".lcd .theirs .segments", "1 SMS")
		b.press(".device[data-channel=sms] .try", "berapa PBB saya")
		b.Shows(".lcd .theirs", "Jumlah Rp 192.264")
	})
	t.Run("USSD", func(t *testing.T) {
		b := browser{b.In(t)}
		b.Click("[data-do=call]")
		b.Shows(".screen", "Layanan Pemkab Soppeng. Apa yang ditanyakan?\n1 Pajak PBB\n2 Cara bayar")
		b.Click("[data-key='1']")
		b.Type("#write-sms", "\r")
		b.Shows(".screen", "Tagihan Rp 34.700")
		b.write("sms", "9")
		b.Shows(".screen", "1 Cara bayar\n8 Kembali\n0 Menu")
		b.Click("[data-do=hangup]")
		b.Shows(".lcd .theirs", "Jumlah Rp 192.264")
		b.Click("[data-do=call]") // the dialogue is taken up again
		b.Shows(".screen", "8 Kembali")
		b.write("sms", "*123#")
		b.Shows(".state", "Kode tidak dikenal")
		b.write("sms", "*384*7*2#")
		b.Shows(".screen", "kantor pos")
		b.Click("[data-do=hangup]")
	})
	t.Run("WhatsApp", func(t *testing.T) {
		b := browser{b.In(t)}
		b.write("whatsapp", "berapa PBB saya")
		b.press("[data-channel=whatsapp] .options", "Cara bayar")
		b.Shows("[data-channel=whatsapp] .theirs", "kantor pos")
		want := "> berapa PBB saya\n< PBB 2026 La Mappa, Citta\n> Cara bayar\n< " + indonesian["where"]
		if got := b.thread("whatsapp"); got != want {
			t.Errorf("got\n%s", got)
		}
		b.Do(chromedp.Reload(), chromedp.WaitReady(chromedp.CSS("main[data-ready]")))
		b.Shows("[data-channel=whatsapp] .theirs", "kantor pos")
		if got := b.thread("whatsapp"); got != want {
			t.Errorf("after loading the page again\n%s", got)
		}
	})
	t.Run("another number", func(t *testing.T) {
		b := browser{b.In(t)}
		b.Do(chromedp.SetValue(chromedp.CSS("#who-whatsapp"), "+6281100000404"))
		testbrowser.Evaluate[bool](b.Page, `document.querySelector("#who-whatsapp").dispatchEvent(new Event("change"))`)
		b.Shows("[data-channel=whatsapp] .hint", "kebun")
		if got := b.thread("whatsapp"); got != "" {
			t.Errorf("shows what another one wrote:\n%s", got)
		}
		b.write("whatsapp", "halo")
		b.Shows("[data-channel=whatsapp] .theirs", "halo")
	})
	if shift := testbrowser.Evaluate[float64](b.Page, `new Promise((told) => {
		let sum = 0;
		const add = (entries) => { for (const e of entries) if (!e.hadRecentInput) sum += e.value; };
		const watch = new PerformanceObserver((list) => add(list.getEntries()));
		watch.observe({type: "layout-shift", buffered: true});
		setTimeout(() => { add(watch.takeRecords()); told(sum); }, 100);
	})`); shift > 0.02 {
		t.Errorf("the layout shifts by %f", shift)
	}
}

func TestALineThatBreaks(t *testing.T) {
	d := open(t)
	var down atomic.Bool
	d.before = func(w http.ResponseWriter, r *http.Request) bool {
		if down.Load() && r.Method == http.MethodPost {
			http.Error(w, "down", http.StatusBadGateway)
			return true
		}
		return false
	}
	b := browse(t, d.URL, 1440)
	down.Store(true)
	for _, text := range []string{"satu", "dua", "tiga"} {
		b.write("telegram", text)
	}
	b.Shows("[data-channel=telegram] .failed", "Tidak terkirim")
	b.Click("[data-do=call]")
	b.Shows(".state", "Tidak tersambung")
	down.Store(false)
	b.press("[data-channel=telegram] .message:first-child", "Coba lagi")
	b.Shows("[data-channel=telegram] .theirs:nth-child(6)", "tiga")
	if got := b.thread("telegram"); got != "> satu\n> dua\n> tiga\n< satu\n< dua\n< tiga" {
		t.Errorf("got\n%s", got)
	}
	b.press(".state", "Coba lagi")
	b.Shows(".screen", "Layanan Pemkab Soppeng")
}

func TestThePageIsForEverybody(t *testing.T) {
	d := open(t)
	for _, width := range []int64{1440, 360} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			b := browse(t, d.URL, width)
			for _, channel := range []string{"sms", "whatsapp", "telegram"} {
				if width == 360 {
					b.Click("[data-show=" + channel + "]")
				}
				b.write(channel, "berapa PBB saya")
				b.Shows("[data-channel="+channel+"] .theirs", "Jumlah Rp 192.264")
				if channel == "sms" {
					b.Click("[data-do=call]")
					b.Shows(".screen", "Pajak PBB")
				}
				if wide := testbrowser.Evaluate[int64](b.Page, `document.documentElement.scrollWidth`); wide > width {
					t.Errorf("%s: the page is %d pixels wide", channel, wide)
				}
				if faults := b.Faults(); len(faults) > 0 {
					t.Errorf("%s: %+v", channel, faults)
				}
			}
		})
	}
}

// TestScreenshots makes the pictures of the documentation.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("pictures are made with -screenshots DIR")
	}
	for _, width := range []int64{1440, 360} {
		b := browse(t, trueDemo(t), width)
		b.write("sms", "siaga pajakku?")
		b.Shows(".lcd .theirs", "Rp ")
		if width == 1440 {
			b.write("whatsapp", "berapa PBB saya?")
			b.Shows("[data-channel=whatsapp] .theirs", "PBB")
			testbrowser.Evaluate[bool](b.Page, `document.querySelector("[data-channel=whatsapp] .options button").click() ?? true`)
			b.Shows("[data-channel=whatsapp] .theirs:nth-child(4)", "")
			b.write("telegram", "73.12.010.001.003-9005.0")
			b.Shows("[data-channel=telegram] .theirs", "Rp ")
		}
		testbrowser.Evaluate[bool](b.Page, `document.activeElement.blur() ?? true`)
		b.Screenshot(filepath.Join(*screenshots, fmt.Sprintf("phones-%d.png", width)))
	}
}

// trueDemo starts "tabe demo" and returns its address.
func trueDemo(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "tabe")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "tabe/cmd/tabe").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ctx, stop := context.WithCancel(context.Background())
	demo := exec.CommandContext(ctx, program, "demo", "--addr", "localhost:0")
	demo.Cancel = func() error { return demo.Process.Signal(os.Interrupt) }
	said, err := demo.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = demo.Wait()
	})
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if address := regexp.MustCompile(`http://localhost:\d+`).FindString(lines.Text()); address != "" {
			return address
		}
	}
	t.Fatal("the demo did not start")
	return ""
}
