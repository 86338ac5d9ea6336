package indexer

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"polylens/internal/ordinary"
)

// thumbnails looks for those that cannot be shown, and for those of pictures that are gone.
// Both can go: they are made again.
func (x *rest) thumbnails(ctx context.Context) error {
	if x.kept.Thumbnails == "" {
		return nil
	}
	var page []string
	flush := func() error {
		err := x.thumbnailPage(ctx, page)
		page = page[:0]
		return err
	}
	err := filepath.WalkDir(x.kept.Thumbnails, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && !entry.Type().IsRegular() {
			return nil // removed just now, or none
		}
		if err != nil {
			return err
		}
		if page = append(page, path); len(page) < mirrorPage {
			return ctx.Err()
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

// youngThumbnail is how old a file among thumbnails is at least that is looked at: a
// younger one may be half written.
const youngThumbnail = time.Minute

func (x *rest) thumbnailPage(ctx context.Context, paths []string) error {
	sums := make([]string, len(paths))
	for i, path := range paths {
		sums[i] = thumbnailOf(path)
	}
	used, err := x.store.UsedContents(ctx, sums)
	if err != nil {
		return err
	}
	for i, path := range paths {
		info, err := os.Stat(path)
		if err != nil || x.now.Sub(info.ModTime()) < youngThumbnail {
			continue
		}
		switch {
		case !used[sums[i]]:
			err = x.thumbnail(ThumbnailLeft, path)
		case !isPictureFile(path):
			err = x.thumbnail(ThumbnailDamaged, path)
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (x *rest) thumbnail(kind FindingKind, path string) error {
	x.found.add(kind, filepath.Base(path))
	if !x.repair {
		return nil
	}
	x.found.repaired(kind, 1)
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// thumbnailOf is the SHA-256 of the picture that a thumbnail is of, see Thumbnails.Get.
func thumbnailOf(path string) string {
	rest, _, _ := strings.Cut(filepath.Base(path), "-")
	return filepath.Base(filepath.Dir(path)) + rest
}

func isPictureFile(path string) bool {
	data, err := ordinary.Read(path, 64<<20)
	return err == nil && strings.HasPrefix(http.DetectContentType(data), "image/")
}
