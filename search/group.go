package search

import (
	"context"
	"fmt"
	"slices"

	"polylens/indexer/catalog"
)

// Grouping says what counts as one hit.
type Grouping string

const (
	GroupNone    Grouping = ""        // every image is a hit
	GroupContent Grouping = "content" // images whose files are equal, byte for byte, are one
)

// MaxCopies bounds the copies that a hit lists.
const MaxCopies = 20

func (g Grouping) validate() error {
	if g == GroupNone || g == GroupContent {
		return nil
	}
	return invalid("group", "%.40q is unknown: use %q, or leave it out", string(g), string(GroupContent))
}

// group is the matches of one content, best first.
type group []Match

// grouped answers a page of groups. Groups are counted from the top of the ranking, so
// that a content is met on one page only: copies have equal scores, but others may
// stand between them.
func (s *Service) grouped(ctx context.Context, found catalog.Collection, window window, search func(depth int) ([]Match, error), options Options) (Results, error) {
	for depth := window.depth(); ; depth = min(2*depth, MaxLimit) {
		matches, err := search(depth)
		if err != nil {
			return Results{}, err
		}
		groups, err := s.groups(ctx, found, window, matches)
		if err != nil {
			return Results{}, err
		}
		exhausted := len(matches) < depth || depth == MaxLimit
		if !exhausted && !window.isComplete(groups, matches[len(matches)-1].Score) {
			continue
		}
		page, next := window.cutGroups(groups)
		hits, err := s.joinGroups(ctx, found, page, options)
		return Results{Hits: hits, Next: next}, err
	}
}

// groups sorts matches into groups, in the order of their best ones. The excluded
// image's content is left out with all its copies, and so is what the catalogue no
// longer has.
func (s *Service) groups(ctx context.Context, found catalog.Collection, window window, matches []Match) ([]group, error) {
	ids := make([]string, len(matches), len(matches)+1)
	for i, match := range matches {
		ids[i] = match.ID
	}
	if window.exclude != "" {
		ids = append(ids, window.exclude)
	}
	contents, err := s.catalog.Contents(ctx, found.ID, ids)
	if err != nil {
		return nil, fmt.Errorf("read contents of collection %q: %w", found.Name, err)
	}
	var groups []group
	place := make(map[string]int)
	for _, match := range matches {
		content, known := contents[match.ID]
		if !known || window.exclude != "" && content == contents[window.exclude] {
			continue
		}
		at, met := place[content]
		if !met {
			at = len(groups)
			place[content] = at
			groups = append(groups, nil)
		}
		groups[at] = append(groups[at], match)
	}
	return groups, nil
}

// isComplete reports whether a ranking that goes on after a score, with no better one,
// cannot change the page: there are enough groups, and none of it can grow.
func (w window) isComplete(groups []group, score float32) bool {
	end := w.offset + w.limit
	return len(groups) > end && groups[end-1][0].Score > score
}

// cutGroups is cut for groups.
func (w window) cutGroups(groups []group) (page []group, next string) {
	start, end := min(w.offset, len(groups)), min(w.offset+w.limit, len(groups))
	if end < len(groups) && end < MaxLimit-w.spare() {
		next = encodeCursor(end, w.query)
	}
	return groups[start:end], next
}

func (s *Service) joinGroups(ctx context.Context, found catalog.Collection, page []group, options Options) ([]Hit, error) {
	known, err := s.known(ctx, found, page, options)
	if err != nil {
		return nil, err
	}
	hits := make([]Hit, 0, len(page))
	for _, group := range page {
		if hit, ok := group.hit(known); ok {
			hits = append(hits, hit)
		}
	}
	return hits, nil
}

// joinedAtOnce bounds the images whose metadata is in memory at the same time: a page may
// show twenty thousand copies.
const joinedAtOnce = 500

// known are the matches of groups that are shown and that the catalogue has, by ID: of
// each group the best with all that is known of it, the others as Hit.Copies has them.
func (s *Service) known(ctx context.Context, found catalog.Collection, page []group, options Options) (map[string]Hit, error) {
	var shown []Match
	groupOf := make(map[string]int)
	for i, group := range page {
		for _, match := range group[:min(len(group), 1+MaxCopies)] {
			shown = append(shown, match)
			groupOf[match.ID] = i
		}
	}
	known, led := make(map[string]Hit, len(shown)), make([]bool, len(page))
	for chunk := range slices.Chunk(shown, joinedAtOnce) {
		joined, err := s.join(ctx, found, chunk, options)
		if err != nil {
			return nil, err
		}
		for _, hit := range joined {
			if at := groupOf[hit.ID]; led[at] {
				hit.Image = catalog.Image{ID: hit.ID, URI: hit.URI}
			} else {
				led[at] = true
			}
			known[hit.ID] = hit
		}
	}
	return known, nil
}

// hit is the best match of a group with its copies. It is missing where the catalogue
// has lost all of them a moment ago.
func (g group) hit(known map[string]Hit) (hit Hit, ok bool) {
	for _, match := range g[:min(len(g), 1+MaxCopies)] {
		one, there := known[match.ID]
		switch {
		case !there:
		case !ok:
			hit, ok = one, true
		default:
			hit.Copies = append(hit.Copies, one.Image)
		}
	}
	hit.CopyCount = max(len(hit.Copies), len(g)-1)
	return hit, ok
}
