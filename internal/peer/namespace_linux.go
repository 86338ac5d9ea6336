package peer

import (
	"os"
	"strconv"
	"strings"
	"sync"
)

// everybody is the map of a user namespace that knows each user by its own number.
const everybody = "0 0 4294967295"

// overflow is the user that the kernel names in place of those whom this process's user
// namespace does not know, and whether there are any. Both stay as they are.
var overflow = sync.OnceValues(func() (user uint32, some bool) {
	known, err := os.ReadFile("/proc/self/uid_map")
	if err == nil && strings.Join(strings.Fields(string(known)), " ") == everybody {
		return 0, false
	}
	const usual = 65534
	text, err := os.ReadFile("/proc/sys/kernel/overflowuid")
	if err != nil {
		return usual, true
	}
	number, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32)
	if err != nil {
		return usual, true
	}
	return uint32(number), true
})

// isOverflow reports whether a number may stand for a user who is not known here.
func isOverflow(user uint32) bool {
	unknown, some := overflow()
	return some && user == unknown
}
