package web_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"polylens/indexer"
	"polylens/internal/needs"
	"polylens/web"
	"polylens/web/webtest"
)

// pageTest drives one page of a fresh server.
type pageTest struct {
	*testing.T
	*webtest.Page
	server *webtest.Server
}

// TestPage drives the page in a real browser. A page that reports an error,
// such as a violation of its security policy, fails its test.
func TestPage(t *testing.T) {
	browser := webtest.NewBrowser(t)
	tests := map[string]func(pageTest){
		"searches in every script":        searchesInEveryScript,
		"waits for the input method":      waitsForInputMethod,
		"searches with a dropped picture": searchesWithDroppedPicture,
		"finds more like a picture":       findsMoreLikeThis,
		"narrows by metadata":             narrowsByMetadata,
		"goes back and forward":           goesBackAndForward,
		"opens shared links":              opensSharedLinks,
		"is driven by keys":               isDrivenByKeys,
		"loads more while scrolling":      loadsMoreWhileScrolling,
		"shows progress live":             showsProgressLive,
		"explains what went wrong":        explainsWhatWentWrong,
		"remembers the theme":             remembersTheTheme,
		"shows copies as one picture":     showsCopiesAsOnePicture,
		"asks before much is removed":     asksBeforeMuchIsRemoved,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := webtest.NewServer(t)
			page := browser.Open(t, server.URL, webtest.Desktop)
			page.Wait("the pictures", `document.querySelector('.grid a')`)
			test(pageTest{t, page, server})
		})
	}
	t.Run("begins empty", func(t *testing.T) { beginsEmpty(t, browser) })
	t.Run("signs in and out", func(t *testing.T) { signsInAndOut(t, browser) })
	t.Run("looks", func(t *testing.T) { looks(t, browser) })
	t.Run("is accessible", func(t *testing.T) { isAccessible(t, browser) })
}

func searchesInEveryScript(p pageTest) {
	for n, language := range []string{"en", "ru", "ar", "zh", "hi", "th"} {
		concept := webtest.Concepts[n]
		p.SearchFor(concept.Names[language])
		p.wantOnly(concept.Name, p.Hits(5))
	}
	if direction := webtest.Eval[string](p.Page, `(() => {
		const box = document.querySelector('input[name=q]')
		box.value = 'شمس'
		return getComputedStyle(box).direction
	})()`); direction != "rtl" {
		p.Errorf("Arabic is written %s", direction)
	}
}

func (p pageTest) wantOnly(concept string, hits []string) {
	p.Helper()
	if len(hits) == 0 || slices.ContainsFunc(hits, func(id string) bool { return !strings.HasPrefix(id, concept+"-") }) {
		p.Errorf("got %q, want only pictures of a %s", hits, concept)
	}
}

func (p pageTest) url() string { return webtest.Eval[string](p.Page, `location.search`) }

// waitsForInputMethod: half-composed text and the Enter that chooses a
// candidate search for nothing; the committed text searches once.
func waitsForInputMethod(p pageTest) {
	webtest.Eval[bool](p.Page, `(() => {
		window.asked = []
		const fetched = window.fetch
		window.fetch = (url, ...rest) => { if (String(url).includes('/search')) asked.push(String(url)); return fetched(url, ...rest) }
		document.querySelector('input[name=q]').focus()
		return true
	})()`)
	p.Compose("さかな", false)
	webtest.Eval[bool](p.Page, `(() => {
		const box = document.querySelector('input[name=q]')
		const options = { key: 'Enter', bubbles: true, cancelable: true }
		box.dispatchEvent(new KeyboardEvent('keydown', { ...options, isComposing: true, keyCode: 229 }))
		box.form.requestSubmit()
		return true
	})()`)
	time.Sleep(500 * time.Millisecond) // twice the rest after which typed text is searched
	if asked := webtest.Eval[[]string](p.Page, `asked`); len(asked) != 0 {
		p.Errorf("searched while composing: %q", asked)
	}
	p.Compose("鱼", true)
	p.Wait("the URL", `new URLSearchParams(location.search).get('q') === '鱼'`)
	p.WaitForHits()
	p.wantOnly("fish", p.Hits(5))
	if asked := webtest.Eval[[]string](p.Page, `asked`); len(asked) != 1 {
		p.Errorf("searched %d times for one word: %q", len(asked), asked)
	}
}

