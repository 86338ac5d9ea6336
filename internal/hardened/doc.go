// Package hardened makes a test's process, and all that it starts, live on a system
// that refuses what hardened systems and containers refuse. It is the real thing:
// the kernel refuses.
//
// Only tests use it. What it takes away does not come back, so a test starts a
// process of its own: see [Prepare] and [Apply].
package hardened
