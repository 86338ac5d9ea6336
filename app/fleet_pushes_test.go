package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/web"
)

// diary is what was pushed to a fleet, and what must be there in the end.
type diary struct {
	random *rand.Rand
	drawn  int
	images map[string]map[string]any // metadata by id
	pushes []pushed
}

// pushed is a push with the outcome that each line must have.
type pushed struct {
	job      string
	outcomes []catalog.Outcome // "" where an upsert changes what is there, or does not
	unsure   bool              // it may have been queued before, by a server that was killed before it could say so
}

func newDiary(seed uint64) *diary {
	return &diary{random: rand.New(rand.NewPCG(seed, 19)), images: make(map[string]map[string]any)}
}

// square is a small picture that no other is like.
func square(t testing.TB, n int) []byte {
	t.Helper()
	random := rand.New(rand.NewPCG(uint64(n), 7))
	picture := image.NewNRGBA(image.Rect(0, 0, 32, 32))
	for y := range 32 {
		for x := range 32 {
			picture.SetNRGBA(x, y, color.NRGBA{uint8(n), uint8(x * n), uint8(random.UintN(256)), 255})
		}
	}
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// lines are so many lines of every kind for so many identities. Each line is written down.
func (d *diary) lines(t testing.TB, count, identities int) (string, []catalog.Outcome) {
	t.Helper()
	var text strings.Builder
	var outcomes []catalog.Outcome
	for range count {
		line, outcome := d.line(t, fmt.Sprintf("some/id %d", d.random.IntN(identities)))
		packed, err := json.Marshal(line)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(append(packed, '\n'))
		outcomes = append(outcomes, outcome)
	}
	return text.String(), outcomes
}

func (d *diary) line(t testing.TB, id string) (map[string]any, catalog.Outcome) {
	t.Helper()
	d.drawn++
	metadata, there := d.images[id]
	outcome := catalog.OutcomeFailed
	switch d.random.IntN(6) {
	case 0:
		if there {
			outcome = catalog.OutcomeDeleted
		}
		delete(d.images, id)
		return map[string]any{"op": "delete", "id": id}, outcome
	case 1:
		if there {
			metadata["patched"], outcome = float64(d.drawn), ""
		}
		return map[string]any{"op": "patch", "id": id, "metadata": map[string]any{"patched": d.drawn}}, outcome
	}
	picture := d.drawn
	if picture > 1 && d.random.IntN(4) == 0 { // one that others have
		picture = 1 + d.random.IntN(picture-1)
	}
	d.images[id] = map[string]any{"n": float64(d.drawn), "picture": float64(picture)}
	if outcome = ""; !there {
		outcome = catalog.OutcomeCreated
	}
	return map[string]any{
		"op": "upsert", "id": id, "data": base64.StdEncoding.EncodeToString(square(t, picture)),
		"metadata": map[string]any{"n": d.drawn, "picture": picture}, "captions": map[string]any{"en": fmt.Sprintf("square %d", picture)},
	}, outcome
}

// push sends lines until they are taken.
func (f *fleet) push(t *testing.T, d *diary, count, identities int) {
	t.Helper()
	text, outcomes := d.lines(t, count, identities)
	header := http.Header{"Content-Type": {"application/x-ndjson"}, "Idempotency-Key": {fmt.Sprint("push ", len(d.pushes))}}
	answer, tries := f.insist(t, http.MethodPost, "/api/v1/collections/c/jobs", header, text)
	var job web.Job
	if err := json.Unmarshal([]byte(answer), &job); err != nil {
		t.Fatal(err)
	}
	d.pushes = append(d.pushes, pushed{job.ID, outcomes, tries > 1})
}

// unfinished counts the pushes that have not ended, as far as the catalogue can be asked.
func (f *fleet) unfinished(t *testing.T) (count int) {
	t.Helper()
	answer, _ := f.insist(t, http.MethodGet, "/api/v1/jobs?kind=push&limit=100", nil, "")
	var jobs struct{ Jobs []web.Job }
	if err := json.Unmarshal([]byte(answer), &jobs); err != nil {
		t.Fatal(err)
	}
	for _, job := range jobs.Jobs {
		if !job.State.Finished() {
			count++
		}
	}
	return count
}

// settle waits until all pushes have ended.
func (f *fleet) settle(t *testing.T, patience time.Duration) {
	t.Helper()
	for deadline := time.Now().Add(patience); f.unfinished(t) > 0; time.Sleep(300 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("pushes do not end: %s", f.must(t, "/api/v1/jobs?limit=20"))
		}
	}
}

