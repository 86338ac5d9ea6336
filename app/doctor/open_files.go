package doctor

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"
)

// leastOpenFiles is how many files a process must be able to have open: the catalogue,
// the libraries, the connections of some clients and those to Milvus, whose own process
// has the same limit and needs the most.
const leastOpenFiles = 512

// raiseOpenFiles says who can raise the limit. Go has raised the soft one to the hard
// one already.
var raiseOpenFiles = fmt.Sprintf("raise the limit to %d or more: ulimit -Hn in the shell of an administrator, LimitNOFILE= of a service, "+
	"--ulimit nofile= of a container", 2*leastOpenFiles)

// fewOpenFiles is nil if this process may have enough files open.
func fewOpenFiles() error {
	limit, ok := openFiles()
	if !ok || limit >= leastOpenFiles {
		return nil
	}
	return fmt.Errorf("this process may have only %d files open, and Polylens needs %d", limit, leastOpenFiles)
}

// CheckOpenFiles is nil if this process may have enough files open. With too few
// everything fails somewhere in the middle, each time with other words.
func CheckOpenFiles() error {
	if err := fewOpenFiles(); err != nil {
		return fmt.Errorf("%w: %s", err, raiseOpenFiles)
	}
	return nil
}

// openFiles is the limit, of a system that has one.
func openFiles() (limit uint64, ok bool) {
	var found unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &found)
	return uint64(found.Cur), err == nil
}

func checkOpenFiles(context.Context) []Finding {
	if err := fewOpenFiles(); err != nil {
		return []Finding{trouble("open-files", raiseOpenFiles, err)}
	}
	limit, ok := openFiles()
	if !ok {
		return nil
	}
	return []Finding{good("open-files", "%d may be open", limit)}
}
