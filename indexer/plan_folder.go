package indexer

import (
	"context"
	"errors"

	"polylens/indexer/catalog"
	"polylens/indexer/source"
	"polylens/internal/ordinary"
)

// folder looks at what a run over a folder would find.
func (p *planner) folder(ctx context.Context, params JobParams) error {
	directory, err := source.NewDirectoryWith(params.Directory, params.Rules)
	if err != nil {
		return err
	}
	walk := &folderPlan{planner: p, directory: directory, params: params, seen: make(map[[16]byte]struct{})}
	err = directory.Walk(ctx, source.Visitor{
		Item: func(item source.Item) error {
			if walk.items = append(walk.items, item); len(walk.items) < scanChunk {
				return nil
			}
			return walk.flush(ctx)
		},
		Other: func(source.Other) error { return nil },
	})
	if err == nil {
		err = walk.flush(ctx)
	}
	if err == nil && p.exists {
		err = walk.countGone(ctx)
	}
	return err
}

// folderPlan is a walk over a folder that changes nothing.
type folderPlan struct {
	*planner
	directory *source.Directory
	params    JobParams
	items     []source.Item
	seen      map[[16]byte]struct{} // IDs of images of the folder that are there
}

// flush looks at the pictures that were met.
func (f *folderPlan) flush(ctx context.Context) error {
	ids, uris := make([]string, len(f.items)), make([]string, len(f.items))
	for i, item := range f.items {
		ids[i], uris[i] = catalog.ImageID(f.collection, item.URI), item.URI
	}
	states, failures := map[string]catalog.State{}, map[string]catalog.Failure{}
	var err error
	if f.exists {
		states, err = f.store.States(ctx, f.fingerprint, ids)
		if err == nil {
			failures, err = f.store.FailuresOf(ctx, f.collection, uris)
		}
	}
	for i, item := range f.items {
		if err != nil {
			return err
		}
		state, exists := states[ids[i]]
		if exists {
			f.seen[idBytes(ids[i])] = struct{}{}
		}
		f.plan.Total++
		f.tell(ctx)
		failure := failures[item.URI]
		if failure.Kind == catalog.FailurePicture && isFailing(f.params, item, failure) {
			f.fail(item.URI, errors.New(failure.Reason))
			continue
		}
		err = f.item(ctx, item, state, exists)
	}
	f.items = f.items[:0]
	return err
}

// item looks at one picture: into its file only if that is not as it was.
func (f *folderPlan) item(ctx context.Context, item source.Item, state catalog.State, exists bool) error {
	if exists && state.Encoded && !f.params.Rehash && isAsRead(item, state.Size, state.Modified, state.Changed) {
		return f.unread(item, state)
	}
	content, err := f.decoder.Read(ctx, item.Path, func(ctx context.Context) (*ordinary.File, error) { return f.directory.Open(ctx, item.URI) })
	if err != nil && ctx.Err() == nil {
		f.fail(item.URI, errors.New(reason(err)))
		return nil
	}
	if err != nil {
		return err
	}
	content.Name = item.URI
	image := catalog.Image{Source: f.directory.Name(), URI: item.URI, Size: item.Size, Modified: item.Modified, Changed: item.Changed}
	return f.picture(ctx, job{item: item, state: state}, image, content, exists)
}

// unread counts a picture whose file is as it was: what is said about it may have changed.
func (f *folderPlan) unread(item source.Item, state catalog.State) error {
	inside, known := recall(state.Embedded, f.metadata)
	about := putTogether(inside, item, f.metadata)
	digest, err := catalog.Digest(state.SHA256, about.metadata, about.captions)
	if err != nil {
		return err
	}
	if known && inside.text() == state.Embedded && digest == state.Digest && state.Source == f.directory.Name() {
		f.plan.Unchanged++
		return nil
	}
	f.plan.Changed++
	f.plan.Known++
	return nil
}

// countGone counts the images of the folder whose pictures were not met.
func (f *folderPlan) countGone(ctx context.Context) error {
	return f.store.SourceImages(ctx, f.collection, f.directory.Name(), func(id, _ string) error {
		if _, here := f.seen[idBytes(id)]; !here {
			f.plan.Removed++
		}
		return nil
	})
}
