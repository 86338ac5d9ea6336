package ordinary

import (
	"io/fs"
	"testing"
	"time"

	"polylens/internal/patient"
)

// Hurry makes calls that are not answered be left soon, for a test.
func Hurry(t *testing.T, patience time.Duration) {
	t.Helper()
	before := files
	files = patient.New(patient.Limits{Patience: patience, Grace: 10 * time.Millisecond, PerFolder: 4, Total: 16, AtOnce: 32})
	t.Cleanup(func() { files = before })
}

// TellSize lets a file say that it has so many bytes.
func TellSize(file *File, size int64) { file.handle = sized{file.handle, size} }

type sized struct {
	handle
	size int64
}

func (s sized) Stat() (fs.FileInfo, error) {
	info, err := s.handle.Stat()
	return sizedInfo{info, s.size}, err
}

type sizedInfo struct {
	fs.FileInfo
	size int64
}

func (s sizedInfo) Size() int64 { return s.size }
