// Package text says when two texts are the same, and reads texts that come from
// outside: their bytes, their JSON and the numbers in it. Names and values are
// compared in Unicode's composed form (NFC, UAX #15); queries lose, besides, what
// nobody sees (Query). What means something to a shell or in a pattern can be quoted. It
// knows no language and no model: what a tokenizer does to a text comes after it.
package text
