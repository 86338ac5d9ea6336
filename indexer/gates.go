package indexer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"polylens/indexer/catalog"
	"polylens/indexer/source"
)

// gates are what leads to the folders of a source, by URI: see source.Entered. Pictures
// that are gone from behind a gate which leads to another folder than before may not be
// gone at all.
type gates map[string]gate

type gate struct {
	Identity string `json:"identity"`
	Mount    bool   `json:"mount,omitempty"`
}

// mostGates bounds what the catalogue keeps of a source to some megabytes. Of more links
// those that come last are not kept: what vanishes where they lie is withheld, whatever
// has become of them.
const mostGates = 50_000

// kept is the URI after which gates were not kept, since there were too many; "" when all
// were.
func (g gates) kept(most int) string {
	if len(g) < most {
		return ""
	}
	return slices.Max(slices.Collect(maps.Keys(g)))
}

// openGates reads what led to the folders of the source before, and bars those gates
// that now lead to a folder in which most of their pictures are missing, or are others,
// and those of which the file system does not say where they lead.
// What is known of the pictures behind them stays as it is.
func (r *run) openGates(ctx context.Context) (err error) {
	if r.before, err = gatesOf(ctx, r.Indexer, r.collection, r.source.Name()); err != nil {
		return err
	}
	r.unkept = r.before.kept(r.mostGates)
	r.checkConfirmation(ctx)
	if r.removal.mayAll() {
		return nil
	}
	turned := make(map[string]*behind)
	for uri, was := range r.before {
		switch now, err := r.identityOf(ctx, uri); {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			r.barred[uri] = whyUnseen
		case now != "" && now != was.Identity:
			turned[uri] = new(behind)
		}
	}
	if len(turned) == 0 {
		return nil
	}
	err = r.lookBehind(ctx, turned)
	for uri, found := range turned {
		switch {
		case found.silent:
			r.barred[uri] = whyUnseen
		case found.replaced > fewRemoved && r.removal.isMost(found.replaced, found.pictures):
			r.barred[uri] = whyElsewhere
		}
	}
	return err
}

// checkConfirmation takes back a confirmation that was given when the gates led to other
// folders: a job may have waited since, for hours, or have been taken up again after a
// restart without its disks.
func (r *run) checkConfirmation(ctx context.Context) {
	if r.removal.confirmed && r.confirmedFor != "" && r.confirmedFor != r.leadNow(ctx, r.before, r.source.Name()) {
		r.removal.confirmed, r.removal.outdated = false, true
	}
}

