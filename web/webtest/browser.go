package webtest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"polylens/internal/needs"
)

// Patience is how long a Page waits for something to appear.
const Patience = 30 * time.Second

// Browser is one Chromium process.
type Browser struct{ ctx context.Context }

// NewBrowser starts Chromium for the length of a test. A folder “lib” beside the
// program holds libraries that it needs.
func NewBrowser(t testing.TB) *Browser {
	t.Helper()
	program := needs.Chromium(t)
	home := t.TempDir()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(filepath.Join(home, "profile")),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("lang", "en"), chromedp.Flag("hide-scrollbars", true),
		chromedp.Env("HOME="+home, "LANG=en_US.UTF-8"))
	if libraries := filepath.Join(filepath.Dir(program), "lib"); isFolder(libraries) {
		options = append(options, chromedp.Env("LD_LIBRARY_PATH="+libraries))
	}
	if fonts := filepath.Join(filepath.Dir(program), "fonts"); isFolder(fonts) {
		options = append(options, chromedp.Env("FONTCONFIG_FILE="+writeFonts(t, home, fonts)))
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, closeBrowser := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		closeBrowser()
		stop()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	return &Browser{ctx: ctx}
}

// writeFonts configures the fonts for a machine that may have none of its own.
func writeFonts(t testing.TB, home, fonts string) string {
	t.Helper()
	path := filepath.Join(home, "fonts.conf")
	text := `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>` +
		`<dir>/usr/share/fonts</dir><dir>/usr/local/share/fonts</dir><dir>` + html.EscapeString(fonts) + `</dir>` +
		`<cachedir>` + html.EscapeString(filepath.Join(home, "fonts-cache")) + `</cachedir></fontconfig>`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// Look is how a page is shown.
type Look struct {
	Width, Height int64 // CSS pixels
	Dark          bool
	Mobile        bool // touch screen, two device pixels a CSS pixel
}

// The looks that screenshots are taken in.
var (
	Desktop     = Look{Width: 1360, Height: 860}
	DesktopDark = Look{Width: 1360, Height: 860, Dark: true}
	Phone       = Look{Width: 390, Height: 844, Mobile: true}
)

// Page is one tab. Its methods fail the test when the page does not do what
// is asked within Patience.
type Page struct {
	t   testing.TB
	ctx context.Context

	mu     sync.Mutex
	errors []string
}

// Open opens url in a tab of its own. The test fails at its end if the page
// reported an error, such as a violation of its content security policy.
func (b *Browser) Open(t testing.TB, url string, look Look) *Page {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(b.ctx)
	p := &Page{t: t, ctx: ctx}
	messages := chromedp.Console(ctx)
	var listening sync.WaitGroup
	listening.Go(func() {
		for message, err := range messages {
			if err != nil {
				return
			}
			p.note(message)
		}
	})
	t.Cleanup(func() {
		closeTab()
		listening.Wait()
		for _, text := range p.Errors() {
			t.Errorf("the page reported: %s", text)
		}
	})
	p.Show(look)
	p.do("open "+url, chromedp.Navigate(url))
	return p
}

func (p *Page) note(message chromedp.ConsoleMessage) {
	if !message.IsException() && message.Type != "error" && message.Source != "security" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.errors = append(p.errors, message.String())
}

// Errors are what the page reported so far.
func (p *Page) Errors() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.errors...)
}

// ForgetErrors is for tests in which the page is right to report some.
func (p *Page) ForgetErrors() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.errors = nil
}

// Show changes how the page is shown.
func (p *Page) Show(look Look) {
	p.t.Helper()
	scheme := "light"
	if look.Dark {
		scheme = "dark"
	}
	options := []chromedp.EmulateViewportOption{chromedp.EmulateScale(1)}
	if look.Mobile {
		options = []chromedp.EmulateViewportOption{chromedp.EmulateScale(2), chromedp.EmulateMobile, chromedp.EmulateTouch}
	}
	p.do("set the viewport", chromedp.EmulateViewport(look.Width, look.Height, options...), chromedp.Func(
		func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			return err
		}))
}

func (p *Page) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	// The first call on a tab must not carry a deadline: it would close the tab.
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	timer := time.AfterFunc(Patience, cancel)
	defer timer.Stop()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.fail(fmt.Errorf("%s: %w", what, err))
	}
}

// fail keeps a picture of what went wrong.
func (p *Page) fail(err error) {
	p.t.Helper()
	p.Screenshot("failed-" + strings.ReplaceAll(p.t.Name(), "/", "-"))
	p.t.Fatalf("%v\nthe page reported: %q", err, p.Errors())
}

// Eval evaluates a JavaScript expression, awaiting a promise.
func Eval[T any](p *Page, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("evaluate %s: %v", expression, err)
	}
	return value
}

