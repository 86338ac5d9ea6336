package indexer

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/indexer/upload"
)

// everything is all that a plan must not change.
func (p *pushBench) everything(t *testing.T) string {
	t.Helper()
	text := dump(t, p.database, p.index)
	err := p.documents.blobs.Walk(t.Context(), "", func(file blob.File) error { text += file.Name + "\n"; return nil })
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// plan waits for a plan, and looks that it has changed nothing.
func (p *pushBench) plan(t *testing.T, order func() (catalog.Job, error)) Plan {
	t.Helper()
	before := p.everything(t)
	job, err := order()
	if err != nil {
		t.Fatal(err)
	}
	job = waitFor(t, p.Jobs, job.ID, catalog.JobSucceeded)
	var plan Plan
	if err := json.Unmarshal(job.Progress, &plan); err != nil {
		t.Fatal(err)
	}
	if after := p.everything(t); after != before {
		t.Errorf("the plan changes\n%s\ninto\n%s", before, after)
	}
	if (plan.Encode > 0) != (plan.Rate > 0 && plan.Seconds > 0) {
		t.Errorf("%d pictures to encode take %v s at %v a second", plan.Encode, plan.Seconds, plan.Rate)
	}
	return plan
}

func (p *pushBench) planLines(t *testing.T, lines ...string) Plan {
	t.Helper()
	return p.plan(t, func() (catalog.Job, error) {
		return p.pushes.With(PushOptions{DryRun: true}).Receive(t.Context(), "c", strings.NewReader(strings.Join(lines, "\n")))
	})
}

// TestPlanOfPush: a plan says what a push then does, first for a collection that is not
// there, and changes nothing.
func TestPlanOfPush(t *testing.T) {
	p := newPushBench(t)
	first := []string{upsertLine("a", 1), upsertLine("b", 2), upsertLine("c", 1), `no json`, `{"op":"delete","id":"zz"}`, `{"op":"patch","id":"a","metadata":{"m":1}}`,
		`{"id":"d","data":"bm8gcGljdHVyZQ=="}`, upsertLine("e", 3), `{"op":"delete","id":"e"}`}
	plan := p.planLines(t, first...)
	if want := (PlanCounts{Total: 9, New: 4, Changed: 1, Removed: 1, Failed: 3, Known: 1, Encode: 3}); plan.PlanCounts != want {
		t.Errorf("got %+v, want %+v", plan, want)
	}
	if len(plan.Failures) != 3 {
		t.Errorf("failures are %+v", plan.Failures)
	}
	counts, _ := p.push(t, first...)
	if counts.Created != plan.New || counts.Failed != plan.Failed || counts.Deleted != plan.Removed || counts.Updated != plan.Changed {
		t.Errorf("planned %+v, done %+v", plan, counts)
	}
	second := []string{upsertLine("a", 1), upsertLine("b", 5), upsertLine("c", 1), upsertLine("f", 2), upsertLine("g", 6), `{"op":"patch","id":"b","metadata":{"n":2}}`,
		`{"op":"delete","id":"c"}`, `{"op":"patch","id":"c","metadata":{"n":2}}`, `{"id":"h","url":"https://example.org/a.png"}`, `{"id":"a","key":"k"}`}
	want := PlanCounts{Total: 10, New: 3, Changed: 3, Unchanged: 1, Removed: 1, Failed: 1, Unread: 1, Known: 2, Encode: 3}
	if plan = p.planLines(t, second...); plan.PlanCounts != want {
		t.Errorf("got %+v, want %+v", plan, want)
	}
}

// TestPlanOfUpload: an upload is there when its plan is made, for the push.
func TestPlanOfUpload(t *testing.T) {
	p := newPushBench(t)
	p.withUploads(upload.Limits{})
	from := PushSource{Upload: p.upload(t, zipOf(t, "a.png", string(picture(1)), "b.png", string(picture(2))), 0)}
	job, err := p.pushes.With(PushOptions{DryRun: true}).ReceiveFrom(t.Context(), "c", from)
	if err != nil {
		t.Fatal(err)
	}
	var plan Plan
	if err := json.Unmarshal(waitFor(t, p.Jobs, job.ID, catalog.JobSucceeded).Progress, &plan); err != nil || plan.New != 2 || plan.Encode != 2 {
		t.Errorf("%+v, %v", plan, err)
	}
	if job, err = p.pushes.ReceiveFrom(t.Context(), "c", from); err != nil {
		t.Fatal(err)
	}
	if counts := p.counts(t, job.ID, catalog.JobSucceeded); counts.Created != 2 {
		t.Errorf("%+v", counts)
	}
}

// TestPlanOfFolder: a plan says what a run then does, and changes nothing.
func TestPlanOfFolder(t *testing.T) {
	p := newPushBench(t)
	write := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(p.folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		write(fmt.Sprintf("%d.png", i), picture(i))
	}
	write("copy.png", picture(0))
	write("broken.png", []byte("\x89PNG\r\n\x1a\nbroken"))
	look := func() Plan {
		t.Helper()
		return p.plan(t, func() (catalog.Job, error) {
			return p.pushes.PlanFolder(t.Context(), "c", JobParams{Directory: p.folder})
		})
	}
	if plan := look(); plan.PlanCounts != (PlanCounts{Total: 7, New: 6, Failed: 1, Known: 1, Encode: 5}) {
		t.Errorf("%+v", plan)
	}
	p.run(t)
	if plan := look(); plan.PlanCounts != (PlanCounts{Total: 7, Unchanged: 6, Failed: 1}) {
		t.Errorf("%+v", plan)
	}
	write("1.png", picture(9))
	write("2.json", []byte(`{"n": 2}`))
	write("3.png", picture(4))
	write("new.png", picture(10))
	if err := os.Remove(filepath.Join(p.folder, "4.png")); err != nil {
		t.Fatal(err)
	}
	if plan := look(); plan.PlanCounts != (PlanCounts{Total: 7, New: 1, Changed: 3, Unchanged: 2, Removed: 1, Failed: 1, Known: 2, Encode: 2}) {
		t.Errorf("%+v", plan)
	}
	report := p.run(t)
	if report.Encoded != 2 || report.Removed != 1 {
		t.Errorf("%+v", report.Progress)
	}
	for _, wrong := range []JobParams{{Directory: filepath.Join(p.folder, "none")}, {Directory: p.folder, MaxPatches: -1}} {
		if _, err := p.pushes.PlanFolder(t.Context(), "c", wrong); err == nil {
			t.Errorf("%+v is planned", wrong)
		}
	}
}
