package indexer

import "polylens/indexer/catalog"

// destination is a collection that pictures are made ready for, as it wants them.
type destination struct {
	*Indexer
	name        string                 // of the collection
	maxPatches  int                    // chosen anew, or 0
	metadata    catalog.MetadataChoice // chosen anew, or ""; set by openCollection
	encoder     Encoder                // the Indexer's, for the collection; set by openCollection
	fingerprint string                 // of encoder; likewise
	collection  catalog.CollectionID   // likewise
	originals   catalog.Originals      // likewise
	discards    bool                   // originals are not kept now; likewise
	giving      bool                   // the encoder is to give the vectors which searches of the collection use
	waiting     func(bool)             // hears when the index is unavailable; may be nil
}