// Wait waits until a JavaScript expression is true.
func (p *Page) Wait(what, expression string) {
	p.t.Helper()
	deadline := time.Now().Add(Patience)
	for !Eval[bool](p, "Boolean("+expression+")") {
		if time.Now().After(deadline) {
			p.fail(fmt.Errorf("waited %s for %s in vain: %s", Patience, what, expression))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Click clicks the element that a CSS selector finds.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.do("click "+selector, chromedp.Click(selector, chromedp.NodeVisible))
}

// Go opens another URL in the same tab.
func (p *Page) Go(url string) {
	p.t.Helper()
	p.do("open "+url, chromedp.Navigate(url))
}

// Press sends one key to what has the focus, such as "Escape" or "ArrowDown".
func (p *Page) Press(key string) {
	p.t.Helper()
	codes := map[string]int64{
		"Enter": 13, "Escape": 27, "End": 35, "Home": 36,
		"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40,
	}
	p.do("press "+key, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		down := input.DispatchKeyEventParams{
			Type: input.DispatchKeyEventTypeRawKeyDown, Key: key, Code: key, WindowsVirtualKeyCode: codes[key],
		}
		if len(key) == 1 || key == "Enter" {
			down.Type, down.Text = input.DispatchKeyEventTypeKeyDown, key
			if key == "Enter" {
				down.Text = "\r"
			}
		}
		if _, err := chromedp.Call(ctx, input.DispatchKeyEvent, down); err != nil {
			return err
		}
		up := down
		up.Type, up.Text = input.DispatchKeyEventTypeKeyUp, ""
		_, err := chromedp.Call(ctx, input.DispatchKeyEvent, up)
		return err
	}))
}

// SearchFor types a query into the search box, in place of what is there, and
// waits for its hits.
func (p *Page) SearchFor(query string) {
	p.t.Helper()
	p.Wait("the page", `document.querySelector('#collection')`)
	p.do("type "+query, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](searchBox+`.focus(), `+searchBox+`.select()`)); err != nil {
			return err
		}
		_, err := chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: query})
		return err
	}))
	p.Wait("the URL to carry the query", `new URLSearchParams(location.search).get('q') === `+quote(strings.TrimSpace(query)))
	p.WaitForHits()
}

const searchBox = `document.querySelector('input[name=q]')`

// WaitForHits waits until the page says how many pictures it shows, and has
// loaded those in view.
func (p *Page) WaitForHits() {
	p.t.Helper()
	p.Wait("the hits", `document.querySelector('.summary').textContent !== '' && !document.querySelector('.grid.stale')`)
	p.WaitForPictures()
}

// WaitForPictures waits until the pictures in view are loaded.
func (p *Page) WaitForPictures() {
	p.t.Helper()
	p.Wait("the pictures", `[...document.querySelectorAll('.grid img')].filter((image) => {
		const box = image.getBoundingClientRect()
		return box.bottom > 0 && box.top < innerHeight
	}).every((image) => image.classList.contains('loaded') && getComputedStyle(image).opacity === '1')`)
}

// Hits are the IDs of the first n pictures shown, in order.
func (p *Page) Hits(n int) []string {
	p.t.Helper()
	return Eval[[]string](p, fmt.Sprintf(`[...document.querySelectorAll('.grid a')]
		.sort((a, b) => a.dataset.index - b.dataset.index).slice(0, %d).map((tile) => tile.dataset.id)`, n))
}

// Drop drops a file on the page, as from a file manager.
func (p *Page) Drop(name, mediaType string, file []byte) {
	p.t.Helper()
	Eval[bool](p, fmt.Sprintf(`(() => {
		const bytes = Uint8Array.from(atob(%s), (c) => c.charCodeAt(0))
		const data = new DataTransfer()
		data.items.add(new File([bytes], %s, { type: %s }))
		for (const kind of ['dragenter', 'dragover', 'drop']) {
			document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }))
		}
		return true
	})()`, quote(base64.StdEncoding.EncodeToString(file)), quote(name), quote(mediaType)))
}

// Compose types text as an input method does: growing, uncommitted, and if
// commit is set then committed.
func (p *Page) Compose(text string, commit bool) {
	p.t.Helper()
	p.do("compose "+text, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		runes := []rune(text)
		for n := 1; n <= len(runes); n++ {
			_, err := chromedp.Call(ctx, input.ImeSetComposition, input.ImeSetCompositionParams{
				Text: string(runes[:n]), SelectionStart: int64(n), SelectionEnd: int64(n),
			})
			if err != nil {
				return err
			}
		}
		if !commit {
			return nil
		}
		_, err := chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: text})
		return err
	}))
}

// Screenshot writes what the window shows to name.png in the artifacts folder.
func (p *Page) Screenshot(name string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Errorf("screenshot %s: %v", name, err)
		return
	}
	if err := os.WriteFile(filepath.Join(Artifacts(p.t), name+".png"), picture, 0o644); err != nil {
		p.t.Error(err)
	}
}

// Artifacts is the folder that keeps what tests show: POLYLENS_ARTIFACTS, else
// test-artifacts in the root of the repository.
func Artifacts(t testing.TB) string {
	t.Helper()
	folder := os.Getenv("POLYLENS_ARTIFACTS")
	if folder == "" {
		root, err := os.Getwd()
		for err == nil {
			if _, missing := os.Stat(filepath.Join(root, "go.mod")); missing == nil || root == "/" {
				break
			}
			root = filepath.Dir(root)
		}
		folder = filepath.Join(root, "test-artifacts")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// quote writes text as a JavaScript string.
func quote(text string) string {
	literal, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return string(literal)
}
