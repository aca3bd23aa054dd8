package phone_test

import (
	"bufio"
	"context"
	"encoding/json"
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
)

var screenshots = flag.String("screenshots", "", "write pictures of the true demo into this folder")

// browser is one page of a real browser.
type browser struct {
	t   *testing.T
	ctx context.Context
}

func browse(t *testing.T, address string, width int64) *browser {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "chromium-headless-shell", "google-chrome"} {
		if path, _ = exec.LookPath(name); path != "" {
			break
		}
	}
	if path == "" {
		t.Skip("no chromium here: the page is not tested in a browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.WSURLReadTimeout(time.Minute), chromedp.UserDataDir(t.TempDir()))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, leave := chromedp.NewContext(allocator)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(func() {
		cancel()
		leave()
		stop()
	})
	b := &browser{t, ctx}
	height := int64(900)
	if width < 500 {
		height = 800
	}
	b.do(chromedp.EmulateViewport(width, height), chromedp.Navigate(address), chromedp.WaitReady(chromedp.CSS("main[data-ready]")))
	return b
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// evaluate returns what a script finds; it may be a promise.
func evaluate[T any](b *browser, script string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%v\n%s", err, script)
	}
	return v
}

// shows waits until an element has a text.
func (b *browser) shows(selector, text string) {
	b.t.Helper()
	script := fmt.Sprintf(`new Promise((found) => {
		const look = () => [...document.querySelectorAll(%q)].some((e) => e.checkVisibility() && e.innerText.includes(%q)) && (found("ok"), true);
		const last = () => found([...document.querySelectorAll(%q)].map((e) => e.innerText).join("|") || "nothing");
		if (look()) return;
		const watch = new MutationObserver(() => look() && watch.disconnect());
		watch.observe(document, {subtree: true, childList: true, characterData: true, attributes: true});
		setTimeout(last, 10000);
	})`, selector, text, selector)
	if got := evaluate[string](b, script); got != "ok" {
		b.t.Fatalf("%s does not show %q, but %s", selector, text, got)
	}
}

// write types into a phone and sends.
func (b *browser) write(channel, text string) {
	b.t.Helper()
	b.do(chromedp.SendKeys(chromedp.CSS("#write-"+channel), text+"\r"))
}

func (b *browser) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// press clicks the button with a text.
func (b *browser) press(within, text string) {
	b.t.Helper()
	b.shows(within+" button", text)
	evaluate[bool](b, fmt.Sprintf(`[...document.querySelectorAll(%q)].filter((e) => e.innerText === %q).at(-1).click() ?? true`, within+" button", text))
}

// thread returns what a phone shows, one line a message.
func (b *browser) thread(channel string) string {
	b.t.Helper()
	return evaluate[string](b, fmt.Sprintf(`[...document.querySelectorAll("[data-channel=%s] .message")].map((e) => (e.matches(".mine") ? "> " : "< ") + e.querySelector(".body").innerText.split("\n")[0]).join("\n")`, channel))
}

