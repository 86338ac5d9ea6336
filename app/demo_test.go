package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"polylens/internal/needs"
	"polylens/trainer/evaluate"
	"polylens/web/webtest"
)

// demoQueries are typed into the page, each in another script, and must show
// the picture with these code points among the first five.
var demoQueries = []struct{ language, text, codePoints string }{
	{"en", "red apple", "1f34e"},
	{"ru", "слон", "1f418"},  // elephant
	{"ar", "فراشة", "1f98b"}, // butterfly
	{"zh", "西红柿", "1f345"},   // tomato
	{"hi", "छाता", "2602"},   // umbrella
	{"th", "รถบัส", "1f68c"}, // bus
}

// demoPatience bounds the indexing of the demo on a slow machine.
const demoPatience = 8 * time.Minute

// TestDemo is what a newcomer sees after "make run": a page that is up before
// anything is indexed, live progress, and then the right pictures. Afterwards
// the quality of the model is measured on the same collection.
func TestDemo(t *testing.T) {
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	needs.Demo(t)
	browser := webtest.NewBrowser(t)
	f := newFolders(t)
	server := f.serve(t, "--demo")
	page := browser.Open(t, "http://"+server.address, webtest.Desktop)
	watchProgress(t, page, server)
	page.Go("http://" + server.address + "/?collection=" + demoCollection)
	page.Wait("the pictures", `document.querySelector('.grid a')`)
	page.WaitForPictures()
	page.Screenshot("demo")
	for _, query := range demoQueries {
		page.SearchFor(query.text)
		page.Screenshot("demo-" + query.language)
		want := server.demoImage(t, query.codePoints)
		if hits := page.Hits(5); !slices.Contains(hits, want) {
			t.Errorf("%s %q shows %q, want %s (%s) among them", query.language, query.text, hits, want, query.codePoints)
		}
	}
	dropPicture(t, page, server)
	for _, problem := range page.Errors() {
		t.Errorf("the page reports: %s", problem)
	}
	page.Go("about:blank") // a page without its server complains
	if code := server.stop(t, syscall.SIGTERM); code != exitSuccess {
		t.Errorf("the server ended with %d:\n%s", code, server.log())
	}
	checkQuality(t, f)
}

// watchProgress opens the dialog that shows jobs and waits for the end of the
// demo's, whose numbers must grow meanwhile.
func watchProgress(t *testing.T, page *webtest.Page, server *server) {
	t.Helper()
	page.Click(`nav button[aria-label="Index a folder"]`)
	webtest.Eval[bool](page, `(() => {
		window.seen = []
		setInterval(() => {
			const text = document.querySelector('dialog [data-job] .numbers')?.textContent ?? ''
			const done = Number(text.match(/^([0-9,]+) of/)?.[1].replaceAll(',', '') ?? NaN)
			if (!Number.isNaN(done) && seen.at(-1) !== done) seen.push(done)
		}, 50)
		return true
	})()`)
	deadline := time.Now().Add(demoPatience)
	for !webtest.Eval[bool](page, `document.querySelector('dialog [data-state=succeeded]') !== null`) {
		if time.Now().After(deadline) {
			page.Screenshot("failed-demo-progress")
			t.Fatalf("the demo is not indexed after %s:\n%s", demoPatience, server.log())
		}
		time.Sleep(200 * time.Millisecond)
	}
	page.Screenshot("demo-progress")
	if seen := webtest.Eval[[]int](page, `seen`); len(seen) < 5 {
		t.Errorf("progress was seen %d times: %v", len(seen), seen)
	}
}

// dropPicture drops a picture of the collection on the page: it finds itself.
func dropPicture(t *testing.T, page *webtest.Page, server *server) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(needs.Demo(t), "1f98b-*.png"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	file, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	before := page.Hits(1)
	page.Drop("somewhere.png", "image/png", file)
	page.Wait("other hits", `document.querySelector('.grid a')?.dataset.id !== `+quoted(before[0]))
	page.WaitForHits()
	page.Screenshot("demo-dropped")
	if hits, want := page.Hits(1), server.demoImage(t, "1f98b"); hits[0] != want {
		t.Errorf("a dropped picture finds %s, want itself, %s", hits[0], want)
	}
}

func quoted(text string) string {
	data, _ := json.Marshal(text) // a string can always be written
	return string(data)
}

// demoImage is the ID of the demo picture with these code points.
func (s *server) demoImage(t testing.TB, codePoints string) string {
	t.Helper()
	filter := `{"field":"codepoints","eq":"` + codePoints + `"}`
	body := s.get(t, "/api/v1/collections/"+demoCollection+"/search?q=x&filter="+url.QueryEscape(filter), http.StatusOK)
	var answer struct{ Hits []hit }
	if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.Hits) != 1 {
		t.Fatalf("demo picture %s: %v in %.300s", codePoints, err, body)
	}
	return answer.Hits[0].ID
}

// checkQuality holds the bundled model to what the README promises, in the
// languages of the queries above. "polylens eval" measures all.
func checkQuality(t *testing.T, f folders) {
	t.Helper()
	var languages []string
	for _, query := range demoQueries {
		languages = append(languages, query.language)
	}
	text := f.succeed(t, "eval", "--json", "--languages", strings.Join(languages, ","))
	for _, quality := range objects[evaluate.Quality](t, text) {
		if quality.Direction != evaluate.TextToImage {
			continue
		}
		t.Logf("%s: %d queries, R@1 %.3f, R@5 %.3f", quality.Language, quality.N, quality.R1, quality.R5)
		if quality.R5 < 0.5 {
			t.Errorf("%s: R@5 %.3f, want 0.5", quality.Language, quality.R5)
		}
		if quality.Language == evaluate.MeanLanguage && (quality.R1 < 0.5 || quality.R5 < 0.75) {
			t.Errorf("mean R@1 %.3f and R@5 %.3f, want 0.5 and 0.75", quality.R1, quality.R5)
		}
	}
}
