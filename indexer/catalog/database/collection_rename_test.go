package database

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"polylens/indexer/catalog"
	"polylens/indexer/jobs"
)

// addJobs adds a job of each ID to a collection.
func addJobs(t *testing.T, s *Store, collection string, ids ...string) {
	t.Helper()
	var added []catalog.Job
	for _, id := range ids {
		added = append(added, catalog.Job{ID: id, Kind: "index", Collection: collection, State: catalog.JobQueued,
			Exclusive: jobs.PerCollection(collection), Params: []byte(`{}`), Progress: []byte(`{}`)})
	}
	if _, err := s.Jobs(nil).Insert(t.Context(), added); err != nil {
		t.Fatal(err)
	}
}

// setJob moves a job to a state.
func setJob(t *testing.T, s *Store, id string, states ...catalog.JobState) {
	t.Helper()
	for _, state := range states {
		_, err := s.Jobs(nil).Change(t.Context(), id, func(job *catalog.Job, now time.Time) error {
			err := job.Move(state, now)
			if state == catalog.JobRunning {
				job.Expires = now.Add(time.Minute)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func mustCreate(t *testing.T, s *Store, name string) catalog.Collection {
	t.Helper()
	collection, err := s.CreateCollection(t.Context(), name, 0)
	if err != nil {
		t.Fatal(err)
	}
	return collection
}

// TestRenameCollection: everything is found under the new name, as it was.
func TestRenameCollection(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		mustCreate(t, s, "old")
		saved := record("file:///p/a", "c1")
		if err := errors.Join(
			s.SaveImages(ctx, "old", model, []catalog.Record{saved}),
			s.SaveFailures(ctx, "old", []catalog.Failure{{URI: "file:///p/b", Source: "s", Kind: catalog.FailurePicture}}),
			s.SetFingerprint(ctx, "old", model, 0)); err != nil {
			t.Fatal(err)
		}
		before, err := s.Collection(ctx, "old")
		if err != nil || before.Images != 1 || before.Failures != 1 {
			t.Fatalf("%+v, %v", before, err)
		}
		id := catalog.ImageID("old", saved.Image.URI)

		renamed, err := s.RenameCollection(ctx, "old", "new")
		want := before
		want.Name = "new"
		if err != nil || renamed != want {
			t.Errorf("got %+v, %v; want %+v", renamed, err, want)
		}
		if image, err := s.Image(ctx, "new", id); err != nil || image.Collection != "new" {
			t.Errorf("the image is %+v, %v", image, err)
		}
		if images, _, err := s.ListImages(ctx, "new", "", 9); err != nil || len(images) != 1 || images[0].ID != id {
			t.Errorf("the list is %+v, %v", images, err)
		}
		if vector, err := s.Vector(ctx, renamed.ID, id, model); err != nil || !slices.Equal(vector, Round(saved.Vector)) {
			t.Errorf("the vector is %v, %v", vector, err)
		}
		for name, err := range map[string]error{
			"collection": func() error { _, err := s.Collection(ctx, "old"); return err }(),
			"image":      func() error { _, err := s.Image(ctx, "old", id); return err }(),
		} {
			if !errors.Is(err, catalog.ErrNotFound) {
				t.Errorf("%s of the old name: %v", name, err)
			}
		}
	})
}

// TestOldNameIsFree: a collection that takes the old name is a different one in every
// respect, and each can be deleted without the other.
func TestOldNameIsFree(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		mustCreate(t, s, "c")
		if _, err := s.RenameCollection(ctx, "c", "kept"); err != nil {
			t.Fatal(err)
		}
		again := mustCreate(t, s, "c")
		if again.ID == "c" || catalog.ValidateCollectionName(string(again.ID)) == nil {
			t.Errorf("the ID %q is taken, or can be a name", again.ID)
		}
		if found, err := s.Collection(ctx, "c"); err != nil || found.ID != again.ID {
			t.Errorf("got %+v, %v; want ID %s", found, err, again.ID)
		}
		a := record("file:///p/a", "c1")
		for _, id := range []catalog.CollectionID{"c", again.ID} {
			if err := s.SaveImages(ctx, id, model, []catalog.Record{a}); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{"c", "kept"} {
			if found, err := s.Collection(ctx, name); err != nil || found.Images != 1 {
				t.Errorf("%+v, %v", found, err)
			}
		}
		if _, err := s.CreateCollection(ctx, "c", 0); !errors.Is(err, catalog.ErrConflict) {
			t.Errorf("created twice: %v", err)
		}
		if err := s.DeleteCollection(ctx, again.ID); err != nil {
			t.Fatal(err)
		}
		if kept, err := s.Collection(ctx, "kept"); err != nil || kept.Images != 1 {
			t.Errorf("%+v, %v", kept, err)
		}
		if back, err := s.RenameCollection(ctx, "kept", "c"); err != nil || back.ID != "c" || back.Images != 1 {
			t.Errorf("named back: %+v, %v", back, err)
		}
	})
}

func TestRenameIsRefused(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		mustCreate(t, s, "c")
		mustCreate(t, s, "other")
		mustCreate(t, s, "busy")
		addJobs(t, s, "busy", "j1")
		setJob(t, s, "j1", catalog.JobRunning)
		addJobs(t, s, "ordered", "j2")
		for _, test := range []struct {
			name, to string
			want     error
			word     string
		}{
			{"c", "other", catalog.ErrConflict, "other"},
			{"c", "Bad name", catalog.ErrInvalid, "a-z"},
			{"c", "", catalog.ErrInvalid, "a-z"},
			{"missing", "new", catalog.ErrCollectionNotFound, "missing"},
			{"missing", "missing", catalog.ErrCollectionNotFound, "missing"},
			{"busy", "new", catalog.ErrConflict, "j1"},
			{"c", "ordered", catalog.ErrConflict, "j2"},
		} {
			_, err := s.RenameCollection(t.Context(), test.name, test.to)
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.word) {
				t.Errorf("%s to %s: got %v, want %v with %q", test.name, test.to, err, test.want, test.word)
			}
		}
		if same, err := s.RenameCollection(t.Context(), "c", "c"); err != nil || same.Name != "c" {
			t.Errorf("to the same name: %+v, %v", same, err)
		}
		for _, name := range []string{"c", "other", "busy"} {
			if _, err := s.Collection(t.Context(), name); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestRenameMovesJobs: all of them have the new name, followers hear of those that
// wait, and a claimed one has the collection to itself.
func TestRenameMovesJobs(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		ctx, queue := t.Context(), s.Jobs(nil)
		mustCreate(t, s, "old")
		mustCreate(t, s, "other")
		addJobs(t, s, "new", "j0") // of a collection that is gone
		setJob(t, s, "j0", catalog.JobCanceled)
		addJobs(t, s, "old", "j1", "j2", "j3", "j4", "j5")
		addJobs(t, s, "other", "j6")
		setJob(t, s, "j1", catalog.JobRunning, catalog.JobSucceeded)
		setJob(t, s, "j2", catalog.JobPaused)
		setJob(t, s, "j5", catalog.JobRunning, catalog.JobFailed)
		last, err := queue.Last(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.RenameCollection(ctx, "old", "new"); err != nil {
			t.Fatal(err)
		}
		moved, err := queue.List(ctx, catalog.JobFilter{Collection: "new"})
		if err != nil || len(moved) != 6 {
			t.Fatalf("%+v, %v", moved, err)
		}
		for _, job := range moved {
			if job.Exclusive != jobs.PerCollection("new") {
				t.Errorf("job %s has %s to itself", job.ID, job.Exclusive)
			}
		}
		var heard []string
		for after := last; ; {
			page, err := queue.Changed(ctx, after, 1)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			heard, after = append(heard, page[0].ID), page[0].Sequence
		}
		if now, err := queue.Last(ctx); err != nil || !slices.Equal(heard, []string{"j2", "j3", "j4"}) || now != last+3 {
			t.Errorf("heard of %v, the last change is %d after %d, %v", heard, now, last, err)
		}
		setJob(t, s, "j5", catalog.JobQueued) // tried again by hand
		claimed, err := queue.Claim(ctx, catalog.JobClaim{Room: map[string]int{"index": 9}, Most: 9, Lease: time.Minute})
		if err != nil || len(claimed) != 2 {
			t.Fatalf("%+v, %v", claimed, err)
		}
		var of []string
		for _, job := range claimed {
			of = append(of, job.Collection)
		}
		if slices.Sort(of); !slices.Equal(of, []string{"new", "other"}) {
			t.Errorf("jobs of %v run", of)
		}
		if turns, err := stringColumn(ctx, s.read, `SELECT collection FROM job_turns WHERE turn > 0 ORDER BY collection`); err != nil || !slices.Equal(turns, []string{"new", "other"}) {
			t.Errorf("turns of %v, %v", turns, err)
		}
	})
}

// TestRenameAfterSilence: a job whose worker fell silent is no obstacle, and continues
// under the new name.
func TestRenameAfterSilence(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		mustCreate(t, s, "old")
		addJobs(t, s, "old", "j1")
		setJob(t, s, "j1", catalog.JobRunning)
		if _, err := s.write.Exec(`UPDATE jobs SET expires = 1`); err != nil {
			t.Fatal(err)
		}
		if _, err := s.RenameCollection(t.Context(), "old", "new"); err != nil {
			t.Fatal(err)
		}
		if job, err := s.Jobs(nil).Get(t.Context(), "j1"); err != nil || job.Collection != "new" || job.State != catalog.JobRunning {
			t.Errorf("%+v, %v", job, err)
		}
	})
}

