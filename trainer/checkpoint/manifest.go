package checkpoint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"

	"polylens/internal/ordinary"
)

const (
	manifestFile    = "manifest.json"
	progressFile    = "progress.json"
	manifestVersion = 1
	maxManifest     = 1 << 20
)

// manifest lists the files of a checkpoint but itself.
type manifest struct {
	Version int           `json:"version"`
	Files   []stampedFile `json:"files"`
}

// stampedFile is a file as it was written.
type stampedFile struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

func parseManifest(content []byte) (manifest, error) {
	var listed manifest
	if err := decodeStrictly(content, &listed); err != nil {
		return manifest{}, fmt.Errorf("is no manifest of a checkpoint: %w", err)
	}
	if listed.Version != manifestVersion {
		return manifest{}, fmt.Errorf("has version %d, only %d is known", listed.Version, manifestVersion)
	}
	seen := map[string]bool{}
	for _, file := range listed.Files {
		if seen[file.Name] || filepath.Base(file.Name) != file.Name || !filepath.IsLocal(file.Name) || file.Bytes < 0 || !sha256Hex.MatchString(file.SHA256) {
			return manifest{}, fmt.Errorf("lists the impossible file %.200q", file.Name)
		}
		seen[file.Name] = true
	}
	return listed, nil
}

// verify compares all files of a checkpoint with its manifest: the same names,
// sizes and contents. It returns the names.
func verify(ctx context.Context, dir string) (map[string]bool, error) {
	content, err := readSmall(filepath.Join(dir, manifestFile), maxManifest)
	if err != nil {
		return nil, err
	}
	listed, err := parseManifest(content)
	if err != nil {
		return nil, fmt.Errorf("%s %w", manifestFile, err)
	}
	names := map[string]bool{}
	for _, file := range listed.Files {
		names[file.Name] = true
		if err := file.verify(ctx, dir); err != nil {
			return nil, err
		}
	}
	return names, checkNames(dir, names)
}

// checkNames demands that nothing lies in a checkpoint that is not listed.
func checkNames(dir string, listed map[string]bool) error {
	entries, err := ordinary.ReadDir(dir)
	for _, entry := range entries {
		if name := entry.Name(); name != manifestFile && !listed[name] {
			return fmt.Errorf("%s is not listed in %s", name, manifestFile)
		}
	}
	if err == nil && !listed[progressFile] {
		return fmt.Errorf("%s does not list %s", manifestFile, progressFile)
	}
	return err
}

func (f stampedFile) verify(ctx context.Context, dir string) error {
	file, err := ordinary.Open(filepath.Join(dir, f.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing", f.Name)
	}
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	// One byte more reveals a file that has grown.
	read, err := io.Copy(sum, contextReader{ctx, io.LimitReader(file, f.Bytes+1)})
	if err != nil {
		return err
	}
	if read != f.Bytes {
		return fmt.Errorf("%s has not the %d bytes that were written", f.Name, f.Bytes)
	}
	if hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return fmt.Errorf("%s holds other bytes than were written", f.Name)
	}
	return nil
}

// readSmall reads a file of at most limit bytes.
func readSmall(path string, limit int64) ([]byte, error) {
	return ordinary.Read(path, limit)
}

// contextReader stops reading when its context ends.
type contextReader struct {
	ctx  context.Context
	from io.Reader
}

func (r contextReader) Read(raw []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(raw)
}
