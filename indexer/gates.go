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
// those that come last are not guarded.
const mostGates = 50_000

// openGates reads what led to the folders of the source before, and bars those gates
// that now lead to a folder in which most of their pictures are missing, or are others.
// What is known of the pictures behind them stays as it is.
func (r *run) openGates(ctx context.Context) (err error) {
	if r.before, err = gatesOf(ctx, r.Indexer, r.collection, r.source.Name()); err != nil {
		return err
	}
	r.checkConfirmation()
	if r.removal.mayAll() {
		return nil
	}
	turned := make(map[string]bool)
	for uri, was := range r.before {
		if now := source.IdentityOf(uri); now != "" && now != was.Identity {
			turned[uri] = true
		}
	}
	if len(turned) == 0 {
		return nil
	}
	behind, replaced, err := r.lookBehind(ctx, turned)
	for uri := range turned {
		if gone := replaced[uri]; gone > fewRemoved && r.removal.isMost(gone, behind[uri]) {
			r.barred[uri] = true
		}
	}
	return err
}

// checkConfirmation takes back a confirmation that was given when the gates led to other
// folders: a job may have waited since, for hours, or have been taken up again after a
// restart without its disks.
func (r *run) checkConfirmation() {
	if r.removal.confirmed && r.confirmedFor != "" && r.confirmedFor != r.before.now(r.source.Name()) {
		r.removal.confirmed, r.removal.outdated = false, true
	}
}

// now says in short what folders the gates of a source lead to now.
func (g gates) now(name string) string {
	places := slices.Collect(maps.Keys(g))
	if _, known := g[name]; !known {
		places = append(places, name)
	}
	slices.Sort(places)
	sum := sha256.New()
	for _, uri := range places {
		fmt.Fprintf(sum, "%s\n%s\n", uri, source.IdentityOf(uri))
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
	return known.now(name), nil
}

// lookBehind counts the pictures behind gates, and those of them that are not there, or
// have another size: names such as IMG_0001.jpg are the same on many disks.
func (r *run) lookBehind(ctx context.Context, turned map[string]bool) (behind, replaced map[string]int, err error) {
	behind, replaced = make(map[string]int), make(map[string]int)
	var ids, uris []string
	flush := func() error {
		states, err := r.store.States(ctx, r.fingerprint, ids)
		for i, id := range ids {
			place := nearest(turned, uris[i])
			behind[place]++
			if size, there := source.SizeOf(uris[i]); !there || size != states[id].Size {
				replaced[place]++
			}
		}
		ids, uris = ids[:0], uris[:0]
		return err
	}
	err = r.store.SourceImages(ctx, r.collection, r.source.Name(), func(id, uri string) error {
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
	return behind, replaced, err
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
	if len(now) > mostGates {
		for _, uri := range slices.Sorted(maps.Keys(now))[mostGates:] {
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
