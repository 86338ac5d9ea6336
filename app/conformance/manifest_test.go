package conformance

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// file is what testdata/table.py says of a file.
type file struct {
	Name, Group, What string

	Right         string // path of the right picture, "" where there is none
	PillowRight   string `json:"pillow right"` // of what Pillow sees, where another witness is right
	Width, Height int    // of the right picture before it was reduced

	Pillow     string   // "reads", "reads truncated" or "refuses"
	Reasons    []string // for which it may be refused
	Optional   bool     // it may be refused although there is a right picture
	Why        string   // witnesses differ, and which is taken
	Magick     string
	Difference float64 // of ImageMagick, mean of 255
}

// readable reports whether the file must be read.
func (f file) readable() bool { return f.Right != "" && !f.Optional }

// readManifest lists the files of a folder.
func readManifest(t *testing.T, folder string) []file {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "manifest.json"))
	if err != nil {
		t.Fatalf("%v; “make conformance” writes it", err)
	}
	var manifest struct{ Files []file }
	if err := json.Unmarshal(data, &manifest); err != nil {
		t.Fatal(err)
	}
	if len(manifest.Files) == 0 {
		t.Fatalf("the manifest of %s names no file", folder)
	}
	return manifest.Files
}
