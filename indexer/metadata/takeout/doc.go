// Package takeout reads the JSON files that Google Takeout writes beside the pictures of
// Google Photos, and finds which of them belongs to which picture: the rule for their
// names has changed several times, cuts long names and counts in odd places.
package takeout
