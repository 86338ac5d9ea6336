package table

import (
	"encoding/json"

	"github.com/parquet-go/parquet-go"
)

const (
	// imageName is the column that holds a picture if it is binary.
	imageName = "image"
	// maxLabels bounds the names of what numbers stand for.
	maxLabels = 100_000
)

// pictureIn is the picture that a field holds, nil for none.
func pictureIn(name string, value any) []byte {
	if object, ok := value.(map[string]any); ok {
		_, hasPath := object["path"]
		if len(object) > 2 || len(object) == 2 && !hasPath {
			return nil
		}
		return bytesIn(object["bytes"])
	}
	if name == imageName {
		return bytesIn(value)
	}
	return nil
}

// bytesIn is nil for what is none, or empty.
func bytesIn(value any) []byte {
	switch value := value.(type) {
	case []byte:
		if len(value) > 0 {
			return append([]byte(nil), value...) // the next row may take its place
		}
	case string:
		if value != "" {
			return []byte(value)
		}
	}
	return nil
}

func (r *Row) addPicture(name string, picture []byte) {
	if r.Pictures == nil {
		r.Pictures = make(map[string][]byte)
	}
	r.Pictures[name] = picture
}

// labelsOf are the names that Hugging Face keeps beside the columns whose numbers stand for
// them.
func labelsOf(file *parquet.File) map[string][]string {
	text, ok := file.Lookup("huggingface")
	if !ok {
		return nil
	}
	var about struct {
		Info struct {
			Features map[string]json.RawMessage `json:"features"`
		} `json:"info"`
	}
	if json.Unmarshal([]byte(text), &about) != nil {
		return nil
	}
	labels := make(map[string][]string)
	count := 0
	for name, text := range about.Info.Features {
		var feature struct {
			Type  string   `json:"_type"`
			Names []string `json:"names"`
		}
		if json.Unmarshal(text, &feature) != nil || feature.Type != "ClassLabel" {
			continue
		}
		if count += len(feature.Names); count > maxLabels {
			return nil
		}
		labels[name] = feature.Names
	}
	return labels
}
