// Package bench measures how fast a machine encodes and trains.
//
// Encode and Train return rates; the command checks the ranges of what is ordered,
// and decides how rates are shown. What is measured is the encoder and the trainer
// as they stand, without an index, a catalogue or a server.
package bench
