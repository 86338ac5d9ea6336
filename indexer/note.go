package indexer

import (
	"context"
	"encoding/json"
	"fmt"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/indexer/decode"
	"polylens/indexer/source"
)

// known says for a walk what is known of files whose names do not tell what they are.
func (r *run) known(ctx context.Context, items []source.Item) ([]string, error) {
	if r.rehash {
		return make([]string, len(items)), nil
	}
	ids, uris := r.keys(items)
	failures, err := r.store.FailuresOf(ctx, r.collection, uris)
	if err != nil {
		return nil, err
	}
	kinds := make([]string, len(items))
	var open []string // IDs of those that may be indexed
	for i, item := range items {
		switch failure, noted := failures[item.URI]; {
		case noted && failure.Kind == catalog.FailurePicture && r.failsAgain(item, failure):
			kinds[i] = source.KindPicture
		case noted && failure.Kind == catalog.FailureOther && r.failsAgain(item, failure):
			kinds[i] = failure.Reason
		default:
			open = append(open, ids[i])
		}
	}
	states, err := r.store.States(ctx, r.fingerprint, open)
	if err != nil {
		return nil, err
	}
	for i, item := range items {
		if state, indexed := states[ids[i]]; indexed && isAsRead(item, state.Size, state.Modified, state.Changed) {
			kinds[i] = source.KindPicture
		}
	}
	return kinds, nil
}

// keys are the IDs that items have as images, and their URIs.
func (r *run) keys(items []source.Item) (ids, uris []string) {
	ids, uris = make([]string, len(items)), make([]string, len(items))
	for i, item := range items {
		ids[i], uris[i] = catalog.ImageID(r.collection, item.URI), item.URI
	}
	return ids, uris
}

// noteOther counts a file that is no picture and returns what to note of it.
func (r *run) noteOther(other source.Other) catalog.Failure {
	r.met.failure(other.URI)
	r.met.leaveOut(other.URI)
	r.progress.update(func(p *Progress) { p.Files.other(other.Kind) })
	return catalog.Failure{
		URI: other.URI, Source: r.source.Name(), Kind: catalog.FailureOther, Reason: other.Kind,
		Size: other.Size, Modified: other.Modified, Changed: other.Changed, Decoder: decode.Version,
	}
}

var failureKinds = map[source.ProblemKind]catalog.FailureKind{
	source.ProblemFile:    catalog.FailureFile,
	source.ProblemSidecar: catalog.FailureSidecar,
	source.ProblemFolder:  catalog.FailureFolder,
	source.ProblemLink:    catalog.FailureLink,
	source.ProblemSpecial: catalog.FailureSpecial,
	source.ProblemName:    catalog.FailureName,
}

// noteProblem counts what a walk could not use and returns what to note of it. A picture
// of which the file system tells nothing now is not gone, nor is what lies behind a link
// of which it tells nothing.
func (r *run) noteProblem(problem source.Problem) catalog.Failure {
	failure := catalog.Failure{
		URI: problem.URI, Source: r.source.Name(), Kind: failureKinds[problem.Kind], Reason: reason(problem.Err), Size: -1,
	}
	switch problem.Kind {
	case source.ProblemFolder:
		r.met.unseen(problem.URI)
	case source.ProblemFile:
		if mayReturn(problem.Err) {
			r.met.picture(catalog.ImageID(r.collection, problem.URI))
			r.met.unseen(problem.URI) // as it may be a link to a folder
		}
	case source.ProblemSpecial, source.ProblemName:
		r.met.leaveOut(problem.URI)
	}
	r.met.failure(problem.URI)
	r.progress.warn(failure)
	return failure
}

// noteIncomplete counts pictures that are indexed with a warning.
func (r *run) noteIncomplete(records []catalog.Record) {
	for _, record := range records {
		if record.Warning == "" {
			continue
		}
		image := record.Image
		r.met.failure(image.URI)
		r.progress.warn(catalog.Failure{
			URI: image.URI, Source: image.Source, Kind: catalog.FailureIncomplete, Reason: record.Warning,
			Size: image.Size, Modified: image.Modified, Changed: image.Changed,
		})
	}
}

// keepRules keeps how the source is walked: whoever walks it again does the same.
func (r *run) keepRules(ctx context.Context) error {
	rules, err := json.Marshal(r.source.Rules())
	if err != nil {
		return err
	}
	return r.store.SaveRules(ctx, r.collection, r.source.Name(), rules)
}

// RulesOf returns how a source of a collection was last walked.
func (ix *Indexer) RulesOf(ctx context.Context, collection catalog.CollectionID, name string) (source.Rules, error) {
	return rulesOf(ctx, ix.store, collection, name)
}

func rulesOf(ctx context.Context, store *database.Store, collection catalog.CollectionID, name string) (source.Rules, error) {
	var rules source.Rules
	kept, err := store.Rules(ctx, collection, name)
	if err != nil || kept == nil {
		return rules, err
	}
	if err := json.Unmarshal(kept, &rules); err != nil {
		return rules, fmt.Errorf("the rules kept for %s: %w", name, err)
	}
	return rules, nil
}
