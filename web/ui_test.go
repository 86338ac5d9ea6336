package web_test

import (
	"strings"
	"testing"

	"polylens/web/webtest"
)

// scripts are queries for the same concepts in six scripts.
var scripts = map[string]string{"latin": "en", "cyrillic": "ru", "arabic": "ar", "han": "zh", "devanagari": "hi", "thai": "th"}

func TestPageSearchesInEveryScript(t *testing.T) {
	server := webtest.NewServer(t)
	page := webtest.NewBrowser(t).Open(t, server.URL, webtest.Desktop)
	for script, language := range scripts {
		concept := webtest.Concepts[len(script)%len(webtest.Concepts)]
		page.SearchFor(concept.Names[language])
		hits := page.Hits(5)
		for _, hit := range hits {
			if !strings.HasPrefix(hit, concept.Name+"-") {
				t.Errorf("%s: %q found %q, want only %s", script, concept.Names[language], hits, concept.Name)
			}
		}
	}
}

func TestPageLooks(t *testing.T) {
	server := webtest.NewServer(t)
	browser := webtest.NewBrowser(t)
	for name, look := range map[string]webtest.Look{
		"desktop": webtest.Desktop, "dark": webtest.DesktopDark, "phone": webtest.Phone,
	} {
		page := browser.Open(t, server.URL, look)
		page.Wait("the collection", `document.querySelector('.grid a')`)
		page.WaitForPictures()
		page.Screenshot("home-" + name)
		page.SearchFor("قارب")
		page.Screenshot("search-" + name)
		page.Click(".grid a")
		page.Wait("the large picture", `document.querySelector('dialog .stage img')?.complete`)
		page.Wait("the captions", `document.querySelector('dialog details')`)
		page.Screenshot("detail-" + name)
		page.Press("Escape")
		page.Wait("the dialog to close", `!document.querySelector('dialog')`)
	}
}
