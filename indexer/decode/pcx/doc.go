// Package pcx reads PC Paintbrush: one or two colours, 16 and 256 of a palette, and true
// colour, with run lengths or without.
package pcx
