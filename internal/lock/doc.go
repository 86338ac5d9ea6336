// Package lock lets one process at a time do something, through a file that
// all of them lock. The kernel gives the lock back when its holder ends,
// however it ends, so there is no stale lock to clear.
//
// The file itself stays when the lock is given back, with what the holder
// wrote into it: were it removed, a process that waits for the old file and
// one that makes a new file would both hold "the" lock. It is readable by its
// owner alone.
//
// A lock holds among processes, and among callers within one process too.
// Between machines that share a folder it holds only if the file system does
// locking.
package lock
