// Package testbrowser drives a real Chromium in tests. A test is skipped where
// there is none.
package testbrowser

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Page is one page of a browser of its own.
type Page struct {
	t   testing.TB
	ctx context.Context
}

// patience is generous: the machine may be busy with other tests.
const patience = 3 * time.Minute

// Open starts a browser with an empty profile and opens an address in it.
// ready is the selector of what has to be there.
func Open(t testing.TB, address string, width int64, ready string) *Page {
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
	ctx, cancel := context.WithTimeout(ctx, patience)
	t.Cleanup(func() {
		cancel()
		leave()
		stop()
	})
	p := &Page{t, ctx}
	height := int64(768)
	if width < 500 {
		height = 844
	}
	p.Do(chromedp.EmulateViewport(width, height), chromedp.Navigate(address), chromedp.WaitReady(chromedp.CSS(ready)))
	return p
}

// In returns the same page for a part of the test.
func (p *Page) In(t testing.TB) *Page { return &Page{t, p.ctx} }

// Do runs steps of chromedp.
func (p *Page) Do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// Evaluate returns what a script finds; it may be a promise.
func Evaluate[T any](p *Page, script string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%v\n%.500s", err, script)
	}
	return v
}

// Shows waits until an element has a text.
func (p *Page) Shows(selector, text string) { p.ShowsWithin(15*time.Second, selector, text) }

// ShowsWithin is Shows for what takes longer.
func (p *Page) ShowsWithin(d time.Duration, selector, text string) {
	p.t.Helper()
	script := fmt.Sprintf(`new Promise((found) => {
		const look = () => [...document.querySelectorAll(%q)].some((e) => e.checkVisibility() && e.innerText.includes(%q)) && (found("ok"), true);
		const last = () => found([...document.querySelectorAll(%q)].map((e) => e.innerText).join("|") || "nothing");
		if (look()) return;
		const watch = new MutationObserver(() => look() && watch.disconnect());
		watch.observe(document, {subtree: true, childList: true, characterData: true, attributes: true});
		setTimeout(last, %d);
	})`, selector, text, selector, d.Milliseconds())
	if got := Evaluate[string](p, script); got != "ok" {
		p.t.Fatalf("%s does not show %q, but %s", selector, text, got)
	}
}

// Click clicks on a visible element.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.Do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// Type types into an element.
func (p *Page) Type(selector, text string) {
	p.t.Helper()
	p.Do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Key presses a key wherever the focus is.
func (p *Page) Key(key string) {
	p.t.Helper()
	p.Do(chromedp.KeyEvent(key))
}

// Screenshot writes a picture of the whole page.
func (p *Page) Screenshot(path string) {
	p.t.Helper()
	Evaluate[bool](p, `window.scrollTo(0, 0), true`) // what sticks to the top would stand in the middle
	image, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, image, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// Fault is something that keeps people out of a page.
type Fault struct {
	ID, Impact, Help string
	Nodes            []string
}

// axe is fetched once for all tests of a process.
var axe = sync.OnceValues(func() (string, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "tabe-axe-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, npm, "install", "--prefix", dir, "--no-save", "--no-audit", "--no-fund", "axe-core@4").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%.300s", err, out)
	}
	script, err := os.ReadFile(filepath.Join(dir, "node_modules/axe-core/axe.min.js"))
	return string(script), err
})

// Faults returns what axe-core finds against WCAG 2.2 AA and its best
// practices. The test is skipped where axe-core cannot be had.
func (p *Page) Faults() []Fault {
	p.t.Helper()
	script, err := axe()
	if err != nil {
		p.t.Skipf("axe-core cannot be had, the page is not checked by it: %v", err)
	}
	Evaluate[bool](p, script+"; true")
	found := Evaluate[json.RawMessage](p, `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
		.then((r) => r.violations.map((v) => ({id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.map((n) => n.html.slice(0, 160) + " " + n.failureSummary)})))`)
	var faults []Fault
	if err := json.Unmarshal(found, &faults); err != nil {
		p.t.Fatal(err)
	}
	return faults
}
