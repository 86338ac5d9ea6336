package ordinary

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Err is wrapped by the errors for what is there, but is no ordinary file.
var Err = errors.New("not an ordinary file")

// Open opens an ordinary file for reading. It waits for nobody. Errors are
// *fs.PathError; for anything but an ordinary file they wrap Err, for one that does not
// answer patient.ErrSilent.
func Open(path string) (*File, error) {
	return OpenContext(context.Background(), path)
}

// OpenContext is Open for a file that nobody wants any more when ctx ends: what is
// read from it then is the error of ctx, even where the file does not answer.
func OpenContext(ctx context.Context, path string) (*File, error) {
	return open(ctx, anywhere{}, path, forOthers)
}

// Folder opens what lies below it; *os.Root is one.
type Folder interface {
	// Stat follows links.
	Stat(name string) (fs.FileInfo, error)
	// OpenFile has the parameters of os.OpenFile.
	OpenFile(name string, flag int, mode fs.FileMode) (*os.File, error)
}

// In is OpenContext for a name below a folder.
func In(ctx context.Context, folder Folder, name string) (*File, error) {
	return open(ctx, folder, name, forOthers)
}

// Read reads an ordinary file of at most so many bytes, see File.ReadAll.
func Read(path string, most int64) ([]byte, error) {
	return read(path, most, forOthers)
}

// ReadKernel is Read for a file of the kernel, as below /proc, whose path nobody else
// has said.
func ReadKernel(path string, most int64) ([]byte, error) {
	return read(path, most, forUs)
}

func read(path string, most int64, who reader) ([]byte, error) {
	file, err := open(context.Background(), anywhere{}, path, who)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return file.ReadAll(most)
}

// reader is who has said where a file is.
type reader bool

const (
	forOthers reader = false
	forUs     reader = true
)

// anywhere is the Folder of all files.
type anywhere struct{}

func (anywhere) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

func (anywhere) OpenFile(name string, flag int, mode fs.FileMode) (*os.File, error) {
	return os.OpenFile(name, flag, mode)
}

func open(ctx context.Context, folder Folder, name string, who reader) (*File, error) {
	file, err := call(ctx, "open", placeOf(folder, name), func() (*os.File, error) {
		return openOrdinary(folder, name, who)
	}, closeLate)
	if err != nil {
		return nil, err
	}
	return &File{handle: file, ctx: ctx, place: placeOf(folder, name)}, nil
}

// placeOf is the whole path of a name in a folder that tells its own, as *os.Root does.
func placeOf(folder Folder, name string) string {
	if named, ok := folder.(interface{ Name() string }); ok {
		return named.Name() + string(os.PathSeparator) + name
	}
	return name
}

// openOrdinary looks before it opens, since to open a device may do something, and again
// afterwards, since the file may have been exchanged. It opens without waiting for the
// other end of a pipe.
func openOrdinary(folder Folder, name string, who reader) (*os.File, error) {
	info, err := folder.Stat(name)
	if err != nil {
		return nil, err
	}
	if err := check(name, info); err != nil {
		return nil, err
	}
	file, err := folder.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err = file.Stat(); err == nil {
		err = check(name, info)
	}
	if err == nil && who == forOthers && isOfKernel(file) {
		err = &fs.PathError{Op: "open", Path: name, Err: errKernel}
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

func check(name string, info fs.FileInfo) error {
	if info.Mode().IsRegular() {
		return nil
	}
	return &fs.PathError{Op: "open", Path: name, Err: kindError{info.Mode()}}
}

// errKernel is for what looks like a file and is something that the kernel computes, or
// waits for.
var errKernel = fmt.Errorf("it is a file of the kernel, %w: copy what it says to a file on a disk", Err)

// kindError says what there is in place of an ordinary file.
type kindError struct{ mode fs.FileMode }

func (e kindError) Error() string { return fmt.Sprintf("it is %s, %v", Kind(e.mode), Err) }

func (e kindError) Is(target error) bool {
	return target == Err || e.mode.IsDir() && target == syscall.EISDIR
}

// Kind names for people what is no file.
func Kind(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "something special"
}