func searchesWithDroppedPicture(p pageTest) {
	p.Drop("mine.png", "image/png", p.server.Library.File("boat-4"))
	p.Wait("the picture in the box", `document.querySelector('form .token img')?.complete`)
	p.WaitForHits()
	if hits := p.Hits(1); len(hits) != 1 || hits[0] != "boat-4" {
		p.Errorf("the dropped picture found %q first, not itself", hits)
	}
	p.Screenshot("picture-search")
	p.SearchFor("moon")
	p.wantOnly("moon", p.Hits(5))
	webtest.Eval[any](p.Page, `history.back()`)
	p.Wait("the picture again", `document.querySelector('form .token img')`)
	p.WaitForHits()
	p.wantOnly("boat", p.Hits(1))
	p.Drop("notes.txt", "text/plain", []byte("no picture"))
	p.Wait("a word about it", `document.querySelector('main [role=alert]')?.textContent.includes('no picture')`)
}

func findsMoreLikeThis(p pageTest) {
	p.SearchFor("house")
	p.Click(".grid a")
	p.Wait("the large picture", `document.querySelector('dialog .stage img')?.complete`)
	opened := webtest.Eval[string](p.Page, `new URLSearchParams(location.search).get('open')`)
	p.Click("dialog .actions .primary")
	p.Wait("the search", fmt.Sprintf(`new URLSearchParams(location.search).get('like') === %q && !document.querySelector('dialog')`, opened))
	p.WaitForHits()
	if hits := p.Hits(5); slices.Contains(hits, opened) {
		p.Errorf("more like %s: %q", opened, hits)
	}
	p.wantOnly("house", p.Hits(5))
	if text := webtest.Eval[string](p.Page, `document.querySelector('form .token').textContent`); !strings.Contains(text, "More like") {
		p.Errorf("the box says %q", text)
	}
}

func narrowsByMetadata(p pageTest) {
	p.SearchFor("sun")
	p.Click(".grid a")
	p.Wait("the tags", `document.querySelector('dialog .facts .chip')`)
	p.Click(`dialog .facts .chip`) // the first field is the group: nature
	p.Wait("the filter", `document.querySelector('.filters .chip')`)
	p.SearchFor("fish")
	if hits := p.Hits(10); slices.ContainsFunc(hits, func(id string) bool { return strings.HasPrefix(id, "fish-") }) {
		p.Errorf("fish are no nature here: %q", hits)
	}
	p.Screenshot("filtered")
	p.Click(".filters .chip")
	p.Wait("no filter", `!document.querySelector('.filters')`)
	p.WaitForHits()
	p.Wait("fish", `document.querySelector('.grid a[data-index="0"]').dataset.id.startsWith('fish')`)
}

func goesBackAndForward(p pageTest) {
	p.SearchFor("tree")
	webtest.Eval[any](p.Page, `document.activeElement.blur()`)
	p.SearchFor("moon")
	webtest.Eval[any](p.Page, `history.back()`)
	p.Wait("trees", `document.querySelector('input[name=q]').value === 'tree' && document.querySelector('.grid a[data-index="0"]').dataset.id.startsWith('tree')`)
	webtest.Eval[any](p.Page, `history.forward()`)
	p.Wait("moons", `document.querySelector('input[name=q]').value === 'moon' && document.querySelector('.grid a[data-index="0"]').dataset.id.startsWith('moon')`)
	p.Click(".brand")
	p.Wait("the beginning", `document.querySelector('.home') && document.querySelector('input[name=q]').value === ''`)
}

func opensSharedLinks(p pageTest) {
	link := `?collection=demo&q=%D8%B4%D9%85%D8%B3&filter=%7B%22field%22%3A%22group%22%2C%22eq%22%3A%22nature%22%7D&open=sun-1`
	p.Go(p.server.URL + "/" + link)
	p.Wait("the large picture", `document.querySelector('#detail-title')?.textContent === 'sun'`)
	p.Wait("the query", `document.querySelector('input[name=q]').value === 'شمس' && document.querySelector('.filters .chip')`)
	p.Press("Escape")
	p.Wait("the hits", `!document.querySelector('dialog')`)
	p.WaitForHits()
	p.wantOnly("sun", p.Hits(5))
	if p.url() != strings.TrimSuffix(link, "&open=sun-1") {
		p.Errorf("the link is now %s", p.url())
	}
}

