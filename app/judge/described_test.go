package judge

import (
	"errors"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"polylens/trainer/data"
	"polylens/trainer/data/inspect"
	"polylens/trainer/evaluate"
)

// differentPictures are pictures of noise, with a caption each, that no split keeps
// together.
func differentPictures(t *testing.T, count int) []Picture {
	t.Helper()
	folder, random := t.TempDir(), rand.New(rand.NewPCG(1, 2))
	var pictures []Picture
	for i := range count {
		noise := image.NewGray(image.Rect(0, 0, 32, 32))
		for at := range noise.Pix {
			noise.Pix[at] = uint8(random.UintN(256))
		}
		path := filepath.Join(folder, fmt.Sprintf("%d.png", i))
		file, err := os.Create(path)
		if err == nil {
			err = errors.Join(png.Encode(file, noise), file.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		pictures = append(pictures, Picture{Place: data.Picture{URI: "file://" + path}, Texts: []evaluate.Text{{Language: "en", Text: path}}})
	}
	return pictures
}

// TestDescribed: pictures without a description take part in the split, and are left
// out of every part.
func TestDescribed(t *testing.T) {
	pictures := differentPictures(t, 12)
	pictures[2].Texts, pictures[5].Texts = nil, nil
	pictures[5].Labels = []string{"fish"}
	described, err := Described(pictures)
	if err != nil || len(described) != 11 {
		t.Fatalf("%d of 12 are described, %v", len(described), err)
	}
	skipped := 0
	viewer, counted := fileViewer(t, &skipped), 0
	for _, part := range []string{"training", "validation", "test"} {
		some, err := viewer.DescribedPart(t.Context(), pictures, part, 1, inspect.Shares{Validation: 0.3, Test: 0.3})
		if err != nil {
			t.Fatal(err)
		}
		counted += len(some)
	}
	if counted != 11 || len(pictures[2].Texts) != 0 {
		t.Errorf("the parts have %d of 11 pictures", counted)
	}
	if _, err := Described(pictures[2:3]); err == nil || !strings.Contains(err.Error(), "no picture has a text") {
		t.Errorf("nothing described: %v", err)
	}
	if _, err := viewer.DescribedPart(t.Context(), pictures, "test", 1, inspect.Shares{Validation: 0.3}); err == nil || !strings.Contains(err.Error(), `the part "test" of 12`) {
		t.Errorf("an empty part: %v", err)
	}
}
