package indexer

import (
	"context"

	"polylens/indexer/catalog"
	"polylens/indexer/source"
)

// job is a picture whose file or metadata needs work.
type job struct {
	item    source.Item
	content string // SHA-256, when the file is known to be unchanged
	state   catalog.State
}

// scanChunk is how many pictures are compared with the catalogue at once.
const scanChunk = 256

// scan walks the source, passes on what is not as the catalogue knows it, and notes all
// else.
func (r *run) scan(ctx context.Context, jobs chan<- job) error {
	defer close(jobs)
	var items []source.Item
	var notes []catalog.Failure
	flush := func() error {
		r.progress.update(func(p *Progress) { p.Files.Seen += len(items) })
		err := r.compare(ctx, items, jobs)
		if err == nil && len(notes) > 0 {
			err = r.store.SaveFailures(ctx, r.collection, notes)
		}
		items, notes = items[:0], notes[:0]
		return err
	}
	flushLong := func() error {
		if len(items)+len(notes) < scanChunk {
			return nil
		}
		return flush()
	}
	pictures := 0
	err := r.source.Walk(ctx, source.Visitor{
		Item: func(item source.Item) error {
			pictures++
			r.met.hold(item.URI)
			items = append(items, item)
			return flushLong()
		},
		Other: func(other source.Other) error {
			if failure := r.noteOther(other); !other.Known {
				notes = append(notes, failure)
			}
			return flushLong()
		},
		Excluded: func(left source.Excluded) {
			r.met.leaveOut(left.URI)
			r.progress.update(func(p *Progress) { p.Files.exclude(left.Rule) })
		},
		Metadata: func() { r.progress.update(func(p *Progress) { p.Files.Seen++; p.Files.Metadata++ }) },
		Folder:   r.met.folder,
		Problem:  func(problem source.Problem) { notes = append(notes, r.noteProblem(problem)) },
		Known:    r.known,
	})
	if err == nil {
		err = flush()
	}
	if err == nil {
		r.progress.walked(pictures)
	}
	return err
}

func (r *run) compare(ctx context.Context, items []source.Item, jobs chan<- job) error {
	ids, uris := r.keys(items)
	states, err := r.states(ctx, ids)
	if err != nil {
		return err
	}
	failures, err := r.store.FailuresOf(ctx, r.collection, uris)
	if err != nil {
		return err
	}
	for i, item := range items {
		failure := failures[item.URI]
		if failure.Kind == catalog.FailurePicture && r.failsAgain(item, failure) {
			r.met.failure(item.URI)
			r.met.spoil(ids[i]) // what it was before is gone
			r.progress.fail(failure)
			continue
		}
		r.met.picture(ids[i])
		if r.isReplaced(item, states[ids[i]]) {
			r.met.replace(ids[i])
			continue
		}
		done, err := r.compareOne(ctx, item, states[ids[i]], jobs)
		if err != nil {
			return err
		}
		if done && failure.Kind == catalog.FailureIncomplete {
			r.met.failure(item.URI)
			r.progress.warn(failure)
		}
	}
	return r.noteChanged(ctx, items, ids, states)
}

// isReplaced reports whether there is another file than before behind a barred gate.
func (r *run) isReplaced(item source.Item, state catalog.State) bool {
	return state.SHA256 != "" && state.Source == r.source.Name() && nearest(r.barred, item.URI) != "" &&
		!isAsRead(item, state.Size, state.Modified, state.Changed)
}

// states are what the catalogue knows of images. What is pending now may not be
// so after the repair, which sends it.
func (r *run) states(ctx context.Context, ids []string) (map[string]catalog.State, error) {
	states, err := r.store.States(ctx, r.fingerprint, ids)
	if err != nil || !anyPending(states) {
		return states, err
	}
	if err := r.awaitRepair(ctx); err != nil {
		return nil, err
	}
	return r.store.States(ctx, r.fingerprint, ids)
}

func anyPending(states map[string]catalog.State) bool {
	for _, state := range states {
		if state.Encoded && !state.Indexed {
			return true
		}
	}
	return false
}

// compareOne passes on what the catalogue does not know as it is, and reports whether
// nothing is left to do. The zero state stands for a picture that is not known.
func (r *run) compareOne(ctx context.Context, item source.Item, state catalog.State, jobs chan<- job) (bool, error) {
	next := job{item: item, state: state}
	if state.Encoded && !r.rehash && isAsRead(item, state.Size, state.Modified, state.Changed) {
		if item.Unread && state.Indexed && state.Source == r.source.Name() { // what was read of it stays
			r.progress.update(func(p *Progress) { p.Skipped++; p.Done++ })
			return true, nil
		}
		next.content = state.SHA256
		inside, known := recall(state.Embedded, r.metadata)
		d := putTogether(inside, item, r.metadata)
		digest, err := catalog.Digest(state.SHA256, d.metadata, d.captions)
		if err != nil {
			return false, err
		}
		if known && inside.text() == state.Embedded && digest == state.Digest && state.Indexed && state.Source == r.source.Name() {
			r.progress.update(func(p *Progress) { p.Skipped++; p.Done++ })
			return true, nil
		}
	}
	return false, send(ctx, jobs, next)
}