// leadNow says in short what folders the gates of a source lead to now. It differs when
// one answers that did not before.
func (ix *Indexer) leadNow(ctx context.Context, known gates, name string) string {
	places := slices.Collect(maps.Keys(known))
	if _, there := known[name]; !there {
		places = append(places, name)
	}
	slices.Sort(places)
	sum := sha256.New()
	for _, uri := range places {
		identity, err := ix.identityOf(ctx, uri)
		fmt.Fprintf(sum, "%s\n%s\n%t\n", uri, identity, err == nil)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// confirmation is what a confirmation holds for that is given now, see
// Request.ConfirmedFor.
func (ix *Indexer) confirmation(ctx context.Context, collection, name string) (string, error) {
	var known gates
	found, err := ix.store.UncountedCollection(ctx, collection)
	if err == nil {
		known, err = gatesOf(ctx, ix, found.ID, name)
	}
	if err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return "", err
	}
	return ix.leadNow(ctx, known, name), nil
}

// behind is what lies behind a gate.
type behind struct {
	pictures int  // that are known
	replaced int  // of those, how many are not there, or have another size
	silent   bool // the file system does not say
}

// look looks for one more picture, of which the size is known. What does not answer is
// asked once.
func (b *behind) look(ctx context.Context, uri string, size int64) {
	if b.silent {
		return
	}
	b.pictures++
	now, err := source.SizeOf(ctx, uri)
	b.silent = isSilent(err)
	if err != nil || now != size {
		b.replaced++
	}
}

// lookBehind looks for the pictures behind gates by their names and sizes: names such as
// IMG_0001.jpg are the same on many disks.
func (r *run) lookBehind(ctx context.Context, turned map[string]*behind) error {
	var ids, uris []string
	flush := func() error {
		states, err := r.store.States(ctx, r.fingerprint, ids)
		for i, id := range ids {
			turned[nearest(turned, uris[i])].look(ctx, uris[i], states[id].Size)
		}
		ids, uris = ids[:0], uris[:0]
		return err
	}
	err := r.store.SourceImages(ctx, r.collection, r.source.Name(), func(id, uri string) error {
		if nearest(turned, uri) == "" {
			return nil
		}
		if ids, uris = append(ids, id), append(uris, uri); len(ids) < scanChunk {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	return err
}

// nearest is the URI, or the nearest part of it that names a folder above, that is in a
// set; "" when none is.
func nearest[V any](set map[string]V, uri string) string {
	if len(set) == 0 {
		return ""
	}
	for ; uri != ""; uri = above(uri) {
		if _, found := set[uri]; found {
			return uri
		}
	}
	return ""
}

// whyGone says why a picture that is not there may come back.
type whyGone int

const (
	whyUnknown   whyGone = iota
	whyEmptied           // a folder above it is there, and has no picture
	whyUnmounted         // the mount point above it is not there
	whyElsewhere         // a gate above it leads to another folder than before
	whyUnseen            // the file system did not say where a gate above it leads
	whyUnkept            // where gates above it led before was not kept
)

// turned are the gates that are not what they were before this walk, and what has
// become of them.
func (r *run) turned() map[string]whyGone {
	turned := make(map[string]whyGone)
	if r.before == nil { // it was not kept yet
		return turned
	}
	now := r.met.passed()
	for uri, was := range r.before {
		switch {
		case now[uri].Identity == was.Identity:
		case r.met.entered(uri):
			turned[uri] = whyElsewhere
		case was.Mount && !r.isBelowLostLink(uri):
			turned[uri] = whyUnmounted
		}
	}
	for uri := range now {
		if _, known := r.before[uri]; !known { // a folder of its own, or nothing, was there
			turned[uri] = whyElsewhere
		}
	}
	return turned
}

// isBelowLostLink reports whether a mount point was reached through a link that is gone, or
// no longer followed: what is mounted may still be.
func (r *run) isBelowLostLink(uri string) bool {
	for folder := above(uri); folder != ""; folder = above(folder) {
		if was, known := r.before[folder]; known && !was.Mount && !r.met.entered(folder) {
			return true
		}
	}
	return false
}

// keepGates keeps what led to the folders of the source. Of those that could not be
// looked into, it stays what it was.
func (r *run) keepGates(ctx context.Context) error {
	now := r.met.passed()
	for uri, was := range r.before {
		if r.met.isOutOfSight(uri) {
			now[uri] = was
		}
	}
	if len(now) > r.mostGates {
		r.options.Log.Warn("a folder has too many links and mount points to keep all: what vanishes behind the last ones is never removed unasked",
			"folder", folderOf(r.source.Name()), "links", len(now), "kept", r.mostGates)
		for _, uri := range slices.Sorted(maps.Keys(now))[r.mostGates:] {
			delete(now, uri)
		}
	}
	if maps.Equal(now, r.before) {
		return nil
	}
	text, err := json.Marshal(now)
	if err != nil {
		return err
	}
	return r.store.SaveGates(ctx, r.collection, r.source.Name(), text)
}

// gatesOf returns what was kept of a source; nil if nothing was.
func gatesOf(ctx context.Context, ix *Indexer, collection catalog.CollectionID, name string) (gates, error) {
	kept, err := ix.store.Gates(ctx, collection, name)
	if err != nil || len(kept) == 0 {
		return nil, err
	}
	var found gates
	if err := json.Unmarshal(kept, &found); err != nil {
		return nil, fmt.Errorf("what is kept of the folders of %s: %w", name, err)
	}
	return found, nil
}
