package blob

import (
	"context"
	"time"
)

// Thumbnails is where thumbnails lie that cannot be made again, since the pictures that
// they are of are not kept.
const Thumbnails = "thumbnails/"

// MostThumbnail is how many bytes a thumbnail has at most.
const MostThumbnail = 64 << 20

// ThumbnailName is the name of the thumbnail of a picture, by the SHA-256 of the picture.
func ThumbnailName(sha256 string) string { return nameBelow(Thumbnails, sha256) }

// RefreshThumbnail reports whether the thumbnail of a picture is there. One that is so old
// that it might be collected before the image that needs it is saved is written anew.
func (s *Store) RefreshThumbnail(ctx context.Context, sha256 string) (there bool, err error) {
	name := ThumbnailName(sha256)
	fresh, there, err := s.freshness(ctx, name)
	if err != nil || fresh || !there {
		return there, err
	}
	data, err := s.Read(ctx, name, MostThumbnail)
	if err != nil || len(data) == 0 {
		return false, err
	}
	return true, s.Put(ctx, name, data)
}

// CollectThumbnails is Collect for thumbnails.
func (s *Store) CollectThumbnails(ctx context.Context, now time.Time, needed func(context.Context, []string) (map[string]bool, error)) (Collected, error) {
	return s.collectBelow(ctx, Thumbnails, now, needed)
}

// WalkThumbnails is WalkContents for thumbnails.
func (s *Store) WalkThumbnails(ctx context.Context, yield func(sum string, file File) error) error {
	return s.walkBelow(ctx, Thumbnails, yield, nil)
}
