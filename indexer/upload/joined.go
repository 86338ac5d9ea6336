package upload

import (
	"context"
	"errors"
	"io"
	"sort"
	"time"

	"polylens/indexer/blob"
)

// joined reads the parts of an upload as one file. One part is open at a time.
type joined struct {
	ctx    context.Context
	blobs  *blob.Store
	upload Upload
	at     int64
	open   blob.Reader // the part in which at lies; nil: none
	end    int64       // of that part
}

// Size implements blob.Reader.
func (j *joined) Size() int64 { return j.upload.Size }

// ModTime implements blob.Reader.
func (j *joined) ModTime() time.Time { return j.upload.Touched }

// Read implements io.Reader.
func (j *joined) Read(into []byte) (int, error) {
	if j.at >= j.upload.Size {
		return 0, io.EOF
	}
	if j.open == nil {
		if err := j.show(); err != nil {
			return 0, err
		}
	}
	n, err := j.open.Read(into[:min(int64(len(into)), j.end-j.at)])
	j.at += int64(n)
	if errors.Is(err, io.EOF) && n > 0 {
		err = nil
	} else if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // a part has less than it had
	}
	if j.at == j.end {
		err = errors.Join(err, j.closePart())
	}
	return n, err
}

// show opens the part in which the next byte lies.
func (j *joined) show() error {
	begin := int64(0)
	ends := make([]int64, len(j.upload.parts))
	for i, part := range j.upload.parts {
		begin += part.Size
		ends[i] = begin
	}
	i := sort.Search(len(ends), func(i int) bool { return ends[i] > j.at })
	part := j.upload.parts[i]
	open, err := j.blobs.Open(j.ctx, part.Name)
	if err != nil {
		return err
	}
	if _, err := open.Seek(j.at-(ends[i]-part.Size), io.SeekStart); err != nil {
		return errors.Join(err, open.Close())
	}
	j.open, j.end = open, ends[i]
	return nil
}

// Seek implements io.Seeker.
func (j *joined) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += j.at
	case io.SeekEnd:
		offset += j.upload.Size
	}
	if offset < 0 {
		return 0, errors.New("seek before the beginning")
	}
	if offset == j.at {
		return offset, nil
	}
	j.at = offset
	return offset, j.closePart()
}

func (j *joined) closePart() error {
	open := j.open
	j.open = nil
	if open == nil {
		return nil
	}
	return open.Close()
}

// Close implements io.Closer.
func (j *joined) Close() error { return j.closePart() }
