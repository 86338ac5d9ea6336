package search

import (
	"context"
	"errors"
	"fmt"

	"polylens/indexer/catalog"
)

// ErrUnavailable is returned, wrapped, when the index cannot be reached now:
// the call may succeed later, nothing was lost.
var ErrUnavailable = errors.New("index unavailable")

// ErrLost is an ErrUnavailable that goes on until the index has been filled again: it is
// gone from the server.
var ErrLost error = lost{}

type lost struct{}

// Error implements error.
func (lost) Error() string { return ErrUnavailable.Error() }

// Is lets errors.Is find ErrUnavailable.
func (lost) Is(target error) bool { return target == ErrUnavailable }

// ErrUnreadable is for an index that its server has and cannot load, as when files of it
// are missing. Only dropping it, and filling it again, helps.
var ErrUnreadable = errors.New("index unreadable")

// Key names one physical index: a collection encoded by one model.
type Key struct {
	Collection  catalog.CollectionID
	Fingerprint string // of the model, lower-case hex
}

// Row is what the index holds for one image.
type Row struct {
	ID       string         // unique within the collection, at most 64 bytes
	Vector   []float32      // unit length, as long as the index was made for
	Metadata map[string]any // what filters may ask for; JSON values only
}

// CheckRows refuses too many IDs for Writer.Rows.
func CheckRows(ids []string) error {
	if len(ids) > MaxRows {
		return fmt.Errorf("%d rows are asked for at once: at most %d are allowed", len(ids), MaxRows)
	}
	return nil
}

// Match is one answer of the index.
type Match struct {
	ID    string
	Score float32 // inner product with the query, -1 to 1
}

// Query asks for the Limit rows nearest to Vector that satisfy Filter.
type Query struct {
	Vector []float32
	Limit  int    // 1 to MaxLimit
	Filter Filter // nil: every row
}

// MaxLimit is the largest number of matches one Query may ask for (Milvus'
// own bound on topk).
const MaxLimit = 16384

// MaxRows is how many rows Writer.Rows returns at once.
const MaxRows = 1000

// Writer is the half of an Index that fills it. All that it holds can be lost:
// who fills it keeps the truth elsewhere.
type Writer interface {
	// Ensure creates the index of key, for vectors of dimension numbers, if it is
	// missing and makes it ready for Upsert and Search. The first index of a
	// collection becomes its active one. An index keeps the dimension that it was
	// made for, in every process that uses it: another one is an error here, and
	// no other call asks for it.
	Ensure(ctx context.Context, key Key, dimension int) error
	// Upsert inserts or replaces rows by ID. Once it returns, a Search sees
	// them. An ID that occurs twice in rows is an error and changes nothing.
	Upsert(ctx context.Context, key Key, rows []Row) error
	// Delete removes rows by ID. Unknown IDs are not an error.
	Delete(ctx context.Context, key Key, ids []string) error
	// Count returns how many rows the index of key holds, or
	// catalog.ErrCollectionNotFound when there is no such index. An index that is being
	// loaded is ErrUnavailable, one that is not getting on with that ErrUnreadable.
	Count(ctx context.Context, key Key) (int, error)
	// IDs calls yield with every stored ID, in no particular order, each once.
	IDs(ctx context.Context, key Key, yield func(id string) error) error
	// Rows returns those of some rows that are stored, in no particular order, each once,
	// as they are: a vector may have another length than it should. At most MaxRows IDs.
	Rows(ctx context.Context, key Key, ids []string) ([]Row, error)
	// Drop removes the index of key. A missing one is not an error.
	Drop(ctx context.Context, key Key) error
}

// Index keeps vectors and finds the nearest. Calls may come from many
// goroutines at once; every implementation honours the context's deadline and
// sets one of its own when there is none. Two implementations pass the same
// conformance suite (package searchtest): Milvus, and an exact in-memory one.
type Index interface {
	Writer
	// Search asks the active index of a collection. Matches come best first;
	// equal scores are ordered by ID.
	Search(ctx context.Context, collection catalog.CollectionID, query Query) ([]Match, error)
	// Activate makes key the index that Search of its collection uses.
	Activate(ctx context.Context, key Key) error
	// Flush makes everything acknowledged so far durable on disk.
	Flush(ctx context.Context) error
	// Ready reports nil when searches can be answered now.
	Ready(ctx context.Context) error
}
