package catalog

// State is what the indexer must know of an image to see whether its file
// needs work.
type State struct {
	SHA256   string
	Size     int64
	Modified int64 // nanoseconds since 1970
	Changed  int64 // of the inode, likewise; 0: unknown
	Digest   string
	Embedded string // see Image
	Source   string
	Encoded  bool // the model's vector of the content is known
	Indexed  bool // the model's index has acknowledged the present state
}
