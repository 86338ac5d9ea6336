package main

import (
	"context"
	"path/filepath"

	"polylens/indexer/blob"
)

// openBlobs opens the store of the pictures that clients send: a folder of the data
// folder, or the bucket of --object-store.
func (p *program) openBlobs(ctx context.Context) (*blob.Store, error) {
	if url := p.globals.ObjectStore; url != "" {
		return blob.Open(ctx, url)
	}
	return blob.OpenFolder(filepath.Join(p.globals.Data, "pictures"))
}
