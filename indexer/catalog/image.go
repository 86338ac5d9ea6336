package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Image is one picture of a collection and what is known about it.
type Image struct {
	ID         string         `json:"id"`         // ImageID of the collection's ID and URI
	Collection string         `json:"collection"` // its name
	Source     string         `json:"source"`     // name of the source it was found in
	URI        string         `json:"uri"`
	SHA256     string         `json:"sha256"` // of the file's bytes, hex
	Size       int64          `json:"size"`   // bytes
	Modified   time.Time      `json:"modified"`
	Changed    time.Time      `json:"changed,omitzero"` // when the file's inode changed last; zero when unknown
	Width      int            `json:"width"`            // upright, pixels
	Height     int            `json:"height"`
	Format     string         `json:"format"` // jpeg, png, ...
	Color      string         `json:"color"`  // average, #rrggbb, to show while the picture loads
	Metadata   map[string]any `json:"metadata"`
	Captions   []Caption      `json:"captions"`
	Embedded   string         `json:"-"` // what the file says of itself, as the indexer writes it; "" when it was not looked into
	Created    time.Time      `json:"created"`
	Updated    time.Time      `json:"updated"`
}

// Caption is one text about an image.
type Caption struct {
	Language string `json:"language"` // BCP 47, empty when unknown
	Text     string `json:"text"`
}

// ImageID derives the ID of an image from where it belongs and lies: the first
// 32 hex digits of SHA-256(collection, NUL, uri). It takes the collection's ID, so
// that images keep theirs when the collection is renamed.
func ImageID(collection CollectionID, uri string) string {
	sum := sha256.Sum256([]byte(string(collection) + "\x00" + uri))
	return hex.EncodeToString(sum[:16])
}

// Digest identifies the state of an image that an index mirrors: content,
// metadata and captions.
func Digest(contentSHA256 string, metadata map[string]any, captions []Caption) (string, error) {
	text, err := MarshalMetadata(metadata)
	if err != nil {
		return "", err
	}
	return digestOf(contentSHA256, text, captions), nil
}

func digestOf(contentSHA256, metadata string, captions []Caption) string {
	hash := sha256.New()
	fmt.Fprintf(hash, "%s\n%s\n", contentSHA256, metadata)
	for _, caption := range captions {
		fmt.Fprintf(hash, "%q %q\n", caption.Language, caption.Text)
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// MarshalMetadata returns metadata as the catalogue keeps it: JSON with sorted keys, so
// that equal maps have equal texts. ErrInvalid for what JSON cannot hold.
func MarshalMetadata(metadata map[string]any) (string, error) {
	if metadata == nil {
		return "{}", nil
	}
	text, err := json.Marshal(metadata) // keys come sorted: equal maps, equal text
	if err != nil {
		return "", fmt.Errorf("metadata is %w: %w", ErrInvalid, err)
	}
	return string(text), nil
}

// Record is an image together with the vector of its content.
type Record struct {
	Image   Image
	Vector  []float32
	Warning string // in what way the picture is less than its file was meant to hold; usually empty
}

// PublicID is the identity of an image within its collection that clients see: their own
// for a pushed one, else ID.
func (i Image) PublicID() string {
	if own, pushed := strings.CutPrefix(i.URI, PushedSource); pushed {
		return own
	}
	return i.ID
}
