package catalog

// Content is what is known of the bytes of a picture file, wherever they lie: equal
// files have equal contents, and share a vector.
type Content struct {
	SHA256        string // of the bytes, hex
	Width, Height int    // upright, pixels
	Format        string
	Color         string // average, #rrggbb
	Warning       string // see Record
	Embedded      string // see Image
}

// Fetched is what is known of where the picture of an image was fetched from.
type Fetched struct {
	Image      string // ID
	URL        string // its SHA-256, hex
	SHA256     string // of the picture that came, hex
	Validators string // what its server says of it, as JSON
}
