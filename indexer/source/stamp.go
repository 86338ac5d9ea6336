package source

import (
	"io/fs"
	"time"
)

// Stamp tells states of files apart: as long as a file has the same one, nobody has
// changed it, nor put another one into its place. It is comparable.
type Stamp struct {
	file                    [2]uint64 // device and inode
	size, modified, changed int64
}

// fresh is how long a change of a file may have no mark in its times, with room for
// clocks of file systems that count seconds.
const fresh = 2 * time.Second

// StampOf returns the stamp of an open file. There is none where the system does not
// say when an inode changed, nor of a file that changed a moment before now: the next
// change may bear the same time.
func StampOf(info fs.FileInfo, now time.Time) (Stamp, bool) {
	file, ok := identity("", info).([2]uint64)
	at := changed(info)
	if !ok || at.IsZero() || now.Sub(at) < fresh {
		return Stamp{}, false
	}
	return Stamp{file: file, size: info.Size(), modified: info.ModTime().UnixNano(), changed: at.UnixNano()}, true
}
