// Package disktest gives tests a real disk that is small, that can be filled up and
// that can be given more room. Only tests use it, on Linux.
package disktest
