package source

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"polylens/internal/ordinary"
	"polylens/internal/patient"
)

// link is a symbolic link to a folder that is to be looked into.
type link struct {
	place *place // that it lies in
	name  string
}

var errSeen = errors.New("it leads to a folder that is looked into already")

// link takes a symbolic link on: one to a file counts as a file.
func (w *walker) link(at *place, name string) error {
	info, err := w.stat(name) // follows links, but out of the folder only where the rules say so
	if errors.Is(err, fs.ErrNotExist) && w.missed(at) {
		return nil
	}
	if err != nil {
		w.unfollowed(name, err)
		return nil
	}
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return w.file(at, name, info)
	case mode.IsDir() && w.rules.FollowLinks:
		w.links = append(w.links, link{at, name})
	case mode.IsDir():
		w.problem(Problem{URI: w.uri(name), Kind: ProblemLink,
			Err: errors.New("it leads to a folder; let links be followed to look into that")})
	default:
		w.problem(Problem{URI: w.uri(name), Kind: ProblemSpecial, Err: fmt.Errorf("it leads to %s, not to a file", ordinary.Kind(mode))})
	}
	return nil
}

// unfollowed tells of a link behind which nothing can be seen in the folder.
func (w *walker) unfollowed(name string, err error) {
	problem := Problem{URI: w.uri(name), Kind: ProblemLink, Err: err}
	if !saysNothing(err) {
		problem.Err = w.leadsTo(name)
	}
	if saysNothing(problem.Err) {
		problem.Kind, problem.Err = ProblemFile, fmt.Errorf("what it leads to cannot be looked at: %w", plain(problem.Err))
		w.problem(problem)
		return
	}
	w.problem(problem)
	if w.rules.FollowLinks {
		w.tellFolder(Entered{URI: problem.URI})
	}
}

// saysNothing reports whether an error leaves open what a link leads to: a disk that
// fails, or does not answer, is not an empty one.
func saysNothing(err error) bool {
	if left := (*patient.Left)(nil); errors.As(err, &left) {
		return true
	}
	var number syscall.Errno
	return errors.As(err, &number) && !errors.Is(err, fs.ErrNotExist) &&
		number != syscall.ENOTDIR && number != syscall.ELOOP && number != syscall.ENAMETOOLONG
}

// leadsTo says where a link leads that cannot be followed within the folder, or is the
// error for which that is not known.
func (w *walker) leadsTo(name string) error {
	info, err := ordinary.StatContext(w.ctx, w.path(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("it leads nowhere")
	case saysNothing(err):
		return err
	case err != nil:
		return fmt.Errorf("it leads nowhere: %w", plain(err))
	case info.IsDir():
		return errors.New("it leads to a folder elsewhere; let links be followed to look into that")
	case info.Mode().IsRegular():
		return errors.New("it leads to a file elsewhere; let links be followed to index that")
	}
	return fmt.Errorf("it leads to %s elsewhere", ordinary.Kind(info.Mode()))
}

// followLinks looks into the folders behind links, one after another, when all others
// are done: so a folder that lies here itself is never taken for another's.
func (w *walker) followLinks() error {
	for len(w.links) > 0 {
		next := w.links[0]
		w.links = w.links[1:]
		if rule := w.excludedBy(next.place, next.name, true); rule != "" {
			w.tellExcluded(next.name, rule)
			continue
		}
		if err := w.subfolder(next.place, next.name, true); err != nil {
			return err
		}
	}
	return nil
}

// isNew notes that a folder is looked into, and reports whether it was not before.
// Without links followed there is but one way to a folder.
func (w *walker) isNew(name string) bool {
	if !w.rules.FollowLinks {
		return true
	}
	info, err := w.stat(name)
	if err != nil {
		return true // and nothing is found there
	}
	id := identity(w.path(name), info)
	if id == nil || w.entered[id] {
		return id == nil
	}
	if w.entered == nil {
		w.entered = make(map[any]bool)
	}
	w.entered[id] = true
	return true
}
