package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
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
func ContentName(sha256 string) string { return nameBelow(contents, sha256) }

func nameBelow(place, sha256 string) string {
	if len(sha256) < 2 {
		return place + sha256
	}
	return place + sha256[:2] + "/" + sha256
}

// PutContent keeps a picture. One that is there already is written anew if it is so old
// that it might be collected before the image that has it is saved.
func (s *Store) PutContent(ctx context.Context, sha256 string, data []byte) error {
	return s.putContent(ctx, sha256, true, data)
}

// PutContentUntilSync is PutContent for one picture of many: it outlives a power failure
// only once Sync has returned after it. The disk is waited for once then, and not for
// each of them.
func (s *Store) PutContentUntilSync(ctx context.Context, sha256 string, data []byte) error {
	return s.putContent(ctx, sha256, s.disk == nil, data)
}

func (s *Store) putContent(ctx context.Context, sha256 string, now bool, data []byte) error {
	name := ContentName(sha256)
	there, err := s.hasContent(ctx, name, data)
	switch {
	case err != nil:
		return err
	case there && now: // somebody else may have put it there until Sync
		return s.Sync(ctx)
	case there:
		return nil
	}
	return s.put(ctx, name, now, data)
}

// hasContent reports whether a file has some bytes, and is young. In a folder it is read:
// of what was written there before a power failure, without Sync, the name may have stayed alone.
func (s *Store) hasContent(ctx context.Context, name string, data []byte) (bool, error) {
	fresh, _, err := s.freshness(ctx, name)
	if err != nil || !fresh || !s.local {
		return fresh, err
	}
	before, err := s.Read(ctx, name, int64(len(data)))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrTooLarge) {
		return false, nil
	}
	return err == nil && bytes.Equal(before, data), err
}

// freshness says whether a file is there, and whether it is so young that it will not be
// collected before the image that needs it is saved.
func (s *Store) freshness(ctx context.Context, name string) (fresh, there bool, err error) {
	modified, err := s.Modified(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, false, nil
	}
	return err == nil && time.Since(modified) < Grace/2, err == nil, err
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
	return s.collectBelow(ctx, contents, now, needed)
}

// collectBelow is Collect for the files of one place.
func (s *Store) collectBelow(ctx context.Context, place string, now time.Time, needed func(context.Context, []string) (map[string]bool, error)) (Collected, error) {
	var all Collected
	var page []File
	flush := func() error {
		removed, err := s.collect(ctx, page, needed)
		all.Files, all.Bytes, page = all.Files+removed.Files, all.Bytes+removed.Bytes, page[:0]
		return err
	}
	err := s.Walk(ctx, place, func(file File) error {
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

// WalkContents calls yield with every picture, in order of SHA-256, and stray with every
// file among them that has another name than a picture's. stray may be nil.
func (s *Store) WalkContents(ctx context.Context, yield func(sum string, file File) error, stray func(File) error) error {
	return s.walkBelow(ctx, contents, yield, stray)
}

// walkBelow is WalkContents for one place.
func (s *Store) walkBelow(ctx context.Context, place string, yield func(sum string, file File) error, stray func(File) error) error {
	return s.Walk(ctx, place, func(file File) error {
		sum := contentOf(file.Name)
		if isSum(sum) && file.Name == nameBelow(place, sum) {
			return yield(sum, file)
		}
		if stray == nil {
			return nil
		}
		return stray(file)
	})
}

func isSum(text string) bool {
	return len(text) == 2*sha256.Size && strings.Trim(text, "0123456789abcdef") == ""
}

// Aside is where damaged pictures lie.
const Aside = "damaged/"

// SetAside takes a damaged picture away from where pictures are looked for, so that it can
// be sent again.
func (s *Store) SetAside(ctx context.Context, sum string) error {
	name := ContentName(sum)
	if err := s.bucket.Copy(ctx, Aside+sum, name, nil); err != nil {
		return s.explain("set aside", name, err)
	}
	return s.Delete(ctx, name)
}

// IsPlaced reports whether a file lies where this program keeps files: pictures, those set
// aside, and what others keep in folders of theirs.
func IsPlaced(name string, others ...string) bool {
	for _, place := range append([]string{contents, Thumbnails, Aside}, others...) {
		if strings.HasPrefix(name, place) {
			return true
		}
	}
	return false
}

// SumOf is the SHA-256 of a picture as it is, to compare with the one in its name.
func (s *Store) SumOf(ctx context.Context, name string) (string, error) {
	file, err := s.Open(ctx, name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", s.explain("read", name, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
