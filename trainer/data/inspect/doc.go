// Package inspect looks at a set of pairs before training: it reads every picture
// once, finds those that cannot be read and those that show the same, splits the set
// so that nothing it is tested on was trained on, and reports what is in it. It
// changes nothing.
package inspect
