// Package metadata reads the JSON objects that describe pictures without losing
// anything of them.
package metadata
