package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/internal/disk"
	"polylens/internal/replace"
)

// contents calls yield with every picture that clients have sent.
func (m *making) contents(ctx context.Context, yield func(catalog.StoredContent) error) error {
	for after := ""; ; {
		page, err := m.store.StoredContents(ctx, "", after, 1000)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, content := range page {
			if err := yield(content); err != nil {
				return err
			}
		}
		after = page[len(page)-1].SHA256
	}
}

// room checks that there is room for the pictures that are not there yet.
func (m *making) room(ctx context.Context) error {
	var needed int64
	err := m.contents(ctx, func(content catalog.StoredContent) error {
		if !m.has(content.SHA256, content.Size) {
			needed += content.Size
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	m.step("copying pictures", needed)
	return disk.Check(m.dir, uint64(needed)+disk.Low)
}

// finish copies the pictures and writes the manifest, whose name makes it a backup.
func (m *making) finish(ctx context.Context, moment time.Time) error {
	name, err := m.free(moment)
	if err != nil {
		return err
	}
	reader, writer := io.Pipe()
	var written sync.WaitGroup
	written.Go(func() { writer.CloseWithError(m.write(ctx, writer, moment)) })
	err = replace.DurableFrom(m.path(backupsFolder, name+manifestSuffix), reader, replace.Private)
	reader.CloseWithError(errors.Join(err, io.ErrClosedPipe)) // ends write, if it goes on
	written.Wait()
	m.made.Backup = Backup{name, moment}
	return err
}

// free is a name that no backup has: the moment, or one soon after it.
func (m *making) free(moment time.Time) (string, error) {
	made, err := List(m.dir)
	if err != nil {
		return "", err
	}
	for {
		name := moment.Format(stampForm)
		if !slices.ContainsFunc(made, func(b Backup) bool { return b.Name == name }) {
			return name, nil
		}
		moment = moment.Add(time.Second)
	}
}

// write writes the manifest while it copies the pictures.
func (m *making) write(ctx context.Context, out io.Writer, moment time.Time) error {
	manifest, err := newManifest(out, Header{Format: format, Program: m.Version, Moment: moment, Postgres: m.Catalogue == ""})
	if err != nil {
		return err
	}
	put := func(file File) error {
		m.made.Files++
		m.made.Bytes += file.Size
		return manifest.add(file)
	}
	slices.SortFunc(m.files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	for _, file := range m.files {
		if err := put(file); err != nil {
			return err
		}
	}
	err = m.contents(ctx, func(content catalog.StoredContent) error {
		kept, err := m.content(ctx, content)
		if err != nil || !kept {
			return err
		}
		return put(File{picturesPath + blob.ContentName(content.SHA256), content.SHA256, content.Size})
	})
	if err == nil {
		err = manifest.end()
	}
	return err
}

// content copies a picture, unless it is there. One that is missing or damaged is reported,
// and the backup goes on.
func (m *making) content(ctx context.Context, content catalog.StoredContent) (kept bool, err error) {
	m.done.Files++
	m.tell(m.done)
	if m.has(content.SHA256, content.Size) {
		return true, nil
	}
	file, err := m.Blobs.Open(ctx, blob.ContentName(content.SHA256))
	if err == nil {
		_, _, _, err = m.keep(ctx, file, content.SHA256)
		err = errors.Join(err, file.Close())
	}
	switch {
	case err == nil:
		m.made.Copied++
		m.made.New += content.Size
		m.done.Bytes += content.Size
		return true, nil
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	case errors.Is(err, fs.ErrNotExist):
		return false, m.gone(ctx, content, err)
	case errors.Is(err, errOther):
		m.made.Missing = append(m.made.Missing, content.URI+": "+err.Error())
		return false, nil
	}
	return false, err
}

// gone is about a picture without a file: its image may have been deleted since the
// catalogue was copied.
func (m *making) gone(ctx context.Context, content catalog.StoredContent, missing error) error {
	needed, err := m.Store.ExpectedContents(ctx, []string{content.SHA256})
	if err != nil {
		return err
	}
	if !needed[content.SHA256] && !m.last {
		return fmt.Errorf("%s: %w: %w", content.URI, errMoved, missing)
	}
	m.made.Missing = append(m.made.Missing, content.URI+": its file is gone")
	return nil
}
