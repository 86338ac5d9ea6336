package blob

import (
	"os"

	"golang.org/x/sys/unix"
)

// disk is a file system that writes all that it holds back at once, and says what it
// could not write.
type disk struct{ folder *os.File }

// wholeAtOnce are file systems whose syncfs leaves nothing unwritten. Others, such as those
// in user space, may keep what they have been given in memory.
var wholeAtOnce = map[int64]bool{
	unix.EXT4_SUPER_MAGIC: true, unix.XFS_SUPER_MAGIC: true, unix.BTRFS_SUPER_MAGIC: true,
	unix.F2FS_SUPER_MAGIC: true, unix.OVERLAYFS_SUPER_MAGIC: true, unix.TMPFS_MAGIC: true,
}

// openDisk is nil where each file has to be written back on its own.
func openDisk(path string) *disk {
	var about unix.Statfs_t
	if unix.Statfs(path, &about) != nil || !wholeAtOnce[int64(about.Type)] || !tellsErrors() { //nolint:unconvert // 32 bits elsewhere
		return nil
	}
	folder, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	return &disk{os.NewFile(uintptr(folder), path)}
}

// tellsErrors reports whether syncfs tells of what could not be written, as it does since
// Linux 5.8. The next one has close_range, which is asked for a range without files.
func tellsErrors() bool {
	return unix.CloseRange(^uint(0), ^uint(0), 0) == nil
}

func (d *disk) sync() error { return os.NewSyscallError("syncfs", unix.Syncfs(int(d.folder.Fd()))) }

func (d *disk) close() error {
	if d == nil {
		return nil
	}
	return d.folder.Close()
}
