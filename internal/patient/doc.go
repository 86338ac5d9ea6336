// Package patient makes calls that may never be answered, as those of a file system whose
// disk or server is gone, and leaves them when that takes too long or nobody wants the
// answer any more.
//
// A call that is left cannot be ended: it goes on in a goroutine, with a thread of this
// process, until the file system answers. Such calls are counted. A folder in which
// some are left is asked no more, and beyond a number of them nothing is asked.
//
// Go ends a process that has 10,000 threads, and a call that is waited for holds one as
// well: a thousand requests may ask a disk before the first of them is left. So a Caller
// has a total of threads that its calls hold at once, left or not, and a call beyond that
// waits for its turn. The totals of all Callers of a process add up; those of package
// ordinary, which has all there are, are 1,152. Goroutines that wait for an answer or a
// turn hold no thread. Threads of other kinds, such as those of ONNX Runtime and of
// decoders, are not counted here.
//
// It is not for work that takes long and answers: a read is a call, a training is not.
package patient
