//go:build lab

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/walkdown-ot/walkdown/exporters"
	"github.com/walkdown-ot/walkdown/exporters/exporterstest"
	"github.com/walkdown-ot/walkdown/inventory"
)

// browser is a headless Chromium; what its console and its policy complain of fails the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("there is no Chromium here")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("ignore-certificate-errors", true))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	var mu sync.Mutex
	var complaints []string
	chromedp.ListenTarget(ctx, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			complaints = append(complaints, e.ExceptionDetails.Error())
		case *log.EventEntryAdded:
			if e.Entry.Level == log.LevelError && !strings.Contains(e.Entry.URL, "favicon") {
				complaints = append(complaints, e.Entry.Text+" "+e.Entry.URL)
			}
		}
	})
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range complaints {
			t.Errorf("the browser says: %s", c)
		}
	})
	return ctx
}

// shoot takes a picture, looks that something is on it, and keeps it where WALKDOWN_SHOTS says.
func shoot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	var shot []byte
	do(t, ctx, chromedp.CaptureScreenshot(&shot))
	picture, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	colours := map[string]bool{}
	for y := 0; y < picture.Bounds().Dy(); y += 3 {
		for x := 0; x < picture.Bounds().Dx(); x += 3 {
			r, g, b, _ := picture.At(x, y).RGBA()
			colours[fmt.Sprint(r>>8, g>>8, b>>8)] = true
		}
	}
	if len(colours) < 10 {
		t.Errorf("%s: %d colours: the page is empty", name, len(colours))
	}
	if into := os.Getenv("WALKDOWN_SHOTS"); into != "" {
		if err := os.WriteFile(filepath.Join(into, name+".png"), shot, 0o600); err != nil {
			t.Error(err)
		}
	}
}

func do(t *testing.T, ctx context.Context, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(ctx, actions...); err != nil {
		var shown string
		_ = chromedp.Run(ctx, chromedp.Evaluate(`document.body.innerText.slice(0, 2000)`, &shown))
		t.Fatalf("%v; the page shows %s", err, shown)
	}
}

// eval gives the value of an expression in the page.
func eval[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	var value T
	do(t, ctx, chromedp.Evaluate(expression, &value))
	return value
}

// until waits for an expression to become true.
func until(t *testing.T, ctx context.Context, expression string) {
	t.Helper()
	if err := chromedp.Run(ctx, chromedp.Poll(expression, nil, chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(20*time.Second))); err != nil {
		var shown string
		_ = chromedp.Run(ctx, chromedp.Evaluate(`location.hash + " " + document.activeElement.outerHTML.slice(0, 200) + " " + (document.querySelector("#search")?.value ?? "") + " " + document.querySelectorAll("#part-assets tbody tr").length`, &shown))
		t.Fatalf("%s: %v; the page has %s", expression, err, shown)
	}
}

func tab(name string) chromedp.Action { return chromedp.Click("#tab-"+name, chromedp.ByQuery) }

// visible waits for an element to be shown.
func visible(selector string) chromedp.Action {
	return chromedp.Poll(fmt.Sprintf(`(document.querySelector(%q) || document).getClientRects?.().length > 0`, selector), nil,
		chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(20*time.Second))
}

// wide says whether the page is wider than the window, so that a person would have to push it sideways.
const wide = `document.documentElement.scrollWidth > window.innerWidth + 1`

// report writes an inventory as HTML and gives the address of the file.
func report(t *testing.T, from inventory.Source) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	for _, format := range exporters.All() {
		if format.Name != "html" {
			continue
		}
		var out bytes.Buffer
		if err := format.Export(t.Context(), from, &out, exporters.Options{Time: time.Now(), Version: "test", Site: "press-shop"}); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return "file://" + path
}

