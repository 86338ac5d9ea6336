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

	"polylens/indexer/blob"
	"polylens/internal/disk"
	"polylens/internal/ordinary"
	"polylens/internal/replace"
)

// Found is a backup whose files are all there, as they were written.
type Found struct {
	Backup
	Header
	Files int
	Bytes int64
	dir   string
}

// path is that of the manifest.
func (f Found) path() string { return filepath.Join(f.dir, backupsFolder, f.Name+manifestSuffix) }

// each calls yield with every file of the backup.
func (f Found) each(yield func(File) error) (Header, error) {
	in, err := ordinary.Open(f.path())
	if err != nil {
		return Header{}, fmt.Errorf("manifest of the backup: %w", err)
	}
	defer in.Close()
	header, err := readManifest(in, yield)
	if err != nil {
		err = fmt.Errorf("%s: %w", f.path(), err)
	}
	return header, err
}

// Open finds a backup by its name, or the newest for "", and verifies every file of it. It
// changes nothing. tell, which may be nil, hears how far it has come.
func Open(ctx context.Context, dir, name string, tell func(Progress)) (Found, error) {
	found, err := find(dir, name)
	if err != nil {
		return found, err
	}
	if tell == nil {
		tell = func(Progress) {}
	}
	if found.Header, err = found.each(func(file File) error { // is it whole?
		found.Files++
		found.Bytes += file.Size
		return nil
	}); err != nil {
		return found, err
	}
	return found, found.verify(ctx, tell)
}

func find(dir, name string) (Found, error) {
	all, err := List(dir)
	if err != nil {
		return Found{}, err
	}
	for _, backup := range all {
		if name == "" || backup.Name == name {
			return Found{Backup: backup, dir: dir}, nil
		}
	}
	names := make([]string, len(all))
	for i, backup := range all {
		names[i] = backup.Name
	}
	if len(all) == 0 {
		return Found{}, fmt.Errorf("%s holds no backup that came to its end", dir)
	}
	return Found{}, fmt.Errorf("%s has no backup %.40q; it has %s", dir, name, strings.Join(names, ", "))
}

// mostFaults is how many files are named that are not as they were.
const mostFaults = 20

func (f Found) verify(ctx context.Context, tell func(Progress)) error {
	var faults []string
	count := 0
	done := Progress{Step: "verifying", Of: f.Bytes}
	_, err := f.each(func(file File) error {
		fault := f.fault(ctx, file)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if fault != nil {
			if count++; len(faults) < mostFaults {
				faults = append(faults, fmt.Sprintf("%s (%s): %v", file.Path, f.place(file), fault))
			}
		}
		done.Files++
		done.Bytes += file.Size
		tell(done)
		return nil
	})
	if err != nil || count == 0 {
		return err
	}
	return fmt.Errorf("the backup %s is damaged, and nothing was restored: %d of %d files are not as they were: %s; use another backup (--backup), or another copy of this one",
		f.Name, count, f.Files, strings.Join(faults, "; "))
}

func (f Found) place(file File) string {
	return filepath.Join(f.dir, filesFolder, file.SHA256[:2], file.SHA256)
}

// fault says what is wrong with a file.
func (f Found) fault(ctx context.Context, file File) error {
	in, err := ordinary.OpenContext(ctx, f.place(file))
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("it is missing")
	}
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = io.Copy(io.Discard, verified(ctx, in, file))
	return err
}

// verified gives the bytes of a file, and an error at the end if they are not its.
func verified(ctx context.Context, in io.Reader, file File) io.Reader {
	in = withContext(ctx, in)
	hash, size := sha256.New(), int64(0)
	return readerFunc(func(p []byte) (int, error) {
		n, err := in.Read(p)
		_, _ = hash.Write(p[:n]) // never fails
		if size += int64(n); size > file.Size {
			return 0, fmt.Errorf("it has more than its %d bytes", file.Size)
		}
		if err == io.EOF && size < file.Size {
			return 0, fmt.Errorf("it has %d bytes instead of %d", size, file.Size)
		}
		if err == io.EOF && hex.EncodeToString(hash.Sum(nil)) != file.SHA256 {
			return 0, errOther
		}
		return n, err
	})
}

// Check refuses a data folder that holds anything: what was there would be lost, or mixed
// with the backup. One that is missing is empty. except are names that do not count.
func Check(data string, except ...string) error {
	entries, err := os.ReadDir(data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	for _, entry := range entries {
		if !slices.Contains(append(except, "lost+found"), entry.Name()) {
			return fmt.Errorf("the data folder %s is not empty (it holds %s): restore into another one (--data), or move away what it holds", data, entry.Name())
		}
	}
	return nil
}

// Room fails if a disk has too little for a backup.
func (f Found) Room(data string) error { return disk.Check(data, uint64(f.Bytes)+disk.Low) }

// Restore writes the files of a backup into a data folder that is empty and held by this
// process, and pictures into blobs. The catalogue comes last. Each file is verified again on
// its way.
func (f Found) Restore(ctx context.Context, data string, blobs *blob.Store, tell func(Progress)) error {
	if tell == nil {
		tell = func(Progress) {}
	}
	done := Progress{Step: "restoring", Of: f.Bytes}
	var last []File
	_, err := f.each(func(file File) error {
		if file.Path == cataloguePath {
			last = append(last, file)
			return nil
		}
		done.Files++
		done.Bytes += file.Size
		tell(done)
		return f.put(ctx, file, data, blobs)
	})
	for _, file := range last {
		if err == nil {
			err = f.put(ctx, file, data, blobs)
		}
	}
	return disk.Explain(err, data)
}

func (f Found) put(ctx context.Context, file File, data string, blobs *blob.Store) error {
	in, err := ordinary.OpenContext(ctx, f.place(file))
	if err != nil {
		return err
	}
	defer in.Close()
	from := verified(ctx, in, file)
	if name, isPicture := strings.CutPrefix(file.Path, picturesPath); isPicture {
		err = blobs.Write(ctx, name, func(out io.Writer) error {
			_, err := io.Copy(out, from)
			return err
		})
	} else {
		path := filepath.Join(data, filepath.FromSlash(file.Path))
		if err = os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
			err = replace.DurableFrom(path, from, replace.Private)
		}
	}
	if err != nil {
		return fmt.Errorf("restore %s: %w", file.Path, err)
	}
	return nil
}

// Settle ends a restore: once everything is on the disk, the mark goes that said that it was
// under way.
func Settle(data, mark string) error {
	err := filepath.WalkDir(data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		return replace.SyncFolder(path)
	})
	if err == nil {
		err = os.Remove(filepath.Join(data, mark))
	}
	if err == nil {
		err = replace.SyncFolder(data)
	}
	if err != nil {
		return fmt.Errorf("end the restore: %w", err)
	}
	return nil
}

// Empty takes back what a restore has written into a data folder that was empty.
func Empty(data string, except ...string) error {
	entries, err := os.ReadDir(data)
	for _, entry := range entries {
		if !slices.Contains(append(except, "lost+found"), entry.Name()) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(data, entry.Name())))
		}
	}
	return err
}
