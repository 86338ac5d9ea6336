package catalog

// StoredImage is what the catalogue holds about an image, as it stands there: none of it
// need be right.
type StoredImage struct {
	ID       string
	Source   string
	URI      string
	SHA256   string
	Size     int64
	Metadata string // JSON
	Digest   string
	Captions []Caption
	// VectorFault says what is wrong with the vector of its content; "" for a good one.
	VectorFault string
	HasVector   bool
}

// DigestOf is Digest for metadata as MarshalMetadata writes it.
func (i StoredImage) DigestOf(metadata string) string {
	return digestOf(i.SHA256, metadata, i.Captions)
}

// StoredContent is a content that pushed images of a collection have.
type StoredContent struct {
	SHA256 string
	Size   int64
	Images int
	URI    string // of one of them
}

// ChunkPlace says where the lines of a chunk lie that is not done.
type ChunkPlace struct {
	Job     string
	Number  int
	Content string
}
