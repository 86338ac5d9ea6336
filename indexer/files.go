package indexer

import (
	"maps"

	"polylens/indexer/catalog"
)

// Files accounts for everything that a walk came across. Seen is the sum of the pictures,
// which a Progress counts, and of Others, Metadata, Excluded and Unusable.
type Files struct {
	Seen     int            `json:"seen"`               // entries of folders, but for folders that were looked into
	Others   map[string]int `json:"others,omitempty"`   // files that are no pictures that can be read, by what they are
	Metadata int            `json:"metadata"`           // files with metadata of pictures, or with rules
	Excluded map[string]int `json:"excluded,omitempty"` // files, and folders with all below them, by the rule that leaves them out
	// Unusable are links, files and folders, by why they were not used.
	Unusable map[catalog.FailureKind]int `json:"unusable,omitempty"`
	// Warnings count what is said beside: of pictures that are indexed and of metadata.
	Warnings map[catalog.FailureKind]int `json:"warnings,omitempty"`
}

// mostGroups bounds the groups that a map has: extensions and rules are a stranger's.
const mostGroups = 100

// otherGroups counts what there are too many groups for.
const otherGroups = "others"

func count[K ~string](groups *map[K]int, group K) {
	if *groups == nil {
		*groups = make(map[K]int)
	}
	if _, ok := (*groups)[group]; !ok && len(*groups) >= mostGroups {
		group = otherGroups
	}
	(*groups)[group]++
}

func (f *Files) exclude(rule string) {
	f.Seen++
	count(&f.Excluded, rule)
}

func (f *Files) other(kind string) {
	f.Seen++
	count(&f.Others, kind)
}

func (f *Files) warn(kind catalog.FailureKind) {
	switch kind {
	case catalog.FailureIncomplete, catalog.FailureSidecar:
		count(&f.Warnings, kind)
	default:
		f.Seen++
		count(&f.Unusable, kind)
	}
}

func (f Files) clone() Files {
	f.Others, f.Excluded = maps.Clone(f.Others), maps.Clone(f.Excluded)
	f.Unusable, f.Warnings = maps.Clone(f.Unusable), maps.Clone(f.Warnings)
	return f
}

// Missed is how many files and folders were not looked at although they may be or hold
// pictures.
func (f Files) Missed() int {
	missed := 0
	for kind, n := range f.Unusable {
		if kind.MissesPictures() {
			missed += n
		}
	}
	return missed
}
