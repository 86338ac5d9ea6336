package main

import (
	"context"
	"path/filepath"

	"golang.org/x/sync/semaphore"

	"polylens/indexer"
	"polylens/indexer/blob"
	"polylens/indexer/fetch"
)

// openBlobs opens the store of the pictures that clients send: a folder of the data
// folder, or the bucket of --object-store.
func (p *program) openBlobs(ctx context.Context) (*blob.Store, error) {
	if url := p.globals.ObjectStore; url != "" {
		return blob.Open(ctx, url)
	}
	return blob.OpenFolder(filepath.Join(p.globals.Data, "pictures"))
}

// picturesFetched is how many of the largest pictures may be in memory at once on their
// way from URLs.
const picturesFetched = 4

// openPlaces opens where pictures lie that clients only name.
func (p *program) openPlaces(ctx context.Context) (places indexer.Places, err error) {
	places = indexer.Places{Folders: p.globals.AllowPath, MaxBytes: p.globals.MaxBytes}
	places.URLs, err = fetch.New(fetch.Options{
		MaxBytes: p.globals.MaxBytes, Memory: semaphore.NewWeighted(picturesFetched * fetch.MemoryOf(p.globals.MaxBytes)),
		Allow: p.globals.FetchAllow, Ports: p.globals.FetchPorts, Version: version(),
		Names: fetch.Names{Allow: "--fetch-allow", Ports: "--fetch-ports", MaxBytes: "--max-picture-bytes"},
	})
	if err != nil {
		return places, usageError{err}
	}
	p.later(func(context.Context) error { places.URLs.Close(); return nil })
	if url := p.globals.SourceBucket; url != "" {
		if places.Objects, err = blob.Open(ctx, url); err != nil {
			return places, usageError{err}
		}
		places.Bucket = url
		p.later(func(context.Context) error { return places.Objects.Close() })
	}
	return places, nil
}
