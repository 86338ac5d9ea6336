// Package watch keeps collections in step with folders: it orders a scan of each kept
// source from time to time, and soon after something has changed in it.
//
// A scan is an index job on the queue like any other, with all its guards; this package
// only says when. The catalogue makes sure that a source has one scan at a time, however
// many servers watch it. What a folder lost is never removed because an event said so: a
// scan looks, and one that removes nothing since too much is gone is not ordered again
// before the folders have changed, or somebody has confirmed.
//
// Events are hints. They get lost (network file systems, full queues of the kernel, too
// few watches), and then scans by the clock find what they missed.
package watch
