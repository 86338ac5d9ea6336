package watch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/fsnotify/fsnotify"

	"polylens/indexer/source"
	"polylens/internal/ordinary"
)

// budget bounds how many folders are watched.
type budget struct {
	most int64
	used atomic.Int64
}

func (b *budget) take() bool {
	if b.used.Add(1) <= b.most {
		return true
	}
	b.used.Add(-1)
	return false
}

// follower hears of changes in a folder and below it, but not behind links.
type follower struct {
	folder  string
	budget  *budget
	changed func()
	stop    context.CancelFunc

	mu      sync.Mutex
	problem string // why it does not hear of all of them
	over    bool   // it hears of none any more
}

// newFollower begins to listen. changed is called, from another goroutine, whenever
// something has changed, and once all folders are watched.
func newFollower(folder string, budget *budget, changed func()) *follower {
	ctx, stop := context.WithCancel(context.Background())
	f := &follower{folder: folder, budget: budget, changed: changed, stop: stop, problem: "its folders are being listed"}
	go f.run(ctx)
	return f
}

// close ends it soon; it does not wait for a file system that does not answer. A nil
// follower is closed.
func (f *follower) close() {
	if f != nil {
		f.stop()
	}
}

// trouble says why not all events are heard of; empty if they are.
func (f *follower) trouble() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.problem
}

func (f *follower) failed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.over
}

func (f *follower) tell(problem string, over bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.problem, f.over = problem, over
}

func (f *follower) run(ctx context.Context) {
	if name := networkOf(f.folder); name != "" {
		f.tell("the folder lies on a network file system ("+name+"), which does not tell what others change", true)
		return
	}
	watcher, err := fsnotify.NewBufferedWatcher(eventRoom)
	if err != nil {
		f.tell(limitWords(err), true)
		return
	}
	listening := &listening{follower: f, watcher: watcher}
	defer listening.close()
	listening.refresh(ctx)
	listening.hear(ctx)
}

// eventRoom is how many events wait in this process.
const eventRoom = 256

// listening is a follower at work. Only its goroutine touches it.
type listening struct {
	*follower
	watcher *fsnotify.Watcher
	taken   int64 // of the budget
}

func (l *listening) close() {
	l.budget.used.Add(-l.taken)
	_ = l.watcher.Close()
}

// refresh watches all folders.
func (l *listening) refresh(ctx context.Context) {
	l.tell(l.add(ctx, l.folder), false)
	l.changed()
}

func (l *listening) hear(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case event, open := <-l.watcher.Events:
			if !open {
				return
			}
			l.take(ctx, event)
		case err, open := <-l.watcher.Errors:
			if !open {
				return
			}
			if errors.Is(err, fsnotify.ErrEventOverflow) { // new folders may be among what was lost
				l.refresh(ctx)
			}
		}
	}
}

// take takes notice of an event. What only touches permissions and times is none.
func (l *listening) take(ctx context.Context, event fsnotify.Event) {
	if event.Op == fsnotify.Chmod {
		return
	}
	if event.Has(fsnotify.Create) {
		if info, err := ordinary.Lstat(event.Name); err == nil && info.IsDir() {
			if problem := l.add(ctx, event.Name); problem != "" {
				l.tell(problem, false)
			}
		}
	}
	l.changed()
}

// add watches a folder and all below it, and says why not all of them are. A folder is
// watched before it is listed, so that none that comes meanwhile is missed.
func (l *listening) add(ctx context.Context, folder string) (problem string) {
	pending := []string{folder}
	for len(pending) > 0 && ctx.Err() == nil {
		folder, pending = pending[len(pending)-1], pending[:len(pending)-1]
		if !l.budget.take() {
			return fmt.Sprintf("the first %d folders alone are watched: there are too many", l.budget.most)
		}
		l.taken++
		if err := l.watcher.Add(folder); err != nil {
			if words := limitWords(err); words != "" {
				return words
			}
			continue // it is gone again, or nobody may read it
		}
		entries, err := ordinary.ReadDir(folder)
		if err != nil {
			continue
		}
		for _, entry := range entries {
			if entry.IsDir() && !isLeftOut(entry.Name()) {
				pending = append(pending, filepath.Join(folder, entry.Name()))
			}
		}
	}
	l.correct()
	return ""
}

// correct makes the budget agree with what is watched: folders go without a word.
func (l *listening) correct() {
	watched := int64(len(l.watcher.WatchList()))
	l.budget.used.Add(watched - l.taken)
	l.taken = watched
}

// isLeftOut reports whether photo systems write into folders of that name all the time.
func isLeftOut(name string) bool {
	for _, pattern := range source.DefaultExcludes() {
		if strings.TrimSuffix(pattern, "/") == name {
			return true
		}
	}
	return false
}

// limitWords says which limit of the system is why a folder cannot be watched; empty for
// other reasons.
func limitWords(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "the system grants no more watches, so not all folders are watched: raise fs.inotify.max_user_watches (sysctl)"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "the system grants no more queues of events: raise fs.inotify.max_user_instances (sysctl), or the limit of open files"
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission):
		return ""
	}
	return "events cannot be followed: " + err.Error()
}
