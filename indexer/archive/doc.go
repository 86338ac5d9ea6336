// Package archive reads the pictures in an archive, one after the other, in memory that
// does not grow with it: zip, tar, and tar packed with gzip, zstd, bzip2 or xz. What an
// archive is comes from its bytes.
//
// A picture comes with what stands beside it and is called like it, as WebDataset has
// it in shards and people have it in folders: 000123.jpg is described by 000123.json or
// 000123.jpg.json (fields as in a sidecar file) and by 000123.txt, one caption a line, or
// 000123.de.txt, in that language. They follow one another in a tar file, in any order;
// in a zip archive they may stand anywhere.
//
// Tables of metadata (metadata.jsonl, metadata.csv or metadata.parquet with a column
// file_name), as Hugging Face has them in an imagefolder, describe the pictures of their
// folder and below. In a tar archive they stand before these.
//
// Nothing is written to disk: the names in an archive become the IDs of entries and
// never paths. A name that leads out of the archive is refused all the same, since
// somebody might make it one later. Whatever cannot be used is an Entry with a Problem, also
// a description without its picture, a table of metadata and an archive within. What is
// neither picture nor description is counted (Summary), so that nothing is lost in silence.
//
// Everything that a stranger's archive may ask for has a bound (Limits): entries, bytes
// of each and of all, how many times its own size it unpacks to, the directory of a zip
// archive, the window of a packer. Archives within archives are not opened.
//
// The package decodes no picture.
package archive
