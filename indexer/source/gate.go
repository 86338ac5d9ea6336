package source

import (
	"context"
	"fmt"
	"os"

	"polylens/internal/ordinary"
)

// Entered is a folder that a walk looks into.
type Entered struct {
	URI string
	// Identity tells the folder that lies behind a gate from others. A gate is a path
	// that may come to lead to another folder though nothing in the folder above
	// changes: the place itself, a link that is followed, and where Linux tells of them
	// a mount point. "" for all other folders, and where it is not known.
	Identity string
	Mount    bool // a file system is mounted here
}

// folderID tells folders apart. A file system that is used again, or another one in its
// place, may have the same numbers, but its folder was born at another time.
type folderID struct {
	device, inode uint64
	born          int64 // nanoseconds since 1970; 0 where it is not known
	mount         mountState
}

// mountState says whether a folder is the root of a file system that is mounted there.
type mountState int

const (
	mountUnknown mountState = iota
	mountNone
	mountRoot
)

// isMount reports whether something is mounted at a folder, which lies in another one.
func (id folderID) isMount(above folderID) bool {
	if id.mount == mountUnknown {
		return tellsMounts && above != folderID{} && id.device != above.device
	}
	return id.mount == mountRoot
}

// idByNumbers is the folderID of a system that tells no more.
func idByNumbers(folder *os.File) folderID {
	info, err := folder.Stat()
	if err != nil {
		return folderID{}
	}
	numbers, _ := identity("", info).([2]uint64)
	return folderID{device: numbers[0], inode: numbers[1]}
}

// gate says of a folder what a visitor is told.
func (w *walker) gate(name string, self, above folderID, isLink bool) Entered {
	folder := Entered{URI: w.uri(name), Mount: !isLink && self.isMount(above)}
	if isLink || folder.Mount {
		folder.Identity, _ = identityOf(w.ctx, w.path(name), self)
	}
	return folder
}

// IdentityOf is the Identity of what lies behind a gate now; "" where there is no folder,
// and an error where the file system does not say.
func IdentityOf(ctx context.Context, uri string) (string, error) {
	path, err := filePath(uri)
	if err != nil {
		return "", nil
	}
	info, err := ordinary.StatContext(ctx, path)
	if err == nil && !info.IsDir() {
		return "", nil // and is not opened: it may be a pipe, or a device
	}
	var id folderID
	if err == nil {
		id, err = ordinary.Look(ctx, anywhere(path), ".", idOf)
	}
	var found string
	if err == nil {
		found, err = identityOf(ctx, path, id)
	}
	switch {
	case err == nil:
		return found, nil
	case saysNothing(err):
		return "", err
	}
	return "", nil
}

// SizeOf is the size of an ordinary file.
func SizeOf(ctx context.Context, uri string) (int64, error) {
	path, err := filePath(uri)
	if err != nil {
		return 0, err
	}
	info, err := ordinary.StatContext(ctx, path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: %w", uri, ordinary.Err)
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// identityOf is about the path that links lead to as well: numbers of folders that are
// gone are used again. Next to an error it takes the path as it is.
func identityOf(ctx context.Context, path string, id folderID) (string, error) {
	real, err := ordinary.Real(ctx, path)
	if err != nil {
		real = path
	}
	return fmt.Sprintf("%x:%x:%x %s", id.device, id.inode, id.born, fileURI(real)), err
}
