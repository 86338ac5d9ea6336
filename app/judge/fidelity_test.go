package judge

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"polylens/encoder/gate"
	"polylens/indexer/decode"
	"polylens/trainer/data"
	"polylens/trainer/evaluate"
)

// numbered is a model that knows the numbers of texts and pictures. Its vectors
// lie close together, as those of real models do: mistaking one for another
// costs little cosine, but every right answer.
type numbered struct {
	textShift, pictureShift int     // how far its numbers are off
	scale                   float64 // of all vectors; 0 takes 1
}

// most is how many numbers numbered knows.
const most = 256

func (n numbered) vector(number int) []float32 {
	scale := n.scale
	if scale == 0 {
		scale = 1
	}
	vector := make([]float32, 1+most)
	vector[0] = float32(scale * math.Sqrt(1-0.05*0.05))
	vector[1+number%most] = float32(scale * 0.05)
	return vector
}

func (n numbered) EncodeTexts(_ context.Context, texts []string) ([][]float32, error) {
	var vectors [][]float32
	for _, text := range texts {
		number := 0
		_, _ = fmt.Sscanf(text, "picture %d", &number) // 0 for any other text
		vectors = append(vectors, n.vector(number+n.textShift))
	}
	return vectors, nil
}

func (n numbered) EncodeImages(_ context.Context, pictures []image.Image) ([][]float32, error) {
	var vectors [][]float32
	for _, picture := range pictures {
		red, _, _, _ := picture.At(0, 0).RGBA()
		vectors = append(vectors, n.vector(int(red>>8)+n.pictureShift))
	}
	return vectors, nil
}

// numberedPairs are pictures whose red is their number, with a caption each.
func numberedPairs(t *testing.T, count int) Pairs {
	t.Helper()
	folder := t.TempDir()
	pairs := Pairs{Source: "numbers", Own: true, Languages: []string{"en", "de"}}
	for i := range count {
		path := filepath.Join(folder, fmt.Sprintf("%d.png", i))
		picture := image.NewNRGBA(image.Rect(0, 0, 1, 1))
		picture.Set(0, 0, color.NRGBA{R: uint8(i), A: 255})
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(file, picture); err != nil {
			t.Fatal(err)
		}
		file.Close()
		texts := []evaluate.Text{{Language: "en", Text: fmt.Sprintf("Picture %d", i)}, {Language: "fr", Text: "not asked for"}}
		pairs.Pictures = append(pairs.Pictures, Picture{Place: data.Picture{URI: "file://" + path}, Texts: texts})
	}
	return pairs
}

// fileViewer reads pictures of files and counts those that it skips.
func fileViewer(t *testing.T, skipped *int) Viewer {
	files := data.NewFiles(data.FileOptions{})
	t.Cleanup(files.Close)
	return Viewer{
		Opener: files, Decoder: data.DecodeWith(new(decode.Decoder), decode.Limits{}),
		Progress: func(string, int, int) {},
		Skipped:  func(data.Picture, error) { *skipped++ },
	}
}

func numberedFidelity(t *testing.T, candidate Model, skipped *int) *Fidelity {
	return NewFidelity(numbered{}, candidate, fileViewer(t, skipped), nil)
}

func TestBrokenCandidates(t *testing.T) {
	for name, test := range map[string]struct {
		candidate numbered
		pairs     int
		problem   string      // a word; empty when it passes
		recall    gate.Recall // of English
	}{
		"equal":               {numbered{}, 120, "", gate.Recall{Exact: 1, Candidate: 1, Mixed: 1}},
		"longer vectors":      {numbered{scale: 3}, 120, "", gate.Recall{Exact: 1, Candidate: 1, Mixed: 1}},
		"texts mistaken":      {numbered{textShift: 7}, 120, "points of its recall", gate.Recall{Exact: 1, Mixed: 1}},
		"pictures mistaken":   {numbered{pictureShift: 7}, 120, "points of its recall", gate.Recall{Exact: 1}},
		"few texts mistaken":  {numbered{textShift: 7}, 20, "", gate.Recall{Exact: 1}},
		"vectors of no use":   {numbered{scale: math.NaN()}, 120, "not finite", gate.Recall{}},
		"vectors of length 0": {numbered{scale: math.SmallestNonzeroFloat64}, 120, "have no length", gate.Recall{}},
	} {
		t.Run(name, func(t *testing.T) {
			var verdict gate.Verdict
			skipped := 0
			if err := numberedFidelity(t, test.candidate, &skipped).Judge(t.Context(), &verdict, numberedPairs(t, test.pairs)); err != nil {
				t.Fatal(err)
			}
			if verdict.Passed() != (test.problem == "") || !strings.Contains(verdict.Problem, test.problem) {
				t.Errorf("problem %q, want %q", verdict.Problem, test.problem)
			}
			if test.recall.Exact == 0 {
				if len(verdict.Pairs.Recalls) != 0 {
					t.Errorf("such vectors were searched with: %+v", verdict.Pairs.Recalls)
				}
				return
			}
			if len(verdict.Pairs.Recalls) != 1 {
				t.Fatalf("recalls %+v, want English alone", verdict.Pairs.Recalls)
			}
			got := verdict.Pairs.Recalls[0]
			if got.Language != "en" || got.Queries != test.pairs || got.Exact != test.recall.Exact {
				t.Errorf("recall %+v, want %+v", got, test.recall)
			}
			if test.pairs > 100 && (got.Candidate != test.recall.Candidate || got.Mixed != test.recall.Mixed) {
				t.Errorf("recall %+v, want %+v", got, test.recall)
			}
			if verdict.Pairs.Texts.Worst < gate.LeastCosine {
				t.Errorf("the cosine %v would have told without a search", verdict.Pairs.Texts.Worst)
			}
		})
	}
}

// TestUnreadablePictures: they are left out, and all of them are an error.
func TestUnreadablePictures(t *testing.T) {
	pairs := numberedPairs(t, 9)
	spoil := func(i int, content string) {
		if err := os.WriteFile(strings.TrimPrefix(pairs.Pictures[i].Place.URI, "file://"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 8 {
		spoil(i, "no picture")
	}
	var verdict gate.Verdict
	skipped := 0
	if err := numberedFidelity(t, numbered{}, &skipped).Judge(t.Context(), &verdict, pairs); err != nil {
		t.Fatal(err)
	}
	if skipped != 8 {
		t.Errorf("%d pictures were skipped, want 8", skipped)
	}
	if verdict.Pairs.Pictures.Count != 1 || verdict.Pairs.Recalls[0].Queries != 1 {
		t.Errorf("pairs %+v", verdict.Pairs)
	}
	spoil(8, "")
	err := numberedFidelity(t, numbered{}, &skipped).Judge(t.Context(), &verdict, pairs)
	if err == nil || !strings.Contains(err.Error(), "none of the pictures can be read") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := numberedFidelity(t, numbered{}, &skipped).Judge(ctx, &verdict, numberedPairs(t, 2)); err == nil {
		t.Error("it went on after the end")
	}
}
