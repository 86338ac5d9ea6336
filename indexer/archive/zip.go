package archive

import (
	"archive/zip"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// readZip reads members in the order of their names, so that what belongs together
// follows one another, but tables of metadata before all.
func (c *collector) readZip(content io.Reader) error {
	at, ok := content.(io.ReaderAt)
	seeker, seeks := content.(io.Seeker)
	if !ok || !seeks {
		return errors.New("it is a zip archive, whose directory stands at its end, so it cannot be read as it comes in: store it first, or send tar")
	}
	size, err := seeker.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	directory := &limitedAt{ReaderAt: at, left: c.limits.MaxDirectory}
	archive, err := zip.NewReader(directory, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return fmt.Errorf("its directory, which stands at its end, cannot be read; is it cut off? %w", cutOff(err))
	}
	directory.left = -1 // all else has bounds of its own
	c.meter.packed = size
	files := slices.Clone(archive.File)
	slices.SortStableFunc(files, func(a, b *zip.File) int { return cmp.Compare(a.Name, b.Name) })
	isTable := func(file *zip.File) bool { return kindOf(zipName(file)) == tableKind }
	slices.SortStableFunc(files, func(a, b *zip.File) int { return cmp.Compare(order(isTable(a)), order(isTable(b))) })
	for _, file := range files {
		if err := c.member(c.memberOfZip(file)); err != nil {
			return err
		}
		if err := c.meter.beyond(Zip); err != nil {
			return err
		}
	}
	return c.finish()
}

// order puts first what is to be first.
func order(first bool) int {
	if first {
		return 0
	}
	return 1
}

// limitedAt refuses to read more than so many bytes, unless that is negative.
type limitedAt struct {
	io.ReaderAt
	left int64
}

// ReadAt implements io.ReaderAt.
func (l *limitedAt) ReadAt(p []byte, offset int64) (int, error) {
	if l.left < 0 {
		return l.ReaderAt.ReadAt(p, offset)
	}
	if l.left -= int64(len(p)); l.left < 0 {
		l.left = 0
		return 0, fmt.Errorf("it has too many members: %w; split the archive, or send tar", ErrLimit)
	}
	return l.ReaderAt.ReadAt(p, offset)
}

func (c *collector) memberOfZip(file *zip.File) member {
	const encrypted = 1
	m := member{name: zipName(file), size: int64(min(file.UncompressedSize64, 1<<62)), apart: true, content: func() (io.ReadCloser, error) {
		content, err := file.Open()
		if err != nil {
			return nil, err
		}
		return closing{c.meter.unpackedReader(content, None), content}, nil
	}}
	mode := file.Mode()
	switch {
	case strings.HasSuffix(file.Name, "/") || mode.IsDir():
		m.folder = true
	case !mode.IsRegular():
		m.problem = errors.New("it is a link, or no ordinary file: archive the picture itself")
	case file.Flags&encrypted != 0:
		m.problem = errors.New("it is encrypted: write the archive without a password")
	case file.Method != zip.Store && file.Method != zip.Deflate:
		m.problem = fmt.Errorf("it is packed in a way that is not read (method %d): write the archive with deflate, or without compression", file.Method)
	}
	return m
}

// closing is a reader, and what is closed with it.
type closing struct {
	io.Reader
	io.Closer
}

// zipName is the name of a member. Names that are not said to be UTF-8 and are not are
// of the code page of the first PCs, as the format has it.
func zipName(file *zip.File) string {
	if utf8.ValidString(file.Name) {
		return file.Name
	}
	name, err := charmap.CodePage437.NewDecoder().String(file.Name)
	if err != nil {
		return strings.ToValidUTF8(file.Name, "\uFFFD")
	}
	return name
}
