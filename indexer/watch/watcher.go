package watch

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/internal/ordinary"
)

// Sources are the kept sources of all collections; *database.Store has them.
type Sources interface {
	// KeptSources lists those of a collection, or with an empty name all, with their last scans.
	KeptSources(ctx context.Context, collection string) ([]catalog.KeptSource, error)
}

// Orders queues scans; *indexer.Jobs does.
type Orders interface {
	ScanSource(ctx context.Context, source catalog.KeptSource, after string, choice indexer.ScanChoice) (catalog.Job, error)
	// Lead says in short what folders a source is made of now.
	Lead(ctx context.Context, source catalog.KeptSource) (string, error)
}

// Bounds of a watcher.
const (
	lookEvery    = 2 * time.Second
	lookTimeout  = time.Minute // for one look at all sources, with the orders that follow
	mostJitter   = 0.1         // of the interval
	mostFolders  = 200_000     // that are watched in all: each costs about a kilobyte, half of it in the kernel
	mostFollowed = 100         // sources: the kernel grants a user 128 queues of events
	problemPause = time.Minute // after an order that failed
)

// Watcher orders the scans of all kept sources. Run makes it work.
type Watcher struct {
	sources Sources
	orders  Orders
	log     *slog.Logger

	clock  func() time.Time
	jitter func() float64
	follow func(folder string, changed func()) *follower // nil: events are not followed

	mu      sync.Mutex
	running bool
	watched map[string]*watched // by ID
	budget  *budget
}

// watched is a source with what is remembered of it.
type watched struct {
	pace
	folder   os.FileInfo // nil: it cannot be had
	problem  string      // why not
	follower *follower   // nil: its events are not followed
	why      string      // why not
}

// New makes a watcher that does nothing before Run.
func New(sources Sources, orders Orders, log *slog.Logger) *Watcher {
	w := &Watcher{
		sources: sources, orders: orders, log: log, clock: time.Now, watched: make(map[string]*watched), budget: &budget{most: mostFolders},
		jitter: func() float64 { return mostJitter * rand.Float64() },
	}
	w.follow = func(folder string, changed func()) *follower { return newFollower(folder, w.budget, changed) }
	return w
}

// Run orders scans until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	w.setRunning(true)
	defer w.stop()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		if err := w.Look(ctx); err != nil && ctx.Err() == nil {
			w.log.Warn("cannot tell which folders are to be scanned, trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (w *Watcher) setRunning(running bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = running
}

func (w *Watcher) stop() {
	w.setRunning(false)
	w.forgetBut(nil)
}

// Look looks at every source once, and orders the scans that are due.
func (w *Watcher) Look(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, lookTimeout)
	defer stop()
	now := w.clock()
	sources, err := w.sources.KeptSources(ctx, "")
	if err != nil {
		return err
	}
	w.forgetBut(sources)
	for _, source := range sources {
		if err := w.lookAt(ctx, source, now); err != nil && ctx.Err() == nil {
			w.log.Warn("a folder cannot be scanned, trying again", "collection", source.Collection, "folder", source.Directory, "error", err)
		}
	}
	return ctx.Err()
}

// forgetBut forgets the sources that are no more.
func (w *Watcher) forgetBut(sources []catalog.KeptSource) {
	there := make(map[string]bool, len(sources))
	for _, source := range sources {
		there[source.ID] = true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, one := range w.watched {
		if !there[id] {
			one.follower.close()
			delete(w.watched, id)
		}
	}
}

func (w *Watcher) lookAt(ctx context.Context, source catalog.KeptSource, now time.Time) error {
	folder, problem := folderOf(ctx, source.Directory)
	due, look := w.note(source, folder, problem, now)
	if look && !due {
		lead, err := w.orders.Lead(ctx, source)
		if err != nil {
			return err
		}
		due = lead != source.Lead
	}
	if !due {
		return nil
	}
	_, err := w.orders.ScanSource(ctx, source, source.Last.ID, indexer.ScanChoice{})
	if errors.Is(err, catalog.ErrConflict) { // somebody else was faster
		return nil
	}
	if err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.watched[source.ID].notBefore = now.Add(problemPause)
	}
	return err
}

// note remembers how a source is now, and reports whether it is to be scanned, or to be
// looked at since a disk may have come back.
func (w *Watcher) note(source catalog.KeptSource, folder os.FileInfo, problem string, now time.Time) (due, look bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.watched[source.ID]
	if one == nil {
		one = &watched{}
		w.watched[source.ID] = one
	}
	one.see(source.Last, now, w.jitter)
	w.followEvents(one, source, folder, now)
	one.folder, one.problem = folder, problem
	if folder == nil {
		return false, false
	}
	return one.due(source, now), one.mayLook(source, now)
}

// followEvents begins or ends to follow the events of a source. It begins anew in another
// folder of that name, such as one that was mounted; what changed while nobody looked is a
// change, too.
func (w *Watcher) followEvents(one *watched, source catalog.KeptSource, folder os.FileInfo, now time.Time) {
	same := folder != nil && one.folder != nil && os.SameFile(folder, one.folder)
	if folder == nil || !source.Events || !same {
		one.follower.close()
		one.follower = nil
	}
	switch {
	case folder == nil:
		return
	case !source.Events:
		one.why = "not wanted"
	case one.follower != nil && !one.follower.failed():
		return
	case one.follower != nil: // once is enough: until then the clock rules
		one.why = one.follower.trouble()
	case w.follow == nil || w.followed() >= mostFollowed:
		one.why = "too many sources are followed already"
	default:
		one.why = ""
		one.follower = w.follow(source.Directory, func() { w.changed(source.ID) })
	}
	if !same && (one.folder != nil || one.problem != "") {
		one.change(now)
	}
}

func (w *Watcher) followed() int {
	count := 0
	for _, one := range w.watched {
		if one.follower != nil {
			count++
		}
	}
	return count
}

// changed notes that something has changed in a source.
func (w *Watcher) changed(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if one := w.watched[id]; one != nil {
		one.change(w.clock())
	}
}

// folderOf is the folder of a source, or what is wrong with it.
func folderOf(ctx context.Context, path string) (os.FileInfo, string) {
	info, err := ordinary.StatContext(ctx, path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, "is missing"
	case err != nil:
		return nil, "cannot be read: " + reason(err)
	case !info.IsDir():
		return nil, "is no folder"
	}
	return info, ""
}

// reason is an error without the path.
func reason(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