func isDrivenByKeys(p pageTest) {
	focused := func(expression string) string {
		return fmt.Sprintf(`document.activeElement && document.activeElement.%s`, expression)
	}
	p.Press("/")
	p.Wait("the box", focused(`name === 'q'`))
	p.SearchFor("star")
	p.Press("ArrowDown")
	p.Wait("the first picture", focused(`dataset.index === '0'`))
	p.Press("ArrowRight")
	p.Wait("the second", focused(`dataset.index === '1'`))
	p.Press("ArrowDown")
	p.Wait("the next row", focused(`dataset.index > 2`))
	p.Press("End")
	p.Wait("the last of the page, in view", `(() => {
		const box = document.activeElement.getBoundingClientRect()
		return document.activeElement.dataset.index > 20 && box.top >= 0 && box.bottom <= innerHeight
	})()`)
	p.Press("Home")
	p.Wait("the first", focused(`dataset.index === '0'`))
	p.Press("Enter")
	p.Wait("the large picture", `document.querySelector('dialog[open]')`)
	first := p.url()
	p.Press("ArrowRight")
	p.Wait("another", fmt.Sprintf(`location.search !== %q`, first))
	p.Press("ArrowLeft")
	p.Wait("the first again", fmt.Sprintf(`location.search === %q`, first))
	p.Press("Escape")
	p.Wait("the focus to come back", `!document.querySelector('dialog') && document.activeElement.dataset.index === '0'`)
	p.Press("?")
	p.Wait("the help", `document.querySelector('#help-title')`)
	p.Screenshot("help")
	p.Press("Escape")
	p.Wait("no help", `!document.querySelector('dialog')`)
}

func loadsMoreWhileScrolling(p pageTest) {
	p.SearchFor("flower")
	p.Wait("the end of the list", `(() => {
		scrollTo(0, document.body.scrollHeight)
		return !document.querySelector('.more') && [...document.querySelectorAll('.grid a')].some((tile) => tile.dataset.index === '59')
	})()`)
	if tiles := webtest.Eval[int](p.Page, `document.querySelectorAll('.grid a').length`); tiles > 58 {
		p.Errorf("%d tiles are in the page: those far away must not be", tiles)
	}
	p.Wait("the count", `document.querySelector('.summary').textContent.startsWith('60 pictures')`)
}

func showsProgressLive(p pageTest) {
	p.Click(`nav button[aria-label="Index a folder"]`)
	p.Wait("the dialog", `document.querySelector('#index-folder')`)
	fill := func(folder string) {
		webtest.Eval[bool](p.Page, fmt.Sprintf(`(() => {
			for (const [id, text] of [['index-folder', %q], ['index-collection', 'fresh'], ['index-patches', '576'], ['index-exclude', 'drafts/\n*.tmp']]) {
				const field = document.getElementById(id)
				field.value = text
				field.dispatchEvent(new Event('input', { bubbles: true }))
			}
			const hidden = document.querySelectorAll('dialog form [type=checkbox]')[1]
			if (hidden.checked) hidden.click()
			document.querySelector('dialog form').requestSubmit()
			return true
		})()`, folder))
	}
	fill("/no/such/folder")
	p.Wait("why not", `document.querySelector('dialog [role=alert]')?.textContent.includes('there is no folder')`)
	p.ForgetErrors() // the browser reports the refused request
	fill(p.TempDir())
	var seen []int
	p.Wait("the end", `(() => {
		window.seen ??= []
		const text = document.querySelector('dialog [data-job] .numbers')?.textContent ?? ''
		const done = Number(text.match(/^(\d+) of 60/)?.[1] ?? NaN)
		if (!Number.isNaN(done) && seen.at(-1) !== done) seen.push(done)
		return document.querySelector('dialog [data-state=succeeded]')
	})()`)
	seen = webtest.Eval[[]int](p.Page, `seen`)
	if len(seen) < 4 || !slices.IsSorted(seen) {
		p.Errorf("progress went %v", seen)
	}
	if chosen, err := p.server.Library.Catalog().Collection(p.Context(), "fresh"); err != nil || chosen.MaxPatches != 576 {
		p.Errorf("the collection is %+v, %v; want 576 patches chosen", chosen, err)
	}
	p.Click("dialog [data-job] details summary")
	p.Screenshot("progress-done")
	if text := webtest.Eval[string](p.Page, `document.querySelector('dialog [data-job] details').textContent`); !strings.Contains(text, "broken.png: it ends too early") {
		p.Errorf("failures are told as %q", text)
	}
	p.Click("dialog [data-job] .besides summary")
	if text := webtest.Eval[string](p.Page, `document.querySelector('dialog [data-job] .besides').textContent`); !strings.Contains(text, "4 things besides the pictures") ||
		!strings.Contains(text, "2 files are no pictures that Polylens reads: 2 video") || !strings.Contains(text, "elsewhere: it leads to a folder") {
		p.Errorf("what else lies there is told as %q", text)
	}
	if rules := p.server.Jobs.Params().Rules; !slices.Equal(rules.Exclude, []string{"drafts/", "*.tmp"}) || !rules.NoHidden || rules.NoDefaultExcludes {
		p.Errorf("the rules are %+v", rules)
	}
	p.Click(`dialog [data-job] .head .chip`)
	p.Wait("the new collection", `document.querySelector('#collection').value === 'fresh'`)
}

