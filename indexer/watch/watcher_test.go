package watch

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"polylens/indexer"
	"polylens/indexer/catalog"
)

// world has one source, and a clock that stands still unless it is moved.
type world struct {
	mu     sync.Mutex
	source catalog.KeptSource
	orders int
	lead   string
	fail   error
	now    time.Time
	gone   bool
}

func (w *world) KeptSources(context.Context, string) ([]catalog.KeptSource, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone {
		return nil, nil
	}
	return []catalog.KeptSource{w.source}, nil
}

func (w *world) ScanSource(_ context.Context, _ catalog.KeptSource, after string, _ indexer.ScanChoice) (catalog.Job, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		return catalog.Job{}, w.fail
	}
	if after != w.source.Last.ID {
		return catalog.Job{}, catalog.Conflict("it has another")
	}
	w.orders++
	w.source.Last = catalog.Job{ID: fmt.Sprint("job", w.orders), State: catalog.JobQueued}
	w.source.Lead = w.lead
	return w.source.Last, nil
}

func (w *world) Lead(context.Context, catalog.KeptSource) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lead, nil
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// pass lets time go by.
func (w *world) pass(time time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(time)
}

// end ends the scan that waits.
func (w *world) end(state catalog.JobState, progress string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.source.Last.State, w.source.Last.Started, w.source.Last.Finished = state, w.now, w.now.Add(time.Millisecond)
	w.source.Last.Progress, w.source.Last.Error = []byte(progress), "nothing was removed: 20 pictures"
	w.now = w.now.Add(time.Millisecond)
}

func newWorld(t *testing.T) (*world, *Watcher) {
	t.Helper()
	w := &world{now: begin, source: catalog.KeptSource{ID: "1", Collection: "c", Directory: t.TempDir(), Every: time.Hour, Events: true}}
	watcher := New(w, w, slog.New(slog.NewTextHandler(t.Output(), nil)))
	watcher.clock, watcher.jitter = w.clock, func() float64 { return 0 }
	watcher.setRunning(true)
	t.Cleanup(watcher.stop)
	return w, watcher
}

// look looks once, and wants so many orders since the beginning, and a state.
func (w *world) look(t *testing.T, watcher *Watcher, orders int, state State) Condition {
	t.Helper()
	if err := watcher.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	source, ordered := w.source, w.orders
	w.mu.Unlock()
	condition := watcher.Condition(t.Context(), source)
	if ordered != orders || condition.State != state {
		t.Errorf("%d orders, %+v; want %d, %s", ordered, condition, orders, state)
	}
	return condition
}

// settle waits until all folders are watched, and scans what was noted of that.
func (w *world) settle(t *testing.T, watcher *Watcher, orders int) {
	t.Helper()
	if err := watcher.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitChange(t, watcher)
	w.pass(time.Minute)
	w.look(t, watcher, orders, Scanning)
	w.pass(time.Second)
	w.look(t, watcher, orders, Scanning)
	w.end(catalog.JobSucceeded, `{}`)
	w.look(t, watcher, orders, InStep)
}

// awaitChange waits for the kernel to tell of a change: for as long as it takes.
func awaitChange(t *testing.T, watcher *Watcher) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		watcher.mu.Lock()
		changed := watcher.watched["1"] != nil && !watcher.watched["1"].first.IsZero()
		watcher.mu.Unlock()
		if changed {
			return
		}
		if time.Now().After(end) {
			t.Fatal("no change was heard of")
		}
	}
}

// TestEvents: whatever happens in the folder, also in a new one below it, is followed by a
// scan, and by one alone.
func TestEvents(t *testing.T) {
	w, watcher := newWorld(t)
	w.settle(t, watcher, 1)
	folder, orders := w.source.Directory, 1
	for _, happening := range []struct {
		what string
		do   func() error
	}{
		{"a file comes", func() error { return os.WriteFile(filepath.Join(folder, "a"), []byte("1"), 0o600) }},
		{"it changes", func() error { return os.WriteFile(filepath.Join(folder, "a"), []byte("22"), 0o600) }},
		{"a folder comes", func() error { return os.MkdirAll(filepath.Join(folder, "new", "deep"), 0o700) }},
		{"a file comes into it", func() error { return os.WriteFile(filepath.Join(folder, "new", "deep", "b"), nil, 0o600) }},
		{"a folder gets another name", func() error { return os.Rename(filepath.Join(folder, "new"), filepath.Join(folder, "old")) }},
		{"a file comes into that", func() error { return os.WriteFile(filepath.Join(folder, "old", "deep", "c"), nil, 0o600) }},
		{"a file goes", func() error { return os.Remove(filepath.Join(folder, "a")) }},
		{"a folder goes", func() error { return os.RemoveAll(filepath.Join(folder, "old")) }},
	} {
		w.pass(10 * time.Minute)
		w.look(t, watcher, orders, InStep)
		if err := happening.do(); err != nil {
			t.Fatal(err)
		}
		awaitChange(t, watcher)
		if happening.what == "a folder comes" || happening.what == "a folder gets another name" {
			awaitWatched(t, watcher, folder)
		}
		w.look(t, watcher, orders, Changed)
		w.pass(time.Minute)
		orders++
		w.look(t, watcher, orders, Scanning)
		w.pass(2 * time.Minute)
		w.look(t, watcher, orders, Scanning) // what was heard late is seen by this scan, too
		w.end(catalog.JobSucceeded, `{}`)
		w.look(t, watcher, orders, InStep)
		if t.Failed() {
			t.Fatalf("after: %s", happening.what)
		}
	}
}

