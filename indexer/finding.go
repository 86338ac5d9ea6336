package indexer

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// FindingKind is a way in which something that is kept is not as it should be.
type FindingKind string

// What a check finds in a collection, besides the rows that a CheckReport counts.
const (
	VectorDamaged   FindingKind = "vector-damaged"
	VectorMissing   FindingKind = "vector-missing"
	MetadataDamaged FindingKind = "metadata-damaged"
	DigestWrong     FindingKind = "digest-wrong"
	RowWrong        FindingKind = "row-wrong"
	OriginalMissing FindingKind = "original-missing"
	OriginalDamaged FindingKind = "original-damaged"
	// ThumbnailMissing is of a picture whose original is not kept.
	ThumbnailMissing FindingKind = "thumbnail-missing"

	FileGone      FindingKind = "file-gone"
	FileChanged   FindingKind = "file-changed"
	TombstoneLeft FindingKind = "tombstone-left"
)

// What it finds in what belongs to no collection, or to all.
const (
	CatalogueDamaged FindingKind = "catalogue-damaged"
	RowStray         FindingKind = "row-stray"
	ChunkMissing     FindingKind = "chunk-missing"
	PushMiscounted   FindingKind = "push-miscounted"
	ThumbnailDamaged FindingKind = "thumbnail-damaged"
	ThumbnailLeft    FindingKind = "thumbnail-left"
	OriginalLeft     FindingKind = "original-left"
	PushLeft         FindingKind = "push-left"
	VectorUnused     FindingKind = "vector-unused"
	ContentUnused    FindingKind = "content-unused"
	FileUnknown      FindingKind = "file-unknown"
)

// meaning is what a kind says to people.
type meaning struct {
	words    string
	remedy   string // for what a repair has left; "" where it leaves nothing
	harmless bool   // it takes up room, or is the business of the next indexing
}

const sendAgain = "send these pictures again, or index their folders again; nobody finds them until then"

var meanings = map[FindingKind]meaning{
	VectorDamaged:    {"vectors in the catalogue that are none", sendAgain, false},
	VectorMissing:    {"images without a vector", sendAgain, false},
	MetadataDamaged:  {"images whose metadata cannot be read", "a repair leaves them without any: send these pictures again, index their folders with --rehash, or restore a backup", false},
	DigestWrong:      {"images whose captions or metadata are not those that were saved", "", false},
	RowWrong:         {"rows of the index with another vector or other metadata than the catalogue's", "", false},
	OriginalMissing:  {"pictures that were sent, and whose files are gone", "send them again, or restore a backup; they are found, but cannot be shown", false},
	OriginalDamaged:  {"pictures that were sent, and whose files are not what was sent", "a repair sets such files aside: then send them again, or restore a backup", false},
	ThumbnailMissing: {"thumbnails that are gone or damaged, of pictures whose originals are not kept", "send these pictures again, or restore a backup; they are found, but cannot be shown", false},
	FileGone:         {"pictures that are gone from their folders", "index the folders again", true},
	FileChanged:      {"pictures that have changed in their folders", "index the folders again", true},
	TombstoneLeft:    {"images that were deleted, and that the index was not told of", "", true},

	CatalogueDamaged: {"faults in the file of the catalogue", "restore it: `polylens doctor` names the newest good backup and the command", false},
	RowStray:         {"rows of the catalogue that belong to nothing", "", false},
	ChunkMissing:     {"parts of pushes that are to be done, and whose lines are gone", "cancel these jobs (`polylens job cancel ID`) and send their lines again", false},
	PushMiscounted:   {"pushes whose counts are not those of their items", "trust `polylens job items ID`, not the counts", false},
	ThumbnailDamaged: {"thumbnails that are no pictures", "", false},
	ThumbnailLeft:    {"thumbnails of pictures that no image has", "", true},
	OriginalLeft:     {"files of pictures that no image needs", "", true},
	PushLeft:         {"parts of pushes that no job needs", "", true},
	VectorUnused:     {"vectors of pictures that are gone, kept in case they come back", "`polylens prune` removes them", true},
	ContentUnused:    {"notes about pictures that are gone, and without a vector", "", true},
	FileUnknown:      {"files among the pictures that are not of Polylens, or were set aside as damaged", "look into them, and delete them", true},
}

// mostExamples is how many are named of a kind.
const mostExamples = 5

// Finding is what was found of one kind.
type Finding struct {
	Kind     FindingKind `json:"kind"`
	Count    int         `json:"count"`
	Repaired int         `json:"repaired"`
	Examples []string    `json:"examples"` // some of them
}

// Left is how many a repair has left, or a check has not repaired.
func (f Finding) Left() int { return f.Count - f.Repaired }

// IsHarmless reports whether nothing is lost and everything works, so that it is no fault
// of what is kept.
func (f Finding) IsHarmless() bool { return meanings[f.Kind].harmless }

// Words say what was found, for people.
func (f Finding) Words() string { return meanings[f.Kind].words }

// Remedy says what to do about what a repair does not mend; "" if it mends everything.
func (f Finding) Remedy() string { return meanings[f.Kind].remedy }

// Findings are what was found, by kind.
type Findings []Finding

// Faults is how many are left that are not harmless.
func (f Findings) Faults() int {
	faults := 0
	for _, finding := range f {
		if !finding.IsHarmless() {
			faults += finding.Left()
		}
	}
	return faults
}

// record collects findings.
type record map[FindingKind]*Finding

// add notes one more of a kind. example names it, and may say what is wrong.
func (r record) add(kind FindingKind, example string) {
	r.addMany(kind, 1)
	if found := r[kind]; len(found.Examples) < mostExamples {
		found.Examples = append(found.Examples, strings.ToValidUTF8(fmt.Sprintf("%.200s", example), "\uFFFD"))
	}
}

func (r record) addMany(kind FindingKind, count int) {
	if count == 0 {
		return
	}
	if r[kind] == nil {
		r[kind] = &Finding{Kind: kind, Examples: []string{}}
	}
	r[kind].Count += count
}

// repaired notes that some of a kind are mended.
func (r record) repaired(kind FindingKind, count int) {
	if found := r[kind]; found != nil {
		found.Repaired += count
	}
}

// list is in order of kind.
func (r record) list() Findings {
	var all Findings
	for _, kind := range slices.Sorted(maps.Keys(r)) {
		all = append(all, *r[kind])
	}
	return all
}
