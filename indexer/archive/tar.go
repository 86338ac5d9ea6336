package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"strings"

	"polylens/indexer/metadata"
)

const block = 512

// readTar reads members to the end.
func (c *collector) readTar(content io.Reader) error {
	at := int64(0) // a tar.Reader must not know whether it can seek: what it skips counts
	counted := readerFunc(func(p []byte) (int, error) {
		n, err := content.Read(p)
		at += int64(n)
		return n, err
	})
	reader := tar.NewReader(counted)
	inside := int64(0) // where the member ends that is being read
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) && at >= (inside+block-1)/block*block+block {
			return c.finish()
		}
		if err != nil {
			return c.broken(err)
		}
		m := memberOfTar(header, reader)
		if inside = at; m.problem == nil && !m.folder { // what has holes has less than it says
			inside += header.Size
		}
		if err := c.member(m); err != nil {
			return c.broken(err)
		}
	}
}

// broken says how far the archive is good.
func (c *collector) broken(err error) error {
	if c.members == 0 && errors.Is(err, tar.ErrHeader) {
		return errors.New("it is no archive that is read: send zip, tar, or tar packed with gzip, zstd, bzip2 or xz")
	}
	return fmt.Errorf("at or after member %d, %s: %w", c.members, quoted(c.last), cutOff(err))
}

var errHoles = errors.New("it is stored with holes: write the archive again without --sparse")

func memberOfTar(header *tar.Header, reader io.Reader) member {
	m := member{name: metadata.Decode([]byte(header.Name)), size: header.Size, content: func() (io.ReadCloser, error) { return io.NopCloser(reader), nil }}
	switch header.Typeflag {
	case tar.TypeReg:
	case tar.TypeDir, tar.TypeXGlobalHeader:
		m.folder = true
	case tar.TypeSymlink, tar.TypeLink:
		m.problem = errors.New("it is a link to another member: archive the picture itself (tar -h --hard-dereference)")
	case tar.TypeGNUSparse:
		m.problem = errHoles
	default:
		m.problem = errors.New("it is no ordinary file")
	}
	for name := range header.PAXRecords {
		if strings.HasPrefix(name, "GNU.sparse.") {
			m.problem = errHoles
		}
	}
	return m
}
