package source

import (
	"io/fs"
	"syscall"
	"time"
)

// changed is when the inode of a file changed last, which no program can set back;
// zero when that is not known.
func changed(info fs.FileInfo) time.Time {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(stat.Ctim.Unix())
	}
	return time.Time{}
}
