package database

import (
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database/databasetest"
	"polylens/indexer/jobs"
	"polylens/indexer/jobs/jobstest"
)

func TestJobs(t *testing.T) {
	for name, empty := range map[string]func(testing.TB) string{"sqlite": databasetest.SQLite, "postgres": databasetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			jobstest.TestStore(t, func(t *testing.T, clock func() time.Time) jobs.Store {
				return mustOpen(t, empty(t)).Jobs(clock)
			})
		})
	}
}

// TestTasksOfOlderSchema: tasks that had not ended go on as jobs.
func TestTasksOfOlderSchema(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		dialect := goose.DialectSQLite3
		if s.isPostgres() {
			dialect = goose.DialectPostgres
		}
		provider, err := goose.NewProvider(dialect, s.write, migrationFiles())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := provider.DownTo(t.Context(), 3); err != nil {
			t.Fatal(err)
		}
		for id, state := range map[string]string{"1": "succeeded", "2": "processing", "3": "enqueued", "4": "canceled"} {
			_, err := s.write.Exec(`
				INSERT INTO tasks (id, kind, collection, state, params, progress, error, created, started, finished)
				VALUES ($1, 'index', 'demo', $2, '{"directory":"/x"}', '{}', '', 5, 0, 0)`, id, state)
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, err := provider.Up(t.Context()); err != nil {
			t.Fatal(err)
		}
		store := s.Jobs(nil)
		found, err := store.Changed(t.Context(), 0, 9)
		if err != nil || len(found) != 2 || found[0].ID != "2" || found[1].ID != "3" {
			t.Fatalf("got %+v and %v, want tasks 2 and 3", found, err)
		}
		if last, err := store.Last(t.Context()); err != nil || last != 2 {
			t.Errorf("the last change is %d with %v, want 2", last, err)
		}
		claim := catalog.JobClaim{Room: map[string]int{"index": 9}, Most: 9, Lease: time.Minute}
		claimed, err := store.Claim(t.Context(), claim)
		if err != nil || len(claimed) != 1 || claimed[0].ID != "2" || claimed[0].Exclusive != jobs.PerCollection("demo") {
			t.Errorf("claimed %+v with %v, want task 2 alone, for its collection", claimed, err)
		}
	})
}

// TestHangingTransaction: a process that hangs while it holds the lock of all
// jobs does not keep others waiting until their leases end.
func TestHangingTransaction(t *testing.T) {
	s := mustOpen(t, databasetest.Postgres(t)) // a file's lock ends with its process, which cannot be far away
	tx, err := s.write.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec(`UPDATE job_sequence SET value = value + 1`); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	job := catalog.Job{ID: "1", Kind: "a", State: catalog.JobQueued, Params: []byte(`{}`), Progress: []byte(`{}`)}
	if _, err := s.Jobs(nil).Insert(t.Context(), []catalog.Job{job}); err != nil {
		t.Fatal(err)
	}
	if waited := time.Since(began); waited < 3*time.Second || waited > 9*time.Second {
		t.Errorf("waited %v, want the 5 s of the limit", waited)
	}
	if err := tx.Commit(); err == nil {
		t.Error("the hanging transaction was committed")
	}
}
