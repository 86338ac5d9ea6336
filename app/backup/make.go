package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"polylens/encoder/hub"
	"polylens/indexer/blob"
	"polylens/indexer/catalog/database"
	"polylens/indexer/upload"
	"polylens/internal/disk"
	"polylens/internal/ordinary"
	"polylens/internal/replace"
)

// Source is a data folder and what belongs to it. It may be in use meanwhile.
type Source struct {
	Data      string
	Catalogue string          // the SQLite file; "" with Postgres
	Store     *database.Store // the catalogue in use, to be read
	Blobs     *blob.Store     // where pictures lie that clients have sent
	Version   string          // of this program
}

// Progress is how far a backup, or a restore, has come.
type Progress struct {
	Step  string // what it does now
	Files int
	Bytes int64
	Of    int64 // bytes; 0 if nobody knows
}

// Report is what a backup holds.
type Report struct {
	Backup
	Files   int      `json:"files"`     // that it names
	Bytes   int64    `json:"bytes"`     // of them
	Copied  int      `json:"copied"`    // files that no earlier backup had
	New     int64    `json:"new_bytes"` // of those
	Missing []string `json:"missing"`   // pictures that could not be copied, each with the reason
}

// attempts is how often the catalogue is copied anew because what it names was gone before
// it could be copied, too.
const attempts = 5

// errMoved says that something has gone since the catalogue was copied.
var errMoved = errors.New("it has gone meanwhile")

// Make makes a backup in a folder, which is made if it is missing. What earlier backups in
// it have is not copied again. tell, which may be nil, hears how far it has come.
func Make(ctx context.Context, source Source, dir string, tell func(Progress)) (report Report, err error) {
	r, err := open(dir)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if tell == nil {
		tell = func(Progress) {}
	}
	for try := 1; ; try++ {
		m := &making{Source: source, repository: r, tell: tell, last: try == attempts}
		report, err = m.all(ctx)
		if !errors.Is(err, errMoved) {
			return report, disk.Explain(err, dir)
		}
	}
}

// line is a file of a push.
type line struct {
	File
	isNew bool // no earlier backup has it
}

// making is one attempt.
type making struct {
	Source
	*repository
	tell  func(Progress)
	last  bool // what is gone is reported, for there will be no other attempt
	store *database.Store
	lines map[string]line // of pushes, by the name of their file
	files []File          // but for contents
	done  Progress
	made  Report
}

func (m *making) all(ctx context.Context) (Report, error) {
	// The lines of pushes go as soon as they are done: those that the catalogue names are
	// there before it is copied, or come after that.
	if err := m.pushes(ctx); err != nil {
		return m.made, err
	}
	moment := time.Now().UTC().Truncate(time.Second)
	end, err := m.catalogue(ctx)
	if err != nil {
		return m.made, err
	}
	defer end()
	if err := m.pushes(ctx); err != nil {
		return m.made, err
	}
	if err := m.chunks(ctx); err != nil {
		return m.made, err
	}
	if err := m.models(ctx); err != nil {
		return m.made, err
	}
	if err := m.room(ctx); err != nil {
		return m.made, err
	}
	return m.made, m.finish(ctx, moment)
}

// catalogue copies the SQLite catalogue and opens the copy. With Postgres it is the
// catalogue in use that says which pictures there are.
func (m *making) catalogue(ctx context.Context) (end func(), err error) {
	m.store = m.Store
	if m.Catalogue == "" {
		return func() {}, nil
	}
	m.step("copying the catalogue", 0)
	size := sizeOf(m.Catalogue) + sizeOf(m.Catalogue+"-wal")
	if err := disk.Check(m.dir, uint64(size)+disk.Low); err != nil {
		return nil, err
	}
	part := m.path(filesFolder, partPrefix+"catalogue")
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := database.Copy(ctx, m.Catalogue, part); err != nil {
		return nil, err
	}
	sum, size, err := sumOf(ctx, part)
	place := ""
	if err == nil {
		place, err = m.ready(sum)
	}
	if err == nil {
		err = replace.Move(part, place)
	}
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	m.add(File{cataloguePath, sum, size}, true)
	if m.store, err = database.OpenReadOnly(m.place(sum)); err != nil {
		return nil, err
	}
	return func() { _ = m.store.Close() }, nil // it was only read
}

