package webtest

import (
	"context"
	"slices"

	"polylens/indexer/catalog"
	"polylens/search"
)

// Copy puts a picture of the demo collection into it once more, with the same content.
func (l *Library) Copy(id, as string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.collections[LibraryName]
	at := slices.IndexFunc(s.images, func(one catalog.Image) bool { return one.ID == id })
	s.images[at].SHA256 = id
	copied := s.images[at]
	copied.ID, copied.URI = as, "file:///pictures/"+as+".png"
	s.images = append(s.images, copied)
	s.files[as], s.vectors[as] = s.files[id], s.vectors[id]
	key := search.Key{Collection: s.id, Fingerprint: Fingerprint}
	if err := l.index.Upsert(context.Background(), key, []search.Row{{ID: as, Vector: s.vectors[as], Metadata: copied.Metadata}}); err != nil {
		panic(err) // a mistake in the drawn pictures
	}
}
