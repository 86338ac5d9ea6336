package watch

import "golang.org/x/sys/unix"

// networks are file systems that other machines change, by the number that Linux has for
// them.
var networks = map[int64]string{
	unix.NFS_SUPER_MAGIC: "NFS", unix.SMB_SUPER_MAGIC: "SMB", unix.SMB2_SUPER_MAGIC: "SMB", unix.CIFS_SUPER_MAGIC: "CIFS",
	unix.CEPH_SUPER_MAGIC: "Ceph", unix.AFS_SUPER_MAGIC: "AFS", unix.V9FS_MAGIC: "9P", unix.CODA_SUPER_MAGIC: "Coda",
}

// networkOf names the network file system that a folder lies on; empty for others.
func networkOf(folder string) string {
	var about unix.Statfs_t
	if err := unix.Statfs(folder, &about); err != nil {
		return ""
	}
	return networks[int64(about.Type)]
}
