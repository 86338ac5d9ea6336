package preprocess

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"polylens/internal/ordinary"
)

// maxFile bounds the files; those of the hub have less than a thousand bytes.
const maxFile = 1 << 20

// Open reads how the model in a directory wants its pictures. As in
// transformers, image_processor in processor_config.json, which its version 5
// writes, comes before preprocessor_config.json. The error names the file and
// what in it cannot be followed.
func Open(modelDir string) (*Processor, error) {
	path, data, err := readConfig(modelDir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("how the model wants its pictures is unknown: copy preprocessor_config.json "+
			"of the checkpoint that it was made from into its directory: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("read the image processing of the model: %w", err)
	}
	p, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("image processing %s: %w", path, err)
	}
	return p, nil
}

// readConfig returns what Parse reads, and the file that it comes from.
func readConfig(modelDir string) (path string, data []byte, err error) {
	path = filepath.Join(modelDir, "processor_config.json")
	data, err = ordinary.Read(path, maxFile)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", nil, err
	}
	if err == nil {
		var whole struct {
			Image json.RawMessage `json:"image_processor"`
		}
		if err := json.Unmarshal(data, &whole); err != nil {
			return "", nil, fmt.Errorf("%s: %w", path, err)
		}
		if len(whole.Image) > 0 && string(whole.Image) != "null" {
			return path, whole.Image, nil
		}
	}
	path = filepath.Join(modelDir, "preprocessor_config.json")
	data, err = ordinary.Read(path, maxFile)
	return path, data, err
}