func TestThePhonesInABrowser(t *testing.T) {
	d := open(t)
	b := browse(t, d.URL, 1440)

	t.Run("SMS", func(t *testing.T) {
		b.t = t
		b.write("sms", "halo")
		b.shows(".lcd .theirs", "halo\n0 Menu")
		b.shows(".lcd .theirs .segments", "1 SMS")
		b.press(".device[data-channel=sms] .try", "berapa PBB saya")
		b.shows(".lcd .theirs", "Jumlah Rp 192.264")
	})
	t.Run("USSD", func(t *testing.T) {
		b.t = t
		b.click("[data-do=call]")
		b.shows(".screen", "Layanan Pemkab Soppeng. Apa yang ditanyakan?\n1 Pajak PBB\n2 Cara bayar")
		b.click("[data-key='1']")
		b.do(chromedp.SendKeys(chromedp.CSS("#write-sms"), "\r"))
		b.shows(".screen", "Tagihan Rp 34.700")
		b.write("sms", "9")
		b.shows(".screen", "1 Cara bayar\n8 Kembali\n0 Menu")
		b.click("[data-do=hangup]")
		b.shows(".lcd .theirs", "Jumlah Rp 192.264")
		b.click("[data-do=call]") // the dialogue is taken up again
		b.shows(".screen", "8 Kembali")
		b.write("sms", "*123#")
		b.shows(".state", "Kode tidak dikenal")
		b.write("sms", "*384*7*2#")
		b.shows(".screen", "kantor pos")
		b.click("[data-do=hangup]")
	})
	t.Run("WhatsApp", func(t *testing.T) {
		b.t = t
		b.write("whatsapp", "berapa PBB saya")
		b.press("[data-channel=whatsapp] .options", "Cara bayar")
		b.shows("[data-channel=whatsapp] .theirs", "kantor pos")
		want := "> berapa PBB saya\n< PBB 2026 La Mappa, Citta\n> Cara bayar\n< " + indonesian["where"]
		if got := b.thread("whatsapp"); got != want {
			t.Errorf("got\n%s", got)
		}
		b.do(chromedp.Reload(), chromedp.WaitReady(chromedp.CSS("main[data-ready]")))
		b.shows("[data-channel=whatsapp] .theirs", "kantor pos")
		if got := b.thread("whatsapp"); got != want {
			t.Errorf("after loading the page again\n%s", got)
		}
	})
	t.Run("another number", func(t *testing.T) {
		b.t = t
		b.do(chromedp.SetValue(chromedp.CSS("#who-whatsapp"), "+6281100000404"))
		evaluate[bool](b, `document.querySelector("#who-whatsapp").dispatchEvent(new Event("change"))`)
		b.shows("[data-channel=whatsapp] .hint", "kebun")
		if got := b.thread("whatsapp"); got != "" {
			t.Errorf("shows what another one wrote:\n%s", got)
		}
		b.write("whatsapp", "halo")
		b.shows("[data-channel=whatsapp] .theirs", "halo")
	})
	if shift := evaluate[float64](b, `new Promise((told) => {
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
	b.shows("[data-channel=telegram] .failed", "Tidak terkirim")
	b.click("[data-do=call]")
	b.shows(".state", "Tidak tersambung")
	down.Store(false)
	b.press("[data-channel=telegram] .message:first-child", "Coba lagi")
	b.shows("[data-channel=telegram] .theirs:nth-child(6)", "tiga")
	if got := b.thread("telegram"); got != "> satu\n> dua\n> tiga\n< satu\n< dua\n< tiga" {
		t.Errorf("got\n%s", got)
	}
	b.press(".state", "Coba lagi")
	b.shows(".screen", "Layanan Pemkab Soppeng")
}

func TestThePageIsForEverybody(t *testing.T) {
	axe := axeCore(t)
	d := open(t)
	for _, width := range []int64{1440, 360} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			b := browse(t, d.URL, width)
			for _, channel := range []string{"sms", "whatsapp", "telegram"} {
				if width == 360 {
					b.click("[data-show=" + channel + "]")
				}
				b.write(channel, "berapa PBB saya")
				b.shows("[data-channel="+channel+"] .theirs", "Jumlah Rp 192.264")
				if channel == "sms" {
					b.click("[data-do=call]")
					b.shows(".screen", "Pajak PBB")
				}
				if wide := evaluate[int64](b, `document.documentElement.scrollWidth`); wide > width {
					t.Errorf("%s: the page is %d pixels wide", channel, wide)
				}
				evaluate[bool](b, axe+"; true")
				faults := evaluate[json.RawMessage](b, `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
					.then((r) => r.violations.map((v) => ({id: v.id, help: v.help, nodes: v.nodes.map((n) => n.html.slice(0, 120) + " " + n.failureSummary)})))`)
				if string(faults) != "[]" {
					t.Errorf("%s: %s", channel, faults)
				}
			}
		})
	}
}

// axeCore returns the script that looks for what keeps people out of a page.
func axeCore(t *testing.T) string {
	t.Helper()
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("no npm here: the page is not checked by axe-core")
	}
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, npm, "install", "--prefix", dir, "--no-save", "--no-audit", "--no-fund", "axe-core@4").CombinedOutput(); err != nil {
		t.Skipf("axe-core cannot be had, the page is not checked by it: %v\n%.300s", err, out)
	}
	script, err := os.ReadFile(filepath.Join(dir, "node_modules/axe-core/axe.min.js"))
	if err != nil {
		t.Skipf("axe-core cannot be had: %v", err)
	}
	return string(script)
}

// TestScreenshots makes the pictures of the documentation.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("pictures are made with -screenshots DIR")
	}
	for _, width := range []int64{1440, 360} {
		b := browse(t, trueDemo(t), width)
		b.write("sms", "siaga pajakku?")
		b.shows(".lcd .theirs", "Rp ")
		if width == 1440 {
			b.write("whatsapp", "berapa PBB saya?")
			b.shows("[data-channel=whatsapp] .theirs", "PBB")
			evaluate[bool](b, `document.querySelector("[data-channel=whatsapp] .options button").click() ?? true`)
			b.shows("[data-channel=whatsapp] .theirs:nth-child(4)", "")
			b.write("telegram", "73.12.010.001.003-9005.0")
			b.shows("[data-channel=telegram] .theirs", "Rp ")
		}
		evaluate[bool](b, `document.activeElement.blur() ?? true`)
		image, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(*screenshots, fmt.Sprintf("phones-%d.png", width)), image, 0o644); err != nil {
			t.Fatal(err)
		}
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
