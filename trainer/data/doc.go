// Package data reads pairs of a picture and a text: from NDJSON and CSV files,
// WebDataset shards, folders with captions and Polylens collections. Open is how
// every command reads the pairs that a user names. The package finds the bytes of
// pictures on disk, inside of shards and on the web, and decodes nothing. What is
// in the pairs is the business of data/inspect, their order that of data/batch.
//
// # Fields
//
// NDJSON, CSV and the json members of shards name the same things:
//
//	image, picture, file_name, path or url   where the picture is: a path relative to
//	                                         the folder of the file, an absolute path,
//	                                         or an http or https URL. One of them.
//	text, caption, captions                  what belongs to it
//	language                                 of texts that do not name their own, BCP 47
//	item                                     what the picture shows: all pairs of one item
//	                                         are positives of one another
//	relevance                                of the texts for the picture, 0 to 1
//
// In JSON a caption is a text, a list of texts or of {"language", "text"}, or an
// object from language to text or texts, as in sidecar files of a collection.
// Several lines or rows about one picture add up. All other fields can be kept
// as attributes, by name.
package data
