// Package ordinary opens files of which others have said where they are, and only
// ordinary ones. A pipe in a file's place would keep its reader waiting for a writer,
// a thread of this process with it; a device may have no end, or do something when it
// is opened; what the kernel shows as files, as below /proc, may wait for an event.
// Links are followed: what counts is where they lead.
//
// A disk or a network share that is gone answers no call. Each call here is left after
// half a minute, and soon after its context ends, with an error that says so (package
// patient): who reads a file that hangs goes on.
//
// It is no guard of folders: os.Root keeps names below one, and In opens there.
package ordinary
