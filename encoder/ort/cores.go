package ort

import "runtime"

// Cores returns how many processor cores this process may keep busy: those of its
// affinity mask, no more than its control group allows, or what GOMAXPROCS says. The
// Go runtime knows all three; a share below two cores counts as two.
func Cores() int { return runtime.GOMAXPROCS(0) }