// TestLabPageReport clicks through the report at the width of a laptop and of a phone.
func TestLabPageReport(t *testing.T) {
	address := report(t, exporterstest.Full())
	for name, size := range map[string][2]int64{"laptop": {1366, 768}, "phone": {390, 844}} {
		t.Run(name, func(t *testing.T) {
			ctx := browser(t)
			do(t, ctx, runtime.Enable(), log.Enable(), emulation.SetDeviceMetricsOverride(size[0], size[1], 1, name == "phone"), chromedp.Navigate(address), visible(".figure"))
			shoot(t, ctx, name+"-overview")
			for _, part := range []string{"map", "assets", "conversations", "zones", "external", "gaps", "changes", "sent"} {
				do(t, ctx, tab(part), visible("#part-"+part+" h2"))
				until(t, ctx, fmt.Sprintf(`document.querySelectorAll("#part-%s tbody tr, #part-%s .box").length > 0`, part, part))
				if eval[bool](t, ctx, wide) {
					t.Errorf("%s is wider than the window", part)
				}
				shoot(t, ctx, name+"-"+part)
			}
			do(t, ctx, tab("assets"), chromedp.SendKeys("#search", "1511 28:63:36:aa:bb:cc", chromedp.ByQuery))
			until(t, ctx, `document.querySelectorAll("#part-assets tbody tr").length === 1`)
			do(t, ctx, chromedp.Click("#part-assets tbody tr", chromedp.ByQuery), visible("#detail"))
			until(t, ctx, `document.querySelector("#detail").innerText.includes("6ES7 511-1AK02-0AB0")`)
			for _, want := range []string{"press-3-panel", "s7-rack=0/slot=4", "EVIDENCE", "2.8.1"} {
				if !eval[bool](t, ctx, fmt.Sprintf(`document.querySelector("#detail").innerText.includes(%q)`, want)) {
					t.Errorf("the asset's page lacks %q", want)
				}
			}
			shoot(t, ctx, name+"-asset")
			do(t, ctx, chromedp.KeyEvent(kb.Escape))
			until(t, ctx, `document.querySelector("#detail").hidden`)
		})
	}
}

// TestLabPageKeyboard uses the report without a mouse.
func TestLabPageKeyboard(t *testing.T) {
	ctx := browser(t)
	do(t, ctx, runtime.Enable(), log.Enable(), chromedp.EmulateViewport(1366, 768), chromedp.Navigate(report(t, exporterstest.Full())), visible(".figure"))
	do(t, ctx, chromedp.Focus("#tab-overview", chromedp.ByQuery), chromedp.KeyEvent(kb.ArrowRight))
	until(t, ctx, `!document.querySelector("#part-map").hidden && document.activeElement.id === "tab-map"`)
	until(t, ctx, `document.querySelector("#part-map .box[tabindex='0']") !== null`)
	do(t, ctx, chromedp.Evaluate(`document.querySelector("#part-map .box[tabindex='0']").focus()`, nil), chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.ArrowRight))
	if !eval[bool](t, ctx, `document.activeElement.classList.contains("box")`) {
		t.Error("the arrows lost the map")
	}
	do(t, ctx, chromedp.KeyEvent("/"))
	until(t, ctx, `document.activeElement.id === "search"`)
	do(t, ctx, chromedp.Evaluate(`document.activeElement.value = ""`, nil), chromedp.KeyEvent("panel")) // the protocol types the slash as well
	until(t, ctx, `document.querySelectorAll("#part-assets tbody tr").length === 1`)
	do(t, ctx, chromedp.Focus("#part-assets tbody tr", chromedp.ByQuery), chromedp.KeyEvent(kb.Enter))
	until(t, ctx, `!document.querySelector("#detail").hidden && document.activeElement.id === "detail"`)
	do(t, ctx, chromedp.KeyEvent(kb.Escape))
	until(t, ctx, `document.activeElement.tagName === "TR"`)
}

// TestLabPageHostile opens a report whose names mean harm: none becomes code or an element.
func TestLabPageHostile(t *testing.T) {
	ctx := browser(t)
	do(t, ctx, runtime.Enable(), log.Enable(), chromedp.EmulateViewport(1366, 768), chromedp.Navigate(report(t, exporterstest.Hostile())), visible(".figure"))
	for _, part := range []string{"map", "assets", "conversations", "zones", "external", "gaps", "changes", "sent"} {
		do(t, ctx, tab(part), visible("#part-"+part+" h2"))
	}
	do(t, ctx, tab("assets"))
	until(t, ctx, `document.querySelectorAll("#part-assets tbody tr[data-id]").length > 10`)
	for i := range eval[int](t, ctx, `document.querySelectorAll("#part-assets tbody tr[data-id]").length`) {
		do(t, ctx, chromedp.Evaluate(fmt.Sprintf(`document.querySelectorAll("#part-assets tbody tr[data-id]")[%d].click()`, i), nil), visible("#detail"))
	}
	if n := eval[int](t, ctx, `document.querySelectorAll("script:not([type])").length`); n != 1 {
		t.Errorf("%d scripts", n)
	}
	shoot(t, ctx, "hostile")
}

