// Package patient makes calls that may never be answered, as those of a file system whose
// disk or server is gone, and leaves them when that takes too long or nobody wants the
// answer any more.
//
// A call that is left cannot be ended: it goes on in a goroutine, with a thread of this
// process, until the file system answers. Such calls are counted. A folder in which
// some are left is asked no more, and beyond a number of them nothing is asked, so that
// they never take the threads that everything else needs.
//
// It is not for work that takes long and answers: a read is a call, a training is not.
package patient
