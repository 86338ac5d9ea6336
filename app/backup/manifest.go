package backup

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// format is the form of manifests that this program writes, and the only one it reads.
const format = 1

// Header is the first line of a manifest.
type Header struct {
	Format  int       `json:"format"`
	Program string    `json:"program"` // version that made the backup
	Moment  time.Time `json:"moment"`  // of the catalogue
	// Postgres: the catalogue is in a database that is backed up by its own tools.
	Postgres bool `json:"postgres,omitempty"`
}

// File is one file of a backup, which a line of a manifest names.
type File struct {
	Path   string `json:"path"` // in the data folder, with /
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

// ending is the last line of a manifest. Without it the manifest was cut off.
type ending struct {
	Files  int    `json:"files"`
	SHA256 string `json:"end"` // of all lines before
}

// Names in the data folder, and so in manifests.
const (
	cataloguePath = "catalogue.db"
	choicePath    = "model.json"
	modelsPath    = "models/"
	picturesPath  = "pictures/" // also of what lies in a bucket
)

// check refuses a file that no backup has.
func (f File) check() error {
	known := f.Path == cataloguePath || f.Path == choicePath || strings.HasPrefix(f.Path, modelsPath) || strings.HasPrefix(f.Path, picturesPath)
	switch {
	case !known || !filepath.IsLocal(filepath.FromSlash(f.Path)) || path.Clean(f.Path) != f.Path || strings.ContainsAny(f.Path, "\\\x00"):
		return fmt.Errorf("it names the file %.200q, which no backup has", f.Path)
	case !isSum(f.SHA256):
		return fmt.Errorf("it gives %.80q as the SHA-256 of %.200q", f.SHA256, f.Path)
	case f.Size < 0:
		return fmt.Errorf("it gives %d as the size of %.200q", f.Size, f.Path)
	}
	return nil
}

func isSum(text string) bool {
	return len(text) == 2*sha256.Size && strings.Trim(text, "0123456789abcdef") == ""
}

// manifestWriter writes a manifest line by line.
type manifestWriter struct {
	out   io.Writer
	sum   hash.Hash
	files int
}

func newManifest(out io.Writer, header Header) (*manifestWriter, error) {
	w := &manifestWriter{out: out, sum: sha256.New()}
	return w, w.line(header)
}

func (w *manifestWriter) add(file File) error {
	w.files++
	return w.line(file)
}

func (w *manifestWriter) end() error {
	return w.line(ending{w.files, hex.EncodeToString(w.sum.Sum(nil))})
}

func (w *manifestWriter) line(value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	_, _ = w.sum.Write(text) // never fails
	_, err = w.out.Write(text)
	return err
}

// longestLine bounds a line of a manifest.
const longestLine = 1 << 16

// errManifest marks a manifest that says nothing.
var errManifest = errors.New("the manifest is damaged")

// readManifest calls yield with every file of a manifest. An error of a manifest that is
// not whole comes after its files: read it to the end before anything is done.
func readManifest(in io.Reader, yield func(File) error) (Header, error) {
	var header Header
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 4096), longestLine)
	if !lines.Scan() {
		return header, fmt.Errorf("%w: it is empty (%v)", errManifest, lines.Err())
	}
	if err := strict(lines.Bytes(), &header); err != nil {
		return header, fmt.Errorf("%w: line 1: %w", errManifest, err)
	}
	if header.Format != format {
		return header, fmt.Errorf("the backup has format %d, this program reads format %d: restore it with the version of Polylens that made it, %.40q", header.Format, format, header.Program)
	}
	sum := sha256.New()
	for files := 0; ; files++ {
		_, _ = sum.Write(lines.Bytes()) // the line before
		_, _ = sum.Write([]byte{'\n'})
		if !lines.Scan() {
			return header, fmt.Errorf("%w: it ends after %d files (%v)", errManifest, files, lines.Err())
		}
		if bytes.HasPrefix(lines.Bytes(), []byte(`{"files":`)) {
			return header, checkEnd(lines, files, hex.EncodeToString(sum.Sum(nil)))
		}
		var file File
		err := strict(lines.Bytes(), &file)
		if err == nil {
			err = file.check()
		}
		if err != nil {
			return header, fmt.Errorf("%w: line %d: %w", errManifest, files+2, err)
		}
		if err := yield(file); err != nil {
			return header, err
		}
	}
}

func checkEnd(lines *bufio.Scanner, files int, sum string) error {
	var end ending
	if err := strict(lines.Bytes(), &end); err != nil {
		return fmt.Errorf("%w: its last line: %w", errManifest, err)
	}
	if end.Files != files || end.SHA256 != sum {
		return fmt.Errorf("%w: its lines are not those that were written", errManifest)
	}
	if lines.Scan() {
		return fmt.Errorf("%w: something follows its end", errManifest)
	}
	return nil
}

func strict(line []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON object")
	}
	return nil
}
