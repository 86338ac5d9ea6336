// Package rotating writes a log of bounded size: when a file is full it becomes NAME.1,
// what was NAME.1 becomes NAME.2, and the oldest goes. It knows nothing of what is written,
// compresses nothing, and starts nothing in the background.
package rotating
