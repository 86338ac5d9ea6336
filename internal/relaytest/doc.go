// Package relaytest puts a network between a program and a server that can be made slow and
// be cut, as networks are. It does not know what is said. Only tests use it.
package relaytest
