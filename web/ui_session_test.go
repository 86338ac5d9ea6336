package web_test

import (
	"fmt"
	"testing"

	"polylens/indexer/catalog"
	"polylens/web/webtest"
)

// signsInAndOut: the page asks for a key, shows what that key may see, and forgets it.
func signsInAndOut(t *testing.T, browser *webtest.Browser) {
	k := newKeyring(t)
	key := k.make(t, nil, catalog.ScopeSearch)
	page := browser.Open(t, k.URL+"/?q=boat", webtest.Desktop)
	page.Wait("the question for a key", `document.activeElement?.id === 'key'`)
	page.Screenshot("sign-in")
	give := func(key string) {
		webtest.Eval[bool](page, fmt.Sprintf(`(() => {
			const field = document.getElementById('key')
			field.value = %q
			field.dispatchEvent(new Event('input', { bubbles: true }))
			document.querySelector('form').requestSubmit()
			return true
		})()`, key))
	}
	give(catalog.NewKeyText())
	page.Wait("why not", `document.querySelector('[role=alert]')?.textContent.includes('no API key')`)
	page.ForgetErrors() // the browser reports what was refused
	give(key)
	page.Wait("the pictures that were asked for", `document.querySelector('.grid a')?.dataset.id.startsWith('boat-')`)
	page.WaitForPictures()
	if seen := webtest.Eval[bool](page, `document.cookie !== '' || JSON.stringify([localStorage, sessionStorage]).includes('polylens_')`); seen {
		t.Error("scripts of the page can read the session, or the key is kept")
	}
	if offered := webtest.Eval[bool](page, `!!document.querySelector('nav button[title="Index a folder"]')`); offered {
		t.Error("a key for searches is offered to index")
	}
	page.Screenshot("signed-in")
	page.Click(`nav button[title="Sign out"]`)
	page.Wait("the question for a key", `document.activeElement?.id === 'key'`)
	page.ForgetErrors()
	page.Go(k.URL)
	page.Wait("the question for a key again", `document.activeElement?.id === 'key'`)
	page.ForgetErrors()
}
