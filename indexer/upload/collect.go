package upload

import (
	"context"
	"strings"
	"time"

	"polylens/indexer/blob"
)

// Use notes that a push uses an upload, which is kept until that is over.
func (s *Store) Use(ctx context.Context, id, push string) error {
	if !isID.MatchString(id) {
		return unknown(id)
	}
	return s.blobs.Put(ctx, uses+id+"/"+push, nil)
}

// State is how far a push is that uses an upload.
type State int

// States of a push.
const (
	Idle State = iota // it does nothing now, and may be done again
	Open              // it is still to be done
	Done              // it is done to its end
)

// used calls yield for each push that uses an upload, with the time from which on it does.
func (s *Store) used(ctx context.Context, id string, yield func(push string, since time.Time)) error {
	return s.blobs.Walk(ctx, uses+id+"/", func(file blob.File) error {
		yield(strings.TrimPrefix(file.Name, uses+id+"/"), file.Modified)
		return nil
	})
}

// isUsed reports whether any push has used an upload.
func (s *Store) isUsed(ctx context.Context, id string) (is bool, err error) {
	err = s.used(ctx, id, func(string, time.Time) { is = true })
	return is, err
}

// Spend removes an upload that a push has taken all from.
func (s *Store) Spend(ctx context.Context, id string) error { return s.remove(ctx, id) }

// Collect removes the uploads that a push has used to its end, and those whose time is over
// at the time now, but for what open pushes use.
func (s *Store) Collect(ctx context.Context, now time.Time, stateOf func(push string, since time.Time) State) (removed int, err error) {
	err = s.blobs.Walk(ctx, abouts, func(file blob.File) error {
		id := strings.TrimPrefix(file.Name, abouts)
		if !isID.MatchString(id) {
			return s.collectStray(ctx, file, now)
		}
		u, err := s.find(ctx, id)
		if err != nil {
			return ignoreMissing(err)
		}
		states := make(map[State]bool)
		if err := s.used(ctx, id, func(push string, since time.Time) { states[stateOf(push, since)] = true }); err != nil {
			return err
		}
		if states[Open] || !states[Done] && now.Before(u.Expires()) {
			return nil
		}
		removed++
		return s.remove(ctx, id)
	})
	if err != nil {
		return removed, err
	}
	return removed, s.collectStrays(ctx, now)
}

// collectStrays removes the parts of uploads that do not exist: a process may have died
// while it removed one.
func (s *Store) collectStrays(ctx context.Context, now time.Time) error {
	s.mu.Lock()
	all, err := s.all(ctx)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	here := make(map[string]bool, len(all))
	for _, about := range all {
		here[about.ID] = true
	}
	for _, prefix := range []string{parts, uses} {
		err := s.blobs.Walk(ctx, prefix, func(file blob.File) error {
			if id, _, _ := strings.Cut(strings.TrimPrefix(file.Name, prefix), "/"); here[id] {
				return nil
			}
			return s.collectStray(ctx, file, now)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// collectStray removes a file that belongs to no upload, once that cannot be coming.
func (s *Store) collectStray(ctx context.Context, file blob.File, now time.Time) error {
	if now.Sub(file.Modified) < Patience {
		return nil
	}
	return s.blobs.Delete(ctx, file.Name)
}