// TestLabPageLarge scrolls and searches 5,000 assets, and prints.
func TestLabPageLarge(t *testing.T) {
	ctx := browser(t)
	do(t, ctx, runtime.Enable(), log.Enable(), chromedp.EmulateViewport(1366, 768), chromedp.Navigate(report(t, exporterstest.Large(5000))), visible(".figure"))
	do(t, ctx, tab("map"))
	until(t, ctx, `document.querySelectorAll("#part-map .box").length > 0`)
	shoot(t, ctx, "large-map")
	do(t, ctx, tab("assets"))
	until(t, ctx, `document.querySelectorAll("#part-assets tbody tr").length >= 60`)
	// The longest time between two frames while the list is scrolled to 2,000 rows.
	slowest := 0.0
	do(t, ctx, chromedp.Evaluate(`new Promise((done) => {
		let last = performance.now(), slowest = 0, steps = 0;
		const step = () => {
			const now = performance.now();
			slowest = Math.max(slowest, now - last); last = now;
			window.scrollTo(0, document.documentElement.scrollHeight);
			if (++steps > 400 || document.querySelectorAll("#part-assets tbody").length > 40) done(slowest);
			else requestAnimationFrame(step);
		};
		requestAnimationFrame(step);
	})`, &slowest, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	t.Logf("slowest frame while scrolling %.0f ms", slowest)
	do(t, ctx, chromedp.SendKeys("#search", "device 4999", chromedp.ByQuery))
	until(t, ctx, `document.querySelectorAll("#part-assets tbody tr").length === 1`)
	var paper []byte
	do(t, ctx, chromedp.ActionFunc(func(ctx context.Context) (err error) {
		paper, _, err = page.PrintToPDF().WithPreferCSSPageSize(true).Do(ctx)
		return err
	}))
	if !bytes.HasPrefix(paper, []byte("%PDF-")) || len(paper) < 20_000 {
		t.Errorf("printed %d bytes", len(paper))
	}
}

// TestLabPageServed uses the served page: search, an asset, a word of a person, and what a survey adds meanwhile.
func TestLabPageServed(t *testing.T) {
	dir := t.TempDir()
	bin := filepath.Join(dir, "walkdown")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	db := filepath.Join(dir, "plant.db")
	if out, err := exec.CommandContext(t.Context(), bin, "demo", "--db", db).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	serve := exec.CommandContext(t.Context(), bin, "serve", "--db", db, "--listen-on", "127.0.0.1:0")
	out, err := serve.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = serve.Process.Kill()
		_ = serve.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	ctx := browser(t)
	do(t, ctx, runtime.Enable(), log.Enable(), chromedp.EmulateViewport(1366, 768), chromedp.Navigate(strings.TrimSpace(address)), visible(".figure"))
	do(t, ctx, tab("map"))
	until(t, ctx, `document.querySelectorAll("#part-map .box").length >= 7`)
	do(t, ctx, tab("assets"), chromedp.SendKeys("#search", "wago", chromedp.ByQuery))
	until(t, ctx, `document.querySelectorAll("#part-assets tbody tr").length === 1`)
	do(t, ctx, chromedp.Click("#part-assets tbody tr", chromedp.ByQuery), visible("#detail form"),
		chromedp.SendKeys("#detail input[name=field]", "zone", chromedp.ByQuery), chromedp.SendKeys("#detail input[name=value]", "conveyor", chromedp.ByQuery),
		chromedp.Click("#detail form button", chromedp.ByQuery))
	until(t, ctx, `document.querySelector("#detail").innerText.includes("conveyor") && document.querySelector("#progress").textContent === "kept"`)
	shoot(t, ctx, "served-asset")
	kept, err := exec.CommandContext(t.Context(), bin, "assets", "--db", db, "--json").Output()
	if err != nil || !bytes.Contains(kept, []byte(`"zone":`)) {
		t.Errorf("the zone is not in the inventory (%v)", err)
	}
	for _, part := range []string{"conversations", "zones", "external", "gaps", "changes", "sent"} {
		do(t, ctx, tab(part), visible("#part-"+part+" h2"))
		shoot(t, ctx, "served-"+part)
	}
}