func (f *fleet) must(t *testing.T, path string) string {
	t.Helper()
	answer, _ := f.insist(t, http.MethodGet, path, nil, "")
	return answer
}

// compare expects every push to have ended as written down, and the catalogue, the index,
// the object store and what the server keeps besides to be what they leave.
func (f *fleet) compare(t *testing.T, d *diary) {
	t.Helper()
	for _, push := range d.pushes {
		f.compareJob(t, push)
	}
	f.compareImages(t, d)
	f.compareHits(t, d)
	server := f.members[0].folders
	if checked := server.run(t, "check", "--read-data", "--json"); checked.code != exitSuccess {
		t.Errorf("the check says %+v", checked)
	}
	f.compareStore(t, d)
}

func (f *fleet) compareJob(t *testing.T, push pushed) {
	t.Helper()
	var job web.Job
	if err := json.Unmarshal([]byte(f.must(t, "/api/v1/jobs/"+push.job)), &job); err != nil {
		t.Fatal(err)
	}
	if job.State != catalog.JobSucceeded || job.Counts.Total != len(push.outcomes) || job.Counts.Done != len(push.outcomes) {
		t.Errorf("job %s has %s (%s) with %+v, want %d items", push.job, job.State, job.Error, job.Counts, len(push.outcomes))
	}
	number := 0
	for line := range strings.Lines(f.must(t, "/api/v1/jobs/"+push.job+"/items")) {
		var item struct {
			Number  int
			Outcome catalog.Outcome
			Problem json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &item); err != nil {
			t.Fatal(err)
		}
		number++
		if item.Number != number || number > len(push.outcomes) {
			t.Errorf("job %s: item %d has number %d", push.job, number, item.Number)
			return
		}
		want := push.outcomes[number-1]
		right := want == item.Outcome || want == "" && (item.Outcome == catalog.OutcomeUpdated || item.Outcome == catalog.OutcomeUnchanged)
		if !right && !push.unsure {
			t.Errorf("job %s, item %d: %s (%s), want %q", push.job, number, item.Outcome, item.Problem, want)
		}
	}
	if number != len(push.outcomes) {
		t.Errorf("job %s has %d items, want %d", push.job, number, len(push.outcomes))
	}
}

// compareImages expects the catalogue to have each image once, with its metadata.
func (f *fleet) compareImages(t *testing.T, d *diary) {
	t.Helper()
	found := make(map[string]bool)
	for cursor := ""; ; {
		var page struct {
			Images []web.Image
			Next   string
		}
		if err := json.Unmarshal([]byte(f.must(t, "/api/v1/collections/c/images?limit=1000&cursor="+url.QueryEscape(cursor))), &page); err != nil {
			t.Fatal(err)
		}
		for _, image := range page.Images {
			if found[image.ID] || !maps.Equal(image.Metadata, d.images[image.ID]) {
				t.Errorf("%s has %v, want %v (found before: %t)", image.ID, image.Metadata, d.images[image.ID], found[image.ID])
			}
			found[image.ID] = true
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if len(found) != len(d.images) {
		t.Errorf("there are %d images, want %d", len(found), len(d.images))
	}
}

// compareHits expects a search to find each image once.
func (f *fleet) compareHits(t *testing.T, d *diary) {
	t.Helper()
	var answer struct{ Hits []web.Hit }
	if err := json.Unmarshal([]byte(f.must(t, "/api/v1/collections/c/search?q=square&limit=1000")), &answer); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, hit := range answer.Hits {
		ids = append(ids, hit.ID)
	}
	slices.Sort(ids)
	if want := slices.Sorted(maps.Keys(d.images)); !slices.Equal(ids, want) {
		t.Errorf("%d hits, want each of %d images once", len(ids), len(want))
	}
}
