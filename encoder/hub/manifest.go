package hub

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"polylens/internal/ordinary"
	"polylens/internal/replace"
)

// ManifestFile is the name of the manifest in a model directory.
const ManifestFile = "polylens.json"

// manifestVersion is the form of the manifest that this program writes.
const manifestVersion = 1

const maxManifest = 4 << 20

// ErrNoManifest is returned, wrapped, for a model directory without a manifest.
var ErrNoManifest = errors.New("has no " + ManifestFile)

// Manifest says where the files of a model come from and what they were when
// they were written.
type Manifest struct {
	Version     int           `json:"version"`
	Source      string        `json:"source,omitempty"`    // name on the hub
	Revision    string        `json:"revision,omitempty"`  // commit
	Requested   string        `json:"requested,omitempty"` // the branch or tag that stood for the commit
	Kind        string        `json:"kind"`
	Dimension   int           `json:"dimension"`            // of the embeddings
	ImageSize   int           `json:"image_size,omitempty"` // pixels on each side, of models of fixed resolution
	Patches     int           `json:"patches,omitempty"`    // of models of native aspect ratio
	Languages   []string      `json:"languages,omitempty"`
	Licence     string        `json:"licence,omitempty"`
	Fingerprint string        `json:"fingerprint"`
	Date        time.Time     `json:"date"` // when it was written
	Files       []StampedFile `json:"files"`
}

// StampedFile is a file as it was when the manifest was written.
type StampedFile struct {
	Name   string `json:"name"` // relative to the model directory, with slashes
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// ReadManifest reads and checks the manifest of a model directory. For a directory
// without one it returns ErrNoManifest.
func ReadManifest(dir string) (Manifest, error) {
	file, err := ordinary.Open(filepath.Join(dir, ManifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Manifest{}, fmt.Errorf("%s %w", dir, ErrNoManifest)
	}
	if err != nil {
		return Manifest{}, err
	}
	defer file.Close()
	content, err := file.ReadAll(maxManifest)
	if err != nil {
		return Manifest{}, err
	}
	manifest, err := parseManifest(content)
	if err != nil {
		return Manifest{}, fmt.Errorf("%s %w; fetch the model again, or write another one with `polylens model verify --write`", file.Name(), err)
	}
	return manifest, nil
}

func parseManifest(content []byte) (Manifest, error) {
	var manifest Manifest
	if err := json.Unmarshal(content, &manifest); err != nil {
		return Manifest{}, fmt.Errorf("is no manifest of a model: %w", err)
	}
	if manifest.Version != manifestVersion {
		return Manifest{}, fmt.Errorf("has version %d, only %d is known", manifest.Version, manifestVersion)
	}
	if manifest.Revision != "" && !commitPattern.MatchString(manifest.Revision) {
		return Manifest{}, fmt.Errorf("names the impossible revision %.60q", manifest.Revision)
	}
	if manifest.Source != "" && checkName(manifest.Source) != nil {
		return Manifest{}, fmt.Errorf("names the impossible source %.200q", manifest.Source)
	}
	if len(manifest.Files) == 0 || len(manifest.Files) > maxFiles {
		return Manifest{}, fmt.Errorf("lists %d files", len(manifest.Files))
	}
	for _, file := range manifest.Files {
		if checkPath(file.Name) != nil || file.Bytes < 0 || !isHex(file.SHA256, 64) {
			return Manifest{}, fmt.Errorf("lists the impossible file %.200q", file.Name)
		}
	}
	return manifest, nil
}

// write replaces the manifest of a model directory, whole or not at all.
func (m Manifest) write(dir string) error {
	m.Version = manifestVersion
	var content bytes.Buffer
	encoder := json.NewEncoder(&content)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(m); err != nil {
		return err
	}
	return replace.Durable(filepath.Join(dir, ManifestFile), content.Bytes(), replace.Shared)
}

// stamp fills in what the files of a model directory say of it, and their
// hashes, which the caller has taken.
func (m *Manifest) stamp(dir string, files []StampedFile) error {
	info, err := describeFiles("", dir)
	if err != nil {
		return err
	}
	m.Kind, m.Dimension, m.ImageSize, m.Patches = info.Kind, info.Dimension, info.ImageSize, info.Patches
	m.Languages, m.Licence = info.Languages, info.Licence
	m.Date = time.Now().UTC().Truncate(time.Second)
	m.Files = files
	digests := map[string]string{}
	for _, file := range files {
		digests[file.Name] = file.SHA256
	}
	m.Fingerprint, err = fingerprintOf(info.Files, func(name string) (string, error) {
		if digest, ok := digests[name]; ok {
			return digest, nil
		}
		return fileDigest(filepath.Join(dir, name))
	})
	return err
}
