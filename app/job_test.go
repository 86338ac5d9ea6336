package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/indexer/jobs"
	"polylens/internal/needs"
	"polylens/web"
)

// ordered fills a catalogue with jobs that nobody has run, as a server that was
// stopped leaves them, and returns their IDs.
func ordered(t *testing.T, f folders, orders ...jobs.Order) []string {
	t.Helper()
	store, err := database.Open(t.Context(), filepath.Join(f.data, "catalogue.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	queue, err := jobs.New(store.Jobs(nil), (&indexer.Indexer{}).Kinds(nil)...)
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, len(orders))
	for i, order := range orders {
		job, err := queue.Enqueue(t.Context(), order)
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = job.ID
	}
	return ids
}

// withoutMilvus are folders in which every start of Milvus would fail.
func withoutMilvus(t *testing.T) folders {
	f := newFolders(t)
	f.env = []string{"POLYLENS_ONNXRUNTIME=" + needs.ONNXRuntime(t), "POLYLENS_MILVUS=" + t.TempDir()}
	return f
}

// TestJobsWithoutServer: the catalogue alone is read and changed, and nothing runs.
func TestJobsWithoutServer(t *testing.T) {
	t.Parallel()
	f := withoutMilvus(t)
	ids := ordered(t, f,
		jobs.Order{Kind: indexer.JobIndex, Collection: "a", Params: indexer.JobParams{Directory: "/pictures"}},
		jobs.Order{Kind: indexer.JobCheck, Collection: "b", Params: indexer.JobParams{}})
	for filter, want := range map[string][]string{
		"":                                   {ids[1], ids[0]},
		"--limit 1":                          {ids[1]},
		"--collection a":                     {ids[0]},
		"--kind check":                       {ids[1]},
		"--state queued":                     {ids[1], ids[0]},
		"--state running,failed":             nil,
		"--collection a --kind rebuild":      nil,
		"--state paused --state queued":      {ids[1], ids[0]},
		"--state canceled --collection none": nil,
	} {
		var got []string
		for _, job := range objects[web.Job](t, f.succeed(t, append([]string{"job", "list", "--json"}, strings.Fields(filter)...)...)) {
			got = append(got, job.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("job list %s: %v, want %v", filter, got, want)
		}
	}
	table := f.succeed(t, "job", "list")
	if !strings.HasPrefix(table, "ID ") || strings.Count(table, "\n") != 3 || !strings.Contains(table, ids[0]+"  index  a ") {
		t.Errorf("job list prints\n%s", table)
	}
	shown := f.succeed(t, "job", "show", ids[0])
	for _, want := range []string{ids[0], "index", "queued", "/pictures"} {
		if !strings.Contains(shown, want) {
			t.Errorf("job show lacks %q:\n%s", want, shown)
		}
	}
	f.fail(t, exitFailure, []string{ids[0], "queued", "polylens serve"}, "job", "show", ids[0], "--follow")
	f.fail(t, exitNotFound, []string{"unknown", "not found", "polylens job list"}, "job", "show", "unknown")
	f.fail(t, exitNotFound, []string{"unknown", "not found", "polylens job list"}, "job", "cancel", "unknown")
	f.fail(t, exitNotFound, []string{"unknown", "not found", "polylens collection list"}, "collection", "delete", "unknown")
	f.steerJob(t, ids[0])
	if text := f.succeed(t, "collection", "list", "--json"); text != "" {
		t.Errorf("collections of an empty catalogue: %s", text)
	}
	if text := f.succeed(t, "check"); text != "" {
		t.Errorf("check of an empty catalogue: %s", text)
	}
}

// steerJob gives every command to a queued job, one after the other.
func (f folders) steerJob(t *testing.T, id string) {
	t.Helper()
	for _, step := range []struct {
		verb string
		want catalog.JobState // empty: the state does not allow it
		says string           // why
	}{
		{"resume", "", "is queued: only a paused one can be resumed"}, {"pause", catalog.JobPaused, ""}, {"pause", "", "is paused already"},
		{"resume", catalog.JobQueued, ""}, {"retry", "", "is queued: only a failed or canceled one"},
		{"cancel", catalog.JobCanceled, ""}, {"cancel", "", "is canceled already"}, {"pause", "", "is over: it is canceled"}, {"retry", catalog.JobQueued, ""},
	} {
		if step.want == "" {
			got := f.run(t, "job", step.verb, id)
			checkFailure(t, got, exitFailure, []string{id, step.says}, []string{"job", step.verb})
			if strings.Contains(got.stderr, "conflict") {
				t.Errorf("job %s says %q", step.verb, got.stderr)
			}
			continue
		}
		got := objects[web.Job](t, f.succeed(t, "job", step.verb, id, "--json"))
		if len(got) != 1 || got[0].ID != id || got[0].State != step.want {
			t.Errorf("job %s: %+v, want it %s", step.verb, got, step.want)
		}
		if now := objects[web.Job](t, f.succeed(t, "job", "show", id, "--json")); now[0].State != step.want {
			t.Errorf("after job %s it is %s, want %s", step.verb, now[0].State, step.want)
		}
	}
	if text := f.succeed(t, "job", "cancel", id); text != id+": canceled\n" {
		t.Errorf("job cancel prints %q", text)
	}
	if text := f.succeed(t, "job", "retry", id); !strings.Contains(text, "queued") || !strings.Contains(text, "polylens serve") {
		t.Errorf("job retry prints %q, want it to say that nothing runs", text)
	}
	f.succeed(t, "job", "cancel", id)
	if ended := objects[web.Job](t, f.succeed(t, "job", "show", id, "--json")); ended[0].Finished == nil {
		t.Errorf("a canceled job has no end: %+v", ended)
	}
	f.fail(t, exitFailure, []string{id, "canceled"}, "job", "show", id, "--json", "--follow")
}
