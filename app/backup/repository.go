package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"polylens/internal/lock"
	"polylens/internal/ordinary"
	"polylens/internal/replace"
	"polylens/internal/text"
)

// Names in a folder of backups.
const (
	filesFolder    = "files"
	backupsFolder  = "backups"
	lockName       = "lock"
	manifestSuffix = ".manifest"
	stampForm      = "20060102T150405Z"
	partPrefix     = ".part-" // begins the names of files that are being written
)

// repository is a folder of backups.
type repository struct {
	dir  string
	lock *lock.File
}

// open makes a folder of backups ready to be written, by one process at a time. A folder
// that holds something else is refused.
func open(dir string) (*repository, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("folder of backups: %w", err)
	}
	isOurs := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == backupsFolder })
	for _, entry := range entries {
		if !isOurs && entry.Name() != lockName && entry.Name() != "lost+found" {
			return nil, fmt.Errorf("%s holds something else than backups, such as %q: name an empty or a new folder", dir, entry.Name())
		}
	}
	r := &repository{dir: dir}
	for _, folder := range []string{dir, r.path(backupsFolder), r.path(filesFolder)} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, fmt.Errorf("folder of backups: %w", err)
		}
	}
	if r.lock, err = lock.Try(r.path(lockName), fmt.Sprint(os.Getpid())); err != nil {
		return nil, fmt.Errorf("another process makes a backup in %s: %w", dir, err)
	}
	return r, r.sweep()
}

func (r *repository) close() error { return r.lock.Close() }

func (r *repository) path(parts ...string) string {
	return filepath.Join(append([]string{r.dir}, parts...)...)
}

// sweep removes what a backup that was interrupted has left half written. What it has
// written as a whole is of use to the next.
func (r *repository) sweep() error {
	parts, err := filepath.Glob(filepath.Join(text.QuoteGlob(r.dir), filesFolder, ".*"))
	manifests, _ := filepath.Glob(filepath.Join(text.QuoteGlob(r.dir), backupsFolder, ".*")) // the pattern is sound
	for _, part := range append(parts, manifests...) {
		err = errors.Join(err, os.Remove(part))
	}
	return err
}

// place is where a file lies.
func (r *repository) place(sum string) string { return r.path(filesFolder, sum[:2], sum) }

// has reports whether a file is there, as far as its size tells.
func (r *repository) has(sum string, size int64) bool {
	info, err := os.Stat(r.place(sum))
	return err == nil && info.Mode().IsRegular() && info.Size() == size
}

// errOther says that a file is not what it should be.
var errOther = errors.New("its bytes are not those that its name says")

// keep writes a file, and says whether it is new. want is its SHA-256, or "" if that is not
// known. One that is there is replaced: it may be damaged.
func (r *repository) keep(ctx context.Context, from io.Reader, want string) (sum string, size int64, isNew bool, err error) {
	err = replace.DurableNamed(r.path(filesFolder), func(part io.Writer) (string, error) {
		hash := sha256.New()
		if size, err = io.Copy(io.MultiWriter(part, hash), withContext(ctx, from)); err != nil {
			return "", err
		}
		sum = hex.EncodeToString(hash.Sum(nil))
		if want != "" && sum != want {
			return "", errOther
		}
		isNew = !r.has(sum, size)
		return r.ready(sum)
	})
	return sum, size, isNew, err
}

// ready is the place of a file, whose folder is there.
func (r *repository) ready(sum string) (string, error) {
	folder := filepath.Dir(r.place(sum))
	_, err := os.Stat(folder)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.Mkdir(folder, 0o700); err == nil {
			err = replace.SyncFolder(r.path(filesFolder))
		}
	}
	return r.place(sum), err
}

// sumOf is the SHA-256 of a file, and its size.
func sumOf(ctx context.Context, path string) (sum string, size int64, err error) {
	file, err := ordinary.OpenContext(ctx, path)
	if err != nil {
		return "", 0, err
	}
	defer file.Close()
	hash := sha256.New()
	size, err = io.Copy(hash, withContext(ctx, file))
	return hex.EncodeToString(hash.Sum(nil)), size, err
}

// withContext ends reading when ctx does.
func withContext(ctx context.Context, from io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		return from.Read(p)
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// Backup is one that has come to its end.
type Backup struct {
	Name string    `json:"name"` // by which Open knows it
	Made time.Time `json:"made"`
}

// List returns the backups in a folder, newest first.
func List(dir string) ([]Backup, error) {
	entries, err := os.ReadDir(filepath.Join(dir, backupsFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is no folder of backups: `polylens backup` makes one", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("folder of backups: %w", err)
	}
	var all []Backup
	for _, entry := range entries {
		name, isManifest := strings.CutSuffix(entry.Name(), manifestSuffix)
		made, err := time.Parse(stampForm, name)
		if isManifest && err == nil && entry.Type().IsRegular() {
			all = append(all, Backup{name, made})
		}
	}
	slices.SortFunc(all, func(a, b Backup) int { return b.Made.Compare(a.Made) })
	return all, nil
}
