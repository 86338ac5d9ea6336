package outside

import (
	"time"

	"golang.org/x/sys/unix"
)

// Bounds of a whole child. It is replaced long before it has used its processor time:
// see mostBusy.
const (
	mostProcessor = time.Hour
	mostFiles     = 64
)

// confineEverywhere gives up what every Unix lets a process give up.
func confineEverywhere() error {
	limits := []struct {
		resource int
		value    uint64
	}{
		{unix.RLIMIT_CORE, 0}, // the memory of a crashed child holds somebody's picture
		{unix.RLIMIT_FSIZE, 0},
		{unix.RLIMIT_NOFILE, mostFiles},
		{unix.RLIMIT_CPU, uint64(mostProcessor / time.Second)},
	}
	for _, limit := range limits {
		if err := unix.Setrlimit(limit.resource, &unix.Rlimit{Cur: limit.value, Max: limit.value}); err != nil {
			return err
		}
	}
	return nil
}