func explainsWhatWentWrong(p pageTest) {
	for link, says := range map[string]string{
		"/?collection=nowhere&q=x":     "There is no collection",
		"/?collection=demo&like=zz":    "image not found",
		"/?collection=demo&open=zz":    "image not found",
		"/?collection=demo&q=%20%09":   "What are you looking for",
		"/?q=x&filter=%7B%22a%22%3A1}": "best first", // a filter that cannot be read is no filter
	} {
		p.Go(p.server.URL + link)
		if strings.Contains(link, "%09") {
			says = "Find pictures"
		}
		p.Wait(says, fmt.Sprintf(`document.querySelector('#app').textContent.includes(%q)`, says))
	}
	p.ForgetErrors()
}

func remembersTheTheme(p pageTest) {
	background := func() string {
		return webtest.Eval[string](p.Page, `getComputedStyle(document.documentElement).backgroundColor`)
	}
	light := background()
	p.Show(webtest.DesktopDark)
	dark := background()
	if light == dark {
		p.Error("the system's theme changes nothing")
	}
	p.Click(`nav button[aria-label^=Theme]`)
	if background() != light {
		p.Error("light was chosen, and it is dark")
	}
	p.Go(p.server.URL)
	p.Wait("the page", `document.querySelector('.grid a')`)
	if background() != light {
		p.Error("the choice is forgotten")
	}
	p.Show(webtest.Desktop)
	p.Click(`nav button[aria-label^=Theme]`)
	if background() != dark {
		p.Error("dark was chosen, and it is light")
	}
}

func beginsEmpty(t *testing.T, browser *webtest.Browser) {
	server := webtest.NewServer(t, func(c *web.Config) {
		if err := c.Indexer.DeleteCollection(t.Context(), webtest.LibraryName); err != nil {
			t.Fatal(err)
		}
	})
	page := browser.Open(t, server.URL, webtest.Desktop)
	page.Wait("the invitation", `document.querySelector('main').textContent.includes('Nothing is indexed yet')`)
	page.Screenshot("empty")
	if _, err := server.Jobs.Index(t.Context(), "first", indexer.JobParams{Directory: "/pictures"}); err != nil {
		t.Fatal(err)
	}
	page.Wait("word that pictures come", `document.querySelector('main').textContent.includes('on their way')`)
	page.Wait("pictures without a reload", `document.querySelectorAll('.grid a').length > 10`)
}

// looks keeps screenshots of every look.
func looks(t *testing.T, browser *webtest.Browser) {
	visit(t, browser, func(page *webtest.Page, place, look string) { page.Screenshot(place + "-" + look) })
}

// isAccessible lets axe judge every look. axe is installed with the page's own
// tools.
func isAccessible(t *testing.T, browser *webtest.Browser) {
	axe, err := os.ReadFile(needs.NPMFile(t, "axe-core/axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	judge := func(page *webtest.Page, place, look string) {
		type violation struct {
			ID    string   `json:"id"`
			Nodes []string `json:"nodes"`
		}
		webtest.Eval[any](page, string(axe)+"; null")
		found := webtest.Eval[[]violation](page, `axe.run().then(({ violations }) => violations.map(({ id, nodes }) => ({
			id, nodes: nodes.map((node) => node.html.slice(0, 160) + ' ' + node.failureSummary) })))`)
		for _, v := range found {
			t.Errorf("%s, %s: %s: %s", place, look, v.ID, strings.Join(v.Nodes, "\n"))
		}
	}
	visit(t, browser, judge)
	page := browser.Open(t, newKeyring(t).URL, webtest.DesktopDark)
	page.Wait("the question for a key", `document.activeElement?.id === 'key'`)
	page.ForgetErrors()
	judge(page, "sign in", "dark")
}

// visit goes to every place of the page, in every look.
func visit(t *testing.T, browser *webtest.Browser, stop func(page *webtest.Page, place, look string)) {
	server := webtest.NewServer(t)
	for name, look := range map[string]webtest.Look{
		"desktop": webtest.Desktop, "dark": webtest.DesktopDark, "phone": webtest.Phone,
	} {
		page := browser.Open(t, server.URL, look)
		page.Wait("the collection", `document.querySelector('.grid a')`)
		page.WaitForPictures()
		stop(page, "home", name)
		page.SearchFor("قارب")
		stop(page, "search", name)
		page.Click(".grid a")
		page.Wait("the large picture", `document.querySelector('dialog .stage img')?.complete`)
		page.Wait("the captions", `document.querySelector('dialog details')`)
		stop(page, "detail", name)
		page.Press("Escape")
		page.Wait("the dialog to close", `!document.querySelector('dialog')`)
		page.Click(`nav button[title="Index a folder"]`)
		page.Wait("the dialog", `document.querySelector('#index-folder')`)
		stop(page, "index", name)
	}
}