// TestRenameMovesRuns: what they are configured to learn from changes too.
func TestRenameMovesRuns(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		mustCreate(t, s, "old")
		for name, run := range map[string]catalog.Run{
			"moved": {Name: "moved", Collection: "old", Config: []byte(`{"lr":1e-05,"data":{"collection":"old","fields":["x"]}}`)},
			"other": {Name: "other", Collection: "else", Config: []byte(`{"data":{"collection":"old"}}`)},
			"pairs": {Name: "pairs", Collection: "old", Config: []byte(`{"data":{"pairs":["old"]}}`)},
		} {
			if _, err := s.CreateRun(ctx, run); err != nil {
				t.Fatal(name, err)
			}
		}
		if _, err := s.RenameCollection(ctx, "old", "new"); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string][2]string{
			"moved": {"new", `{"data":{"collection":"new","fields":["x"]},"lr":1e-05}`},
			"other": {"else", `{"data":{"collection":"old"}}`},
			"pairs": {"new", `{"data":{"pairs":["old"]}}`},
		} {
			run, err := s.RunNamed(ctx, name)
			if err != nil || run.Collection != want[0] || string(run.Config) != want[1] {
				t.Errorf("%s: %s, %s, %v; want %v", name, run.Collection, run.Config, err, want)
			}
		}
	})
}

