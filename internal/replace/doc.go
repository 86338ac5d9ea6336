// Package replace gives files and directories new content, whole or not at
// all: whoever opens one meanwhile finds the old content or the new, never a
// part, even if the writing process dies.
//
// There are two promises about a power failure:
//
//   - Durable: when the call has returned, the new content stays. The file and
//     the folder that names it are flushed to the disk. So is a Directory.
//   - Volatile: the file may be old, new, empty, short or gone. This is for what
//     readers check and can make anew, and costs no wait for the disk.
//
// One rule of permissions: what lies in the data folder and in caches is
// Private, readable by its owner alone, whatever an earlier file was. Shared
// are the directories of models and of training runs, whose files are meant for
// other programs too. The umask takes from both.
//
// A process that is killed while it writes leaves a file or a directory with a
// hidden name beside the one it was to replace. Sweep and SweepDirectory clear
// them, for a caller who knows that nobody else is writing: it holds a lock.
//
// The package takes no locks: of several writers the last one wins.
package replace
