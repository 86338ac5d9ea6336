package indexer

import (
	"errors"

	"polylens/indexer/blob"
	"polylens/indexer/catalog/database"
	"polylens/search"
)

// isPassing reports whether an error says that the catalogue, the object store or the
// index is away for a while, or that the model has changed: what failed for that is done
// later.
func isPassing(err error) bool {
	return errors.Is(err, search.ErrUnavailable) || errors.Is(err, ErrReplaced) || database.IsAway(err) || blob.IsAway(err)
}
