package encoder

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"polylens/encoder/adapter"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/internal/ordinary"
	"polylens/internal/replace"
)

// PictureFingerprint identifies what gives pictures their vectors: 64 hexadecimal
// digits over the tensors of the vision tower, its configuration, the preprocessing
// and the precision. Models that differ in their texts alone, as after text-only
// training, have the same one, and the same vectors for the same pictures. For an
// exported model, whose file does not say what is in it, everything counts.
func (e *Encoder) PictureFingerprint() string { return e.pictureFingerprint }

// pictureFiles say how the model wants its pictures.
var pictureFiles = []string{"processor_config.json", "preprocessor_config.json"}

// maxProcessor bounds the files that say how pictures are taken.
const maxProcessor = 1 << 20

// visionPrefix begins the names of all tensors of the vision tower.
const visionPrefix = "vision_model."

// pictureSide identifies the vision tower of a checkpoint, with an adapter merged
// into it or without. Its digest is remembered by the fingerprint of the whole model,
// since computing it means reading half of the weights.
func (e *Encoder) pictureSide(dir string, index *safetensors.Index, merged *adapter.Adapter, cache string) (string, error) {
	entry := filepath.Join(cache, "pictures", e.base)
	if known, err := ordinary.Read(entry, 2*sha256.Size); err == nil && isDigest(string(known)) {
		return string(known), nil
	}
	digest, err := digestPictureSide(dir, index, merged)
	if err != nil {
		return "", fmt.Errorf("fingerprint of the vision tower: %w", err)
	}
	remember(entry, digest)
	return digest, nil
}

func isDigest(text string) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && len(raw) == sha256.Size
}

// remember may fail silently: then the next process computes the digest again.
func remember(entry, digest string) {
	if os.MkdirAll(filepath.Dir(entry), 0o700) != nil {
		return
	}
	_ = replace.Volatile(entry, []byte(digest))
}

func digestPictureSide(dir string, index *safetensors.Index, merged *adapter.Adapter) (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, "polylens pictures 1")
	if err := addVisionConfig(sum, dir); err != nil {
		return "", err
	}
	for _, name := range pictureFiles {
		content, err := ordinary.Read(filepath.Join(dir, name), maxProcessor)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s %x\n", name, sha256.Sum256(content))
	}
	for _, name := range index.Names() {
		if !strings.HasPrefix(name, visionPrefix) {
			continue
		}
		if err := addTensor(sum, name, index, merged); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// addVisionConfig leaves out what config.json says of texts.
func addVisionConfig(sum hash.Hash, dir string) error {
	content, err := ordinary.Read(filepath.Join(dir, siglip2.ConfigFile), maxProcessor)
	if err != nil {
		return err
	}
	var config struct {
		ModelType string         `json:"model_type"`
		Vision    map[string]any `json:"vision_config"`
	}
	if err := json.Unmarshal(content, &config); err != nil {
		return err
	}
	sorted, err := json.Marshal(config.Vision)
	fmt.Fprintf(sum, "%s %s\n", config.ModelType, sorted)
	return err
}

func addTensor(sum hash.Hash, name string, index *safetensors.Index, merged *adapter.Adapter) error {
	tensor, _ := index.Tensor(name)
	stored, err := index.Raw(name)
	if err != nil {
		return err
	}
	if merged != nil {
		if _, changes := merged.Delta(name); changes {
			values, err := index.Floats(name)
			if err != nil {
				return err
			}
			if err := merged.Merge(name, values, tensor.Shape); err != nil {
				return err
			}
			tensor.DType, stored = safetensors.F32, safetensors.FloatBytes(values)
		}
	}
	fmt.Fprintf(sum, "%s %s %v %x\n", name, tensor.DType, tensor.Shape, sha256.Sum256(stored))
	return nil
}
