package ordinary

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// Err is wrapped by the errors for what is there, but is no ordinary file.
var Err = errors.New("not an ordinary file")

// Open opens an ordinary file for reading. It waits for nobody. Errors are
// *fs.PathError; for anything but an ordinary file they wrap Err.
func Open(path string) (*os.File, error) {
	return open(path, os.Stat, os.OpenFile)
}

// Folder opens what lies below it; *os.Root is one.
type Folder interface {
	Stat(name string) (fs.FileInfo, error)
	OpenFile(name string, flag int, mode fs.FileMode) (*os.File, error)
}

// In is Open for a name below a folder.
func In(folder Folder, name string) (*os.File, error) {
	return open(name, folder.Stat, folder.OpenFile)
}

// Read reads an ordinary file of at most so many bytes. The error for a longer one
// says so; it is found before anything is read where the file tells its size.
func Read(path string, most int64) ([]byte, error) {
	file, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > most {
		return nil, tooLong(path, most)
	}
	content, err := io.ReadAll(io.LimitReader(file, most+1)) // files of the kernel tell no size
	if err == nil && int64(len(content)) > most {
		err = tooLong(path, most)
	}
	return content, err
}

func tooLong(path string, most int64) error {
	return &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("it has more than the %d bytes that are read of such a file", most)}
}

// open looks before it opens, since to open a device may do something, and again
// afterwards, since the file may have been exchanged. It opens without waiting for the
// other end of a pipe.
func open(name string, stat func(string) (fs.FileInfo, error), openFile func(string, int, fs.FileMode) (*os.File, error)) (*os.File, error) {
	info, err := stat(name)
	if err != nil {
		return nil, err
	}
	if err := check(name, info); err != nil {
		return nil, err
	}
	file, err := openFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err = file.Stat(); err == nil {
		err = check(name, info)
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

// kindError says what there is in place of an ordinary file.
type kindError struct{ mode fs.FileMode }

func (e kindError) Error() string { return fmt.Sprintf("it is %s, %v", kind(e.mode), Err) }

func (e kindError) Is(target error) bool {
	return target == Err || e.mode.IsDir() && target == syscall.EISDIR
}

func kind(mode fs.FileMode) string {
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
