package web_test

import (
	"fmt"
	"strings"

	"polylens/web/webtest"
)

// showsCopiesAsOnePicture: files with one content are one tile, which says how many there
// are without being pointed at, and the detail view names them.
func showsCopiesAsOnePicture(p pageTest) {
	p.server.Library.Copy("boat-4", "boat-copy")
	p.server.Library.Copy("boat-4", "boat-other-copy")
	p.Drop("mine.png", "image/png", p.server.Library.File("boat-4"))
	p.Wait("the picture in the box", `document.querySelector('form .token img')?.complete`)
	p.WaitForHits()
	p.WaitForPictures()
	p.wantOnly("boat", p.Hits(1))
	copies := 0
	for _, id := range p.Hits(60) {
		if id == "boat-4" || strings.HasSuffix(id, "-copy") {
			copies++
		}
	}
	if copies != 1 {
		p.Errorf("%d tiles show the picture that has two copies", copies)
	}
	p.Wait("the badge", `(() => {
		const badge = document.querySelector('.grid a[data-index="0"] .copies')
		return badge?.textContent === '+2' && badge.ariaLabel === '2 copies' && badge.checkVisibility({ opacityProperty: true })
	})()`)
	if badges := webtest.Eval[int](p.Page, `document.querySelectorAll('.grid .copies').length`); badges != 1 {
		p.Errorf("%d tiles say that there are copies", badges)
	}
	p.Screenshot("copies")
	p.Click(".grid a")
	p.Wait("the copies", `document.querySelector('dialog dd.copies')`)
	p.Screenshot("copies-detail")
	if text := webtest.Eval[string](p.Page, `document.querySelector('dialog .facts').textContent`); !strings.Contains(text, "2 copies") {
		p.Errorf("the facts are %q", text)
	}
	if apart := webtest.Eval[bool](p.Page, `(() => {
		const [first, second] = [...document.querySelectorAll('dialog dd.copies bdi')].map((one) => one.getBoundingClientRect())
		return first.bottom <= second.top
	})()`); !apart {
		p.Errorf("the places of the copies run together")
	}
	places := webtest.Eval[[]string](p.Page, `[...document.querySelectorAll('dialog .place, dialog dd.copies bdi')].map((one) => one.textContent).sort()`)
	if got := strings.Join(places, " "); got != "/pictures/boat-4.png /pictures/boat-copy.png /pictures/boat-other-copy.png" {
		p.Errorf("the places are %s", got)
	}
}

// asksBeforeMuchIsRemoved: a job that found too much gone offers to remove it, once, and
// under the same rules.
func asksBeforeMuchIsRemoved(p pageTest) {
	p.server.Jobs.Lose(1200)
	p.Click(`nav button[aria-label="Index a folder"]`)
	p.Wait("the dialog", `document.querySelector('#index-folder')`)
	folder := p.TempDir()
	webtest.Eval[bool](p.Page, fmt.Sprintf(`(() => {
		for (const [id, text] of [['index-folder', %q], ['index-collection', 'fresh'], ['index-exclude', 'drafts/']]) {
			const field = document.getElementById(id)
			field.value = text
			field.dispatchEvent(new Event('input', { bubbles: true }))
		}
		document.querySelector('dialog form').requestSubmit()
		return true
	})()`, folder))
	p.Wait("the failure", `document.querySelector('dialog [data-state=failed]')`)
	row := webtest.Eval[string](p.Page, `document.querySelector('dialog [data-state=failed]').textContent`)
	for _, says := range []string{"nothing was removed", "1,200 gone and kept", "Remove the 1,200 that are gone"} {
		if !strings.Contains(row, says) {
			p.Errorf("it does not say %q, but %q", says, row)
		}
	}
	webtest.Eval[any](p.Page, `document.querySelector('dialog [data-state=failed]').scrollIntoView()`)
	p.Screenshot("removal-withheld")
	p.Click("dialog [data-state=failed] .remove")
	p.Wait("the removal", `document.querySelector('dialog [data-job]:first-child[data-state=succeeded]')`)
	if params := p.server.Jobs.Params(); !params.ConfirmRemoval || params.Directory != folder || len(params.Exclude) != 1 || params.Exclude[0] != "drafts/" {
		p.Errorf("it ordered %+v", params)
	}
	if text := webtest.Eval[string](p.Page, `document.querySelector('dialog [data-state=succeeded]').textContent`); !strings.Contains(text, "1,200 removed") {
		p.Errorf("it says %q", text)
	}
	if left := webtest.Eval[int](p.Page, `document.querySelectorAll('dialog .remove').length`); left != 0 {
		p.Errorf("%d jobs offer the removal that is done", left)
	}
	p.Screenshot("removal-done")
}
