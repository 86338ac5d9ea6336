package outside

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// sharedFile is the number of the shared memory in a child.
const sharedFile = 3

// mostKept is how much of the shared memory stays for the next picture, in bytes.
const mostKept = 16 << 20

// shared is a file in memory: first the data of a picture, from the next page on its
// pixels. The child maps it. The parent only reads and writes it, so that nothing that
// the child does to it can hurt: it would read other pixels, or too few.
type shared struct {
	file *os.File
	size int64
}

func newShared() (*shared, error) {
	file, err := memoryFile()
	if err != nil {
		return nil, fmt.Errorf("shared memory: %w", err)
	}
	return &shared{file: file}, nil
}

// pixelsAt is where the pixels begin behind so many bytes of data.
func pixelsAt(data int) int64 {
	page := int64(os.Getpagesize())
	return (int64(data) + page - 1) / page * page
}

// mostPixels is how many bytes of pixels a request can give.
func mostPixels(request Request) int64 {
	const most = 4 // of bytesPerPixel
	return int64(request.Size.X) * int64(request.Size.Y) * most
}

// lay makes room for a request and puts its data there.
func (s *shared) lay(request Request) error {
	if size := pixelsAt(len(request.Data)) + mostPixels(request); size > s.size {
		if err := s.file.Truncate(size); err != nil {
			return err
		}
		s.size = size
	}
	_, err := s.file.WriteAt(request.Data, 0)
	return err
}

// trim gives most of the memory back.
func (s *shared) trim() error {
	if s.size <= mostKept {
		return nil
	}
	s.size = 0
	return s.file.Truncate(0)
}

// mapping is the shared memory in the child.
type mapping struct {
	file   *os.File
	memory []byte
}

// of gives the data of a request, and room for its pixels. Both are valid until the
// next call.
func (m *mapping) of(head requestHead) (data, pixels []byte, err error) {
	begin, size := pixelsAt(head.DataBytes), mostPixels(head.Request)
	if head.DataBytes < 0 || begin < 0 || size < 0 || begin+size <= 0 {
		return nil, nil, fmt.Errorf("a request for %v pixels from %d bytes", head.Size, head.DataBytes)
	}
	if err := m.cover(begin + size); err != nil {
		return nil, nil, fmt.Errorf("shared memory: %w", err)
	}
	return m.memory[:head.DataBytes:begin], m.memory[begin : begin+size], nil
}

func (m *mapping) cover(size int64) (err error) {
	if size <= int64(len(m.memory)) {
		return nil
	}
	m.unmap()
	m.memory, err = unix.Mmap(int(m.file.Fd()), 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	return err
}

// trim does in the child what shared.trim does in the parent.
func (m *mapping) trim() {
	if len(m.memory) > mostKept {
		m.unmap()
	}
}

func (m *mapping) unmap() {
	if m.memory != nil {
		_ = unix.Munmap(m.memory) // fails only for what is not mapped
		m.memory = nil
	}
}
