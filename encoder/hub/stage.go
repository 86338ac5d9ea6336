package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"polylens/internal/disk"
	"polylens/internal/ordinary"
	"polylens/internal/replace"
)

// pulling is the folder below the models folder in which models are made. Each
// has a folder of its own there, with "parts", what is being fetched, and
// "new", the model directory of the files that are whole.
const pulling = ".pulling"

func (s Store) stagingOf(name string) string {
	return filepath.Join(s.Models, pulling, folderName(name))
}

func (p *pull) fresh() string { return filepath.Join(p.staging, "new") }

func (p *pull) freshPath(name string) string {
	return filepath.Join(p.fresh(), filepath.FromSlash(name))
}

// partPath names a part by its content too, so that another version does not
// go on where this one ended.
func (p *pull) partPath(file remoteFile) string {
	return filepath.Join(p.staging, "parts", url.PathEscape(file.Name)+"."+file.hash())
}

func (p *pull) stampFile(stamp StampedFile) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.stamps[stamp.Name] = stamp
}

// atHand finds the chosen files on this machine, each compared with the hash
// that the hub names.
func (p *pull) atHand(ctx context.Context) (map[string]string, error) {
	held := map[string]string{}
	for _, file := range p.chosen {
		for _, path := range p.candidates(file) {
			stamp, err := checkFile(ctx, path, file)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err == nil {
				held[file.Name] = path
				p.stampFile(stamp)
				p.progress.add(file.Bytes)
				break
			}
		}
	}
	return held, nil
}

// candidates are the paths at which a file may be found.
func (p *pull) candidates(file remoteFile) []string {
	paths := []string{filepath.Join(p.target, filepath.FromSlash(file.Name)), p.freshPath(file.Name)}
	if p.store.Cache == "" {
		return paths
	}
	cached := snapshot{Name: p.reference.Name, Commit: p.listing.Commit, repo: filepath.Join(p.store.Cache, cachePrefix+folderName(p.reference.Name))}
	if path, err := cached.real(file.Name); err == nil {
		paths = append(paths, path)
	}
	return append(paths, filepath.Join(cached.repo, cacheBlobs, file.hash()))
}

// isWhole reports whether the model directory holds every file already.
func (p *pull) isWhole(held map[string]string) bool {
	for _, file := range p.chosen {
		if held[file.Name] != filepath.Join(p.target, filepath.FromSlash(file.Name)) {
			return false
		}
	}
	return true
}

// checkTarget refuses to replace or to fill what no pull has made.
func (p *pull) checkTarget() error {
	if owner := filepath.Dir(p.target); owner != filepath.Clean(p.store.Models) && isModel(owner) {
		return fmt.Errorf("%s is a model itself: move it away", owner)
	}
	if _, err := ordinary.Lstat(p.target); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if _, err := ReadManifest(p.target); err != nil {
		return fmt.Errorf("%s was not made by a pull and is left alone (%w): move it away, or use it as it is", p.target, err)
	}
	return nil
}

// prepare makes a fresh directory of the files that are on this machine and returns
// the others.
func (p *pull) prepare(ctx context.Context, held map[string]string) (missing []remoteFile, err error) {
	if err := p.clearFresh(held); err != nil {
		return nil, err
	}
	for _, file := range p.chosen {
		path, fresh := held[file.Name], p.freshPath(file.Name)
		if path == "" {
			missing = append(missing, file)
		} else if path != fresh {
			if err := linkOrCopy(ctx, path, fresh); err != nil {
				return nil, fmt.Errorf("taking %s from this machine: %w", path, err)
			}
		}
	}
	return missing, os.MkdirAll(p.fresh(), 0o755)
}

// clearFresh removes, from what an ended pull has left, whatever is not to be part of
// the model.
func (p *pull) clearFresh(held map[string]string) error {
	err := filepath.WalkDir(p.fresh(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(p.fresh(), path)
		if err != nil || held[filepath.ToSlash(name)] == path {
			return err
		}
		return os.Remove(path)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// linkOrCopy takes a file over without taking its space twice, if it can.
func linkOrCopy(ctx context.Context, from, to string) error {
	if link(from, to) == nil {
		return nil
	}
	source, err := ordinary.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	return replace.DurableFrom(to, contextReader{ctx, source}, replace.Shared)
}

// contextReader stops reading when its context ends.
type contextReader struct {
	ctx  context.Context
	from io.Reader
}

func (r contextReader) Read(buffer []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(buffer)
}

// spare is left free on the disk, in bytes.
const spare = 64 << 20

// checkSpace compares what is missing with the free space of the disk.
func (p *pull) checkSpace(missing []remoteFile) error {
	var needed int64
	for _, file := range missing {
		needed += file.Bytes
		if part, err := ordinary.Stat(p.partPath(file)); err == nil {
			needed -= min(part.Size(), file.Bytes)
		}
	}
	free, err := disk.Free(p.store.Models)
	if err != nil {
		return err
	}
	if needed > 0 && uint64(needed)+spare > free {
		return fmt.Errorf("%.1f MB are to be fetched, but only %.1f MB are free in %s: make room, or name another data folder with --data",
			megabytes(needed), float64(free)/1e6, p.store.Models)
	}
	return nil
}

func move(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.Rename(from, to)
}
