package blob

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"time"
)

// contents is where pictures lie.
const contents = "contents/"

// Grace is how long a picture that no image has any more is kept at least. Whoever keeps
// a picture has half of it to save the image that has it.
const Grace = 24 * time.Hour

// ContentName is the name of a picture's file, by the SHA-256 of its bytes, hexadecimal.
func ContentName(sha256 string) string {
	if len(sha256) < 2 {
		return contents + sha256
	}
	return contents + sha256[:2] + "/" + sha256
}

// PutContent keeps a picture. One that is there already is written anew if it is so old
// that it might be collected before the image that has it is saved.
func (s *Store) PutContent(ctx context.Context, sha256 string, data []byte) error {
	name := ContentName(sha256)
	modified, err := s.Modified(ctx, name)
	switch {
	case err == nil && time.Since(modified) < Grace/2:
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return s.Put(ctx, name, data)
}

// Collected says what Collect removed.
type Collected struct {
	Files int
	Bytes int64
}

// collectPage is how many pictures are looked up at once.
const collectPage = 256

// Collect removes pictures that are older than Grace at the time now and that needed,
// which gets some SHA-256, does not name.
func (s *Store) Collect(ctx context.Context, now time.Time, needed func(context.Context, []string) (map[string]bool, error)) (Collected, error) {
	var all Collected
	var page []File
	flush := func() error {
		removed, err := s.collect(ctx, page, needed)
		all.Files, all.Bytes, page = all.Files+removed.Files, all.Bytes+removed.Bytes, page[:0]
		return err
	}
	err := s.Walk(ctx, contents, func(file File) error {
		if now.Sub(file.Modified) < Grace {
			return nil
		}
		if page = append(page, file); len(page) < collectPage {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	return all, err
}

func (s *Store) collect(ctx context.Context, page []File, needed func(context.Context, []string) (map[string]bool, error)) (removed Collected, err error) {
	if len(page) == 0 {
		return removed, nil
	}
	sums := make([]string, len(page))
	for i, file := range page {
		sums[i] = contentOf(file.Name)
	}
	used, err := needed(ctx, sums)
	if err != nil {
		return removed, err
	}
	for i, file := range page {
		if used[sums[i]] {
			continue
		}
		gone, err := s.deleteUnchanged(ctx, file)
		if err != nil {
			return removed, err
		}
		if gone {
			removed.Files++
			removed.Bytes += file.Size
		}
	}
	return removed, nil
}

// deleteUnchanged deletes a file unless it was written anew since it was listed: whoever
// did that is about to need it.
func (s *Store) deleteUnchanged(ctx context.Context, file File) (gone bool, err error) {
	modified, err := s.Modified(ctx, file.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil || modified.After(file.Modified):
		return false, err
	}
	return true, s.Delete(ctx, file.Name)
}

// contentOf is the SHA-256 in the name of a picture's file.
func contentOf(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