// TestCollectionIDsOfOlderSchema: migrating to the new schema and back keeps images,
// and a renamed collection goes back to the name that its images know.
func TestCollectionIDsOfOlderSchema(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		dialect := goose.DialectSQLite3
		if s.isPostgres() {
			dialect = goose.DialectPostgres
		}
		provider, err := goose.NewProvider(dialect, s.write, migrationFiles())
		if err != nil {
			t.Fatal(err)
		}
		mustCreate(t, s, "c")
		mustCreate(t, s, "d")
		addJobs(t, s, "c", "j1")
		addJobs(t, s, "d", "j2")
		for _, id := range []catalog.CollectionID{"c", "d"} {
			if err := s.SaveImages(ctx, id, model, []catalog.Record{record("file:///p/"+string(id), "c1")}); err != nil {
				t.Fatal(err)
			}
		}
		for _, names := range [][2]string{{"c", "x"}, {"d", "c"}} {
			if _, err := s.RenameCollection(ctx, names[0], names[1]); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := provider.DownTo(ctx, 4); err != nil {
			t.Fatal(err)
		}
		if names, err := stringColumn(ctx, s.read, `SELECT collections.name || ' ' || uri FROM collections JOIN images ON images.collection = collections.name ORDER BY 1`); err != nil ||
			!slices.Equal(names, []string{"c file:///p/c", "d file:///p/d"}) {
			t.Errorf("the older schema has %v, %v", names, err)
		}
		if _, err := provider.Up(ctx); err != nil {
			t.Fatal(err)
		}
		for id, name := range map[string]string{"j1": "c", "j2": "d"} {
			job, err := s.Jobs(nil).Get(ctx, id)
			if err != nil || job.Collection != name || job.Exclusive != jobs.PerCollection(name) {
				t.Errorf("%+v, %v; want one of %s", job, err, name)
			}
			found, err := s.Collection(ctx, name)
			if err != nil || found.ID != catalog.CollectionID(name) || found.Images != 1 {
				t.Errorf("%+v, %v", found, err)
			}
		}
	})
}