func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

func (m *making) step(what string, of int64) {
	m.done = Progress{Step: what, Of: of}
	m.tell(m.done)
}

// add notes a file of the backup.
func (m *making) add(file File, isNew bool) {
	m.files = append(m.files, file)
	if isNew {
		m.made.Copied++
		m.made.New += file.Size
	}
}

// pushes copies what lies there for pushes, as far as that was not done, uploads, which
// they may name, and thumbnails of pictures that are not kept.
func (m *making) pushes(ctx context.Context) error {
	m.step("copying what pushes have still to do", 0)
	if m.lines == nil {
		m.lines = make(map[string]line)
	}
	for _, folder := range []string{"pushes/", upload.Folder, blob.Thumbnails} {
		if err := m.linesOf(ctx, folder); err != nil {
			return err
		}
	}
	return nil
}

func (m *making) linesOf(ctx context.Context, folder string) error {
	return m.Blobs.Walk(ctx, folder, func(file blob.File) error {
		if known, there := m.lines[file.Name]; there && known.Size == file.Size {
			return nil
		}
		err := m.line(ctx, file.Name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was done just now
		}
		return err
	})
}

func (m *making) line(ctx context.Context, name string) error {
	file, err := m.Blobs.Open(ctx, name)
	if err != nil {
		return err
	}
	defer file.Close()
	sum, size, isNew, err := m.keep(ctx, file, "")
	if err == nil {
		m.lines[name] = line{File{picturesPath + name, sum, size}, isNew}
	}
	return err
}

// chunks sees to it that the backup has the lines of whatever its catalogue has still to
// do, and leaves out what was done before.
func (m *making) chunks(ctx context.Context) error {
	open, err := m.store.OpenChunks(ctx)
	if err != nil {
		return err
	}
	for _, chunk := range open {
		if _, there := m.lines[chunk.Content]; there {
			continue
		}
		if !m.last {
			return fmt.Errorf("chunk %d of job %s: %w", chunk.Number, chunk.Job, errMoved)
		}
		m.made.Missing = append(m.made.Missing, fmt.Sprintf("chunk %d of job %s: its lines are gone", chunk.Number, chunk.Job))
	}
	for _, line := range m.lines {
		m.add(line.File, line.isNew)
	}
	return nil
}

// models copies models that the program does not bring along, and which one is in use.
func (m *making) models(ctx context.Context) error {
	m.step("copying models", 0)
	if err := m.plain(ctx, choicePath); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	top := filepath.Join(m.Data, filepath.FromSlash(modelsPath))
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || path == top {
			return err
		}
		if entry.IsDir() {
			if strings.HasPrefix(entry.Name(), ".") || path == filepath.Join(top, hub.BundledName) {
				return fs.SkipDir // half written, or unpacked again
			}
			return ctx.Err()
		}
		relative, err := filepath.Rel(m.Data, path)
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		return m.plain(ctx, filepath.ToSlash(relative))
	})
	if errors.Is(err, fs.ErrNotExist) {
		if m.last {
			return err
		}
		return fmt.Errorf("models: %w: %w", errMoved, err)
	}
	return err
}

// plain copies an ordinary file of the data folder, unless it is there: only its bytes tell.
func (m *making) plain(ctx context.Context, name string) error {
	path := filepath.Join(m.Data, filepath.FromSlash(name))
	sum, size, err := sumOf(ctx, path)
	if err != nil {
		return err
	}
	if m.has(sum, size) {
		m.add(File{name, sum, size}, false)
		return nil
	}
	if err := disk.Check(m.dir, uint64(size)+disk.Low); err != nil {
		return err
	}
	file, err := ordinary.OpenContext(ctx, path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, _, _, err = m.keep(ctx, file, sum)
	if errors.Is(err, errOther) && !m.last {
		err = errMoved
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	m.add(File{name, sum, size}, true)
	return nil
}
