// Package ordinary opens files of which others have said where they are, and only
// ordinary ones. A pipe in a file's place would keep its reader waiting for a writer,
// a thread of this process with it; a device may have no end, or do something when it
// is opened. Links are followed: what counts is where they lead.
//
// It is no guard of folders: os.Root keeps names below one, and In opens there.
package ordinary
