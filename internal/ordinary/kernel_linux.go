package ordinary

import (
	"os"

	"golang.org/x/sys/unix"
)

// isOfKernel reports whether a file lies in a file system without a disk, in which
// reading asks the kernel. Those that keep what was written, such as tmpfs, are not
// among them.
func isOfKernel(file *os.File) bool {
	raw, err := file.SyscallConn()
	if err != nil {
		return false
	}
	var place unix.Statfs_t
	failed := raw.Control(func(number uintptr) { err = unix.Fstatfs(int(number), &place) })
	if failed != nil || err != nil {
		return false // whatever that is, it is not the kernel's
	}
	switch int64(place.Type) {
	case unix.PROC_SUPER_MAGIC, unix.SYSFS_MAGIC, unix.DEBUGFS_MAGIC, unix.TRACEFS_MAGIC, unix.SECURITYFS_MAGIC,
		unix.SELINUX_MAGIC, unix.SMACK_MAGIC, unix.CGROUP_SUPER_MAGIC, unix.CGROUP2_SUPER_MAGIC, unix.BPF_FS_MAGIC,
		unix.PSTOREFS_MAGIC, unix.EFIVARFS_MAGIC, unix.NSFS_MAGIC, configfs, mqueue:
		return true
	}
	return false
}

// File systems that package unix has no name for, from linux/magic.h and their sources.
const (
	configfs = 0x62656570
	mqueue   = 0x19800202
)