// awaitWatched waits until the folders below one are watched, as many as there are.
func awaitWatched(t *testing.T, watcher *Watcher, folder string) {
	t.Helper()
	want := int64(0)
	if err := filepath.WalkDir(folder, func(_ string, entry os.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			want++
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); watcher.budget.used.Load() < want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d folders are watched, want %d", watcher.budget.used.Load(), want)
		}
	}
}

// TestVanishedFolder: nothing is ordered while the folder is missing, and soon when it is
// back.
func TestVanishedFolder(t *testing.T) {
	w, watcher := newWorld(t)
	w.settle(t, watcher, 1)
	folder := w.source.Directory
	if err := os.Rename(folder, folder+"-away"); err != nil {
		t.Fatal(err)
	}
	w.pass(100 * time.Hour)
	if got := w.look(t, watcher, 1, Waiting); !strings.Contains(got.Detail, folder+", which is missing") {
		t.Errorf("it says %+v", got)
	}
	if err := os.Rename(folder+"-away", folder); err != nil {
		t.Fatal(err)
	}
	w.look(t, watcher, 2, Scanning)
}

// TestWithheldScan is not ordered again before the folders are others than they were.
func TestWithheldScan(t *testing.T) {
	w, watcher := newWorld(t)
	w.source.Events, w.lead = false, "a disk"
	w.look(t, watcher, 1, Scanning)
	w.mu.Lock()
	w.lead, w.source.Lead = "no disk", "no disk"
	w.mu.Unlock()
	w.end(catalog.JobFailed, `{"withheld":20}`)
	for range 20 {
		w.pass(time.Hour)
		if got := w.look(t, watcher, 1, Withheld); !strings.Contains(got.Detail, "--confirm-removal") {
			t.Errorf("it says %+v", got)
		}
	}
	w.mu.Lock()
	w.lead = "a disk"
	w.mu.Unlock()
	w.pass(time.Minute)
	w.look(t, watcher, 2, Scanning)
}

// TestOrderThatFails is not repeated at every look.
func TestOrderThatFails(t *testing.T) {
	w, watcher := newWorld(t)
	w.source.Events = false
	w.fail = catalog.ErrUnavailable
	w.look(t, watcher, 0, Changed)
	w.fail = nil
	w.pass(30 * time.Second)
	w.look(t, watcher, 0, Changed)
	w.pass(30 * time.Second)
	w.look(t, watcher, 1, Scanning)
}

// TestSourceThatGoes is forgotten, and its folders are watched no longer.
func TestSourceThatGoes(t *testing.T) {
	w, watcher := newWorld(t)
	w.settle(t, watcher, 1)
	w.gone = true
	if err := watcher.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); watcher.budget.used.Load() != 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d folders are still watched", watcher.budget.used.Load())
		}
	}
}

// TestTooManyFolders: those beyond the budget are not watched, and the source says so.
func TestTooManyFolders(t *testing.T) {
	w, watcher := newWorld(t)
	watcher.budget.most = 3
	for i := range 5 {
		if err := os.Mkdir(filepath.Join(w.source.Directory, fmt.Sprint(i)), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := watcher.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitChange(t, watcher)
	if got := watcher.Condition(t.Context(), w.source).Events; !strings.Contains(got, "too many") {
		t.Errorf("it says %q", got)
	}
}

// TestConditionWithoutServer: the command line tells what it knows.
func TestConditionWithoutServer(t *testing.T) {
	w, _ := newWorld(t)
	watcher := New(w, w, slog.New(slog.DiscardHandler))
	w.source.Last = scan("a", catalog.JobSucceeded, 0, 1)
	if got := watcher.Condition(t.Context(), w.source); got.State != InStep || !strings.Contains(got.Events, "polylens serve") {
		t.Errorf("it says %+v", got)
	}
	w.source.Directory += "/nothing"
	if got := watcher.Condition(t.Context(), w.source); got.State != Waiting {
		t.Errorf("it says %+v", got)
	}
}
