// Package library chooses among the names of a C library the first that loads. It loads
// none itself, and knows of no library in particular.
package library
