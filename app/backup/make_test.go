package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/internal/needs"
)

func TestMain(m *testing.M) { os.Exit(needs.Main(m)) }

// used is a data folder that is in use.
type used struct {
	Source
	dir string // of backups
}

const pictures = 20

func newUsed(t *testing.T) *used {
	t.Helper()
	data := t.TempDir()
	store, err := database.Open(t.Context(), filepath.Join(data, "catalogue.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	blobs, err := blob.OpenFolder(filepath.Join(data, "pictures"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blobs.Close() })
	u := &used{Source{Data: data, Catalogue: filepath.Join(data, "catalogue.db"), Store: store, Blobs: blobs, Version: "test"}, filepath.Join(t.TempDir(), "backups")}
	if _, err := store.CreateCollection(t.Context(), "c", 0); err != nil {
		t.Fatal(err)
	}
	for n := range pictures {
		u.add(t, n)
	}
	return u
}

func content(n int) (data []byte, sum string) {
	data = fmt.Appendf(nil, "picture %d", n)
	digest := sha256.Sum256(data)
	return data, hex.EncodeToString(digest[:])
}

func (u *used) add(t *testing.T, n int) {
	t.Helper()
	data, sum := content(n)
	if err := u.Blobs.PutContent(t.Context(), sum, data); err != nil {
		t.Fatal(err)
	}
	image := catalog.Image{Source: catalog.PushedSource, URI: catalog.PushedURI(fmt.Sprint(n)), SHA256: sum, Size: int64(len(data)), Format: "png"}
	if err := u.Store.SaveImages(t.Context(), "c", "f", []catalog.Record{{Image: image, Vector: []float32{1, 0}}}); err != nil {
		t.Fatal(err)
	}
}

// remove deletes a picture and its file, as a server does that collects.
func (u *used) remove(t *testing.T, n int) {
	t.Helper()
	_, sum := content(n)
	if err := u.Store.DeleteImages(t.Context(), []string{catalog.ImageID("c", catalog.PushedURI(fmt.Sprint(n)))}); err != nil {
		t.Fatal(err)
	}
	if err := u.Blobs.Delete(t.Context(), blob.ContentName(sum)); err != nil {
		t.Fatal(err)
	}
}

func (u *used) backUp(t *testing.T, tell func(Progress)) Report {
	t.Helper()
	made, err := Make(t.Context(), u.Source, u.dir, tell)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// TestInterruptedBackup: wherever it ends, it is none; what it has copied is not copied again,
// and the backup before stands.
func TestInterruptedBackup(t *testing.T) {
	u := newUsed(t)
	first := u.backUp(t, nil)
	for n := range pictures {
		u.add(t, pictures+n)
	}
	enough := errors.New("enough")
	copied := 0
	for stop := 1; ; stop++ {
		ctx, cancel := context.WithCancelCause(t.Context())
		calls := 0
		made, err := Make(ctx, u.Source, u.dir, func(Progress) {
			if calls++; calls == stop {
				cancel(enough)
			}
		})
		cancel(nil)
		all, listErr := List(u.dir)
		if listErr != nil {
			t.Fatal(listErr)
		}
		if err == nil {
			if len(all) != 2 || copied+made.Copied < pictures || stop < pictures {
				t.Errorf("after %d attempts there are %d backups, and %d files were copied in the last", stop, len(all), made.Copied)
			}
			break
		}
		if len(all) != 1 || all[0].Name != first.Name {
			t.Fatalf("stopped at call %d there are %v, %v", stop, all, err)
		}
		copied += made.Copied
	}
	if _, err := Open(t.Context(), u.dir, first.Name, nil); err != nil {
		t.Errorf("the backup before: %v", err)
	}
	parts, err := filepath.Glob(filepath.Join(u.dir, "*", ".*"))
	if err != nil || len(parts) > 0 {
		t.Errorf("left are %v, %v", parts, err)
	}
}

// TestBackupOfWhatGoes: pictures that are deleted while they are copied are in no catalogue
// of a backup without their file; one that is gone otherwise is reported.
func TestBackupOfWhatGoes(t *testing.T) {
	u := newUsed(t)
	gone := 0
	made := u.backUp(t, func(p Progress) {
		if strings.Contains(p.Step, "pictures") && gone < 3 {
			u.remove(t, pictures-1-gone)
			gone++
		}
	})
	if len(made.Missing) > 0 || made.Files != 1+pictures-gone {
		t.Errorf("%+v, when %d have gone", made, gone)
	}
	found, err := Open(t.Context(), u.dir, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "data")
	blobs, err := blob.OpenFolder(filepath.Join(data, "pictures"))
	if err != nil {
		t.Fatal(err)
	}
	defer blobs.Close()
	if err := found.Restore(t.Context(), data, blobs, nil); err != nil {
		t.Fatal(err)
	}
	store, err := database.Open(t.Context(), filepath.Join(data, "catalogue.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	contents, err := store.StoredContents(t.Context(), "", "", 100)
	if err != nil || len(contents) != pictures-gone {
		t.Errorf("%d contents, %v", len(contents), err)
	}
	for _, content := range contents {
		if sum, err := blobs.SumOf(t.Context(), blob.ContentName(content.SHA256)); err != nil || sum != content.SHA256 {
			t.Errorf("%s: %s, %v", content.URI, sum, err)
		}
	}
	_, sum := content(0)
	if err := u.Blobs.Delete(t.Context(), blob.ContentName(sum)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(u.dir); err != nil {
		t.Fatal(err)
	}
	if made := u.backUp(t, nil); len(made.Missing) != 1 || !strings.Contains(made.Missing[0], "push:0") {
		t.Errorf("a file that is gone: %+v", made)
	}
}

// TestPrune: what old backups alone had goes with them.
func TestPrune(t *testing.T) {
	u := newUsed(t)
	first := u.backUp(t, nil)
	u.remove(t, 0)
	second := u.backUp(t, nil)
	u.add(t, pictures)
	third := u.backUp(t, nil)
	if second.Copied != 1 || third.Copied != 2 || first.Copied != 1+pictures {
		t.Errorf("copied were %d, %d and %d", first.Copied, second.Copied, third.Copied)
	}
	if err := Prune(t.Context(), u.dir, 2); err != nil {
		t.Fatal(err)
	}
	all, err := List(u.dir)
	if err != nil || len(all) != 2 || slices.ContainsFunc(all, func(b Backup) bool { return b.Name == first.Name }) {
		t.Errorf("left are %v, %v", all, err)
	}
	for _, backup := range all {
		if _, err := Open(t.Context(), u.dir, backup.Name, nil); err != nil {
			t.Error(err)
		}
	}
	files := 0
	err = filepath.WalkDir(filepath.Join(u.dir, filesFolder), func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files++
		}
		return err
	})
	if err != nil || files != 2+pictures { // two catalogues; picture 0 is gone, one has come
		t.Errorf("%d files are left, %v", files, err)
	}
	if err := os.WriteFile(filepath.Join(u.dir, backupsFolder, third.Name+manifestSuffix), bytes.Repeat([]byte("x"), 9), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Prune(t.Context(), u.dir, 1); !errors.Is(err, errManifest) {
		t.Errorf("with a manifest that is damaged: %v", err)
	}
	if _, err := Open(t.Context(), u.dir, second.Name, nil); err != nil {
		t.Errorf("the one before is gone: %v", err)
	}
}

// TestBackupOfThumbnails: of a picture whose original was discarded a backup has the
// thumbnail, and misses no file; the restored store has it, too.
func TestBackupOfThumbnails(t *testing.T) {
	u := newUsed(t)
	_, sum := content(3)
	if err := u.Blobs.Put(t.Context(), blob.ThumbnailName(sum), []byte("small")); err != nil {
		t.Fatal(err)
	}
	if err := u.Store.SetOriginals(t.Context(), "c", catalog.OriginalsDiscarded); err != nil {
		t.Fatal(err)
	}
	u.useModel(t, "f")
	gone, err := u.Store.Discard(t.Context(), []string{sum}, time.Now().Add(time.Hour))
	if err != nil || !gone[sum] {
		t.Fatalf("discarded are %v, %v", gone, err)
	}
	if err := u.Blobs.Delete(t.Context(), blob.ContentName(sum)); err != nil {
		t.Fatal(err)
	}
	if made := u.backUp(t, nil); len(made.Missing) > 0 {
		t.Errorf("missing are %v", made.Missing)
	}
	found, err := Open(t.Context(), u.dir, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	blobs, err := blob.OpenFolder(filepath.Join(data, "pictures"))
	if err != nil {
		t.Fatal(err)
	}
	defer blobs.Close()
	if err := found.Restore(t.Context(), data, blobs, nil); err != nil {
		t.Fatal(err)
	}
	got, err := blobs.Read(t.Context(), blob.ThumbnailName(sum), 100)
	if err != nil || string(got) != "small" {
		t.Errorf("the restored thumbnail is %q, %v", got, err)
	}
	if _, err := blobs.Modified(t.Context(), blob.ContentName(sum)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the original: %v", err)
	}
}

func (u *used) useModel(t *testing.T, fingerprint string) {
	t.Helper()
	if err := u.Store.SetFingerprint(t.Context(), "c", fingerprint, 0); err != nil {
		t.Fatal(err)
	}
}
