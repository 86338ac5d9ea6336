// Package metadata has the words in which everything that is known about a picture is
// kept, and reads the JSON objects that describe pictures without losing anything of
// them. What cameras and programs write into pictures or beside them is read by its
// packages exif, iptc, xmp, embedded and takeout, each of which answers with an About.
package metadata
