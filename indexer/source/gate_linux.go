package source

import (
	"os"

	"golang.org/x/sys/unix"
)

// tellsMounts says that a folder on another device than the one above is a mount point.
const tellsMounts = true

// idOf returns the zero folderID where the system does not tell. Where statx is not
// allowed, or as old as Linux 5.7, it does not tell of mounts.
func idOf(folder *os.File) folderID {
	var status unix.Statx_t
	if err := unix.Statx(int(folder.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_INO|unix.STATX_BTIME, &status); err != nil {
		return idByNumbers(folder)
	}
	id := folderID{device: unix.Mkdev(status.Dev_major, status.Dev_minor), inode: status.Ino}
	if status.Mask&unix.STATX_BTIME != 0 {
		id.born = status.Btime.Sec*1e9 + int64(status.Btime.Nsec)
	}
	switch {
	case status.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT == 0:
	case status.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0:
		id.mount = mountRoot
	default:
		id.mount = mountNone
	}
	return id
}
