// Polylens finds pictures with words in any language. This package is the
// program: it reads the command line, wires the rooms of the house together
// and hands each the small interfaces that it asks for. Nobody imports it.
package main
