// Package bench measures how fast a machine encodes and trains.
//
// Encode and Train answer rates; ranges of what may be ordered are for the command
// to check, and so is how rates are shown. What is measured is the encoder and the
// trainer as they stand, without an index, a catalogue or a server.
package bench
