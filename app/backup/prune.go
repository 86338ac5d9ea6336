package backup

import (
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"polylens/internal/replace"
)

// Prune removes all but the newest backups of a folder, keep of them, and the files that
// none has any more. One of these whose manifest cannot be read keeps it from removing
// anything: nobody knows which files are its.
func Prune(ctx context.Context, dir string, keep int) (err error) {
	r, err := open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	all, err := List(dir)
	if err != nil || len(all) <= keep {
		return err
	}
	needed, err := r.needed(all[:keep])
	if err != nil {
		return err
	}
	for _, old := range all[keep:] {
		if err := os.Remove(r.path(backupsFolder, old.Name+manifestSuffix)); err != nil {
			return err
		}
	}
	if err := replace.SyncFolder(r.path(backupsFolder)); err != nil { // before files go that they name
		return err
	}
	return r.removeBut(ctx, needed)
}

type sum [32]byte

// needed are the files that backups have.
func (r *repository) needed(backups []Backup) (map[sum]bool, error) {
	needed := make(map[sum]bool)
	for _, backup := range backups {
		_, err := Found{Backup: backup, dir: r.dir}.each(func(file File) error {
			var key sum
			_, err := hex.Decode(key[:], []byte(file.SHA256))
			needed[key] = true
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return needed, nil
}

func (r *repository) removeBut(ctx context.Context, needed map[sum]bool) error {
	return filepath.WalkDir(r.path(filesFolder), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil || !entry.Type().IsRegular() {
			return errors.Join(err, ctx.Err())
		}
		var key sum
		if _, err := hex.Decode(key[:], []byte(entry.Name())); err != nil || !isSum(entry.Name()) || needed[key] {
			return nil // it is needed, or none of ours
		}
		return os.Remove(path)
	})
}
