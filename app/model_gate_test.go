package main

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"polylens/encoder"
	"polylens/encoder/gate"
	"polylens/indexer/catalog"
)

// gateShape is what model gate --json prints, texts and numbers aside.
const gateShape = `{"model":"","file":"","fingerprint":"","precision":"","runtime":"","time":"",` +
	`"texts":{"count":0,"worst":0,"mean":0,"input":""},"pictures":{"count":0,"worst":0,"mean":0,"input":""},` +
	`"pairs":{"source":"","own":true,"texts":{"count":0,"worst":0,"mean":0,"input":""},"pictures":{"count":0,"worst":0,"mean":0,"input":""},` +
	`"lost":0,"language":"","recalls":[{"language":"","queries":0,"exact":0,"candidate":0,"mixed":0}]}}` + "\n"

// shapeOf empties the texts and numbers of a JSON object.
func shapeOf(text string) string {
	text = regexp.MustCompile(`:"(\\.|[^"\\])*"`).ReplaceAllString(text, `:""`)
	return regexp.MustCompile(`:-?[0-9][-+.eE0-9]*`).ReplaceAllString(text, `:0`)
}

// gateFolders have a cache of their own: verdicts are kept there.
func gateFolders(t *testing.T) folders {
	need(t, needRuntime)
	f := newFolders(t)
	f.env = []string{"POLYLENS_CACHE=" + t.TempDir(), "POLYLENS_PRECISION=", needDemo + "="}
	return f
}

func TestModelGateOfBundledModel(t *testing.T) {
	f := gateFolders(t)
	pictures := t.TempDir()
	drawFolder(t, pictures, 1, 6)
	text := f.succeed(t, "model", "gate", "--pairs", pictures, "--json")
	if got := shapeOf(text); got != gateShape {
		t.Errorf("model gate --json has the shape\n%s, want\n%s", got, gateShape)
	}
	outcome := objects[gateOutcome](t, text)[0]
	if !outcome.Passed() || outcome.Precision != encoder.INT8 || outcome.Texts.Worst < gate.LeastCosine || outcome.Pairs.Pictures.Count != 6 {
		t.Errorf("outcome %+v of %+v", outcome, outcome.Pairs)
	}
	if _, err := os.Stat(outcome.File); err != nil {
		t.Error("the verdict is not where it is said to be:", err)
	}
	// Six queries are too few, and those without a language have none.
	if recall := outcome.Pairs.Recalls[0]; recall.Language != undetermined || recall.Queries != 6 || recall.Judged() {
		t.Errorf("recall %+v", recall)
	}
	table := f.succeed(t, "model", "gate", "--pairs", pictures, "--precision", "fp16", "--limit", "4")
	for _, want := range []string{"built-in texts", "among 4 pictures", "not judged", "fp16 passed", filepath.Dir(outcome.File)} {
		if !strings.Contains(table, want) {
			t.Errorf("model gate lacks %q:\n%s", want, table)
		}
	}
}

// TestFailedGateIsHonoured: what failed on the user's own pairs is refused, by
// another ONNX Runtime too, until the gate is run again.
func TestFailedGateIsHonoured(t *testing.T) {
	f := gateFolders(t)
	outcome := objects[gateOutcome](t, f.succeed(t, "model", "gate", "--json"))[0]
	if outcome.Pairs != nil {
		t.Errorf("pairs %+v without a demo", outcome.Pairs)
	}
	f.succeed(t, "embed", "--precision", "int8", "--text", "a fish")
	failed := outcome.Verdict
	failed.Runtime = "0.1"
	failed.Pairs = &gate.Retrieval{Source: "photos", Own: true, Texts: failed.Texts, Pictures: failed.Pictures,
		Recalls: []gate.Recall{{Language: "en", Queries: 200, Exact: 0.5, Candidate: 0.4}}}
	failed.Judge()
	store := gate.Store{Folder: filepath.Dir(outcome.File)}
	if err := store.Write(failed); err != nil {
		t.Fatal(err)
	}
	f.fail(t, exitFailure, []string{"int8 did not pass", "photos", "10.00 points"}, "embed", "--precision", "int8", "--text", "a fish")
	f.succeed(t, "embed", "--text", "a fish")
	f.succeed(t, "model", "gate")
	f.succeed(t, "embed", "--precision", "int8", "--text", "a fish")
}

func TestModelGateUsage(t *testing.T) {
	f := newFolders(t)
	for _, test := range []struct {
		words     []string
		arguments []string
	}{
		{[]string{"--limit 0"}, []string{"--limit", "0"}},
		{[]string{"--precision fp32", "int8"}, []string{"--precision", "fp32"}},
		{[]string{"--precision"}, []string{"--precision", "int4"}},
	} {
		f.fail(t, exitUsage, test.words, append([]string{"model", "gate"}, test.arguments...)...)
	}
	help := f.succeed(t, "model", "gate", "--help")
	for _, want := range []string{"Examples:", "    polylens model gate", "at least 0.99", "at least 100 texts", "Exit codes: 0 success"} {
		if !strings.Contains(strings.Join(strings.Fields(help), " "), strings.Join(strings.Fields(want), " ")) {
			t.Errorf("model gate --help lacks %q", want)
		}
	}
	need(t, needRuntime)
	f.fail(t, exitUsage, []string{"--pairs", "/no/such"}, "model", "gate", "--pairs", "/no/such")
	f.fail(t, exitFailure, []string{"no picture in", "has a caption"}, "model", "gate", "--pairs", t.TempDir())
}

// numbered is a model that knows the numbers of texts and pictures. Its vectors
// lie close together, as those of real models do: to mistake one for another
// costs little of the cosine and all of the answers.
type numbered struct {
	textShift, pictureShift int     // how far it is mistaken
	scale                   float64 // of all vectors; 0 takes 1
}

// most numbers that numbered knows.
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
func numberedPairs(t *testing.T, count int) gatePairs {
	t.Helper()
	folder := t.TempDir()
	pairs := gatePairs{source: "numbers", own: true, languages: []string{"en", "de"}}
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
		captions := []catalog.Caption{{Language: "en", Text: fmt.Sprintf("Picture %d", i)}, {Language: "fr", Text: "not asked for"}}
		pairs.pictures = append(pairs.pictures, gatePicture{path, captions})
	}
	return pairs
}

func gateTestProgram() *program {
	return newProgram(globals{}, terminal{out: io.Discard, err: io.Discard}, slog.New(slog.DiscardHandler))
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
			comparison := newGateComparison(numbered{}, test.candidate, gateTestProgram())
			if err := comparison.judge(t.Context(), &verdict, numberedPairs(t, test.pairs)); err != nil {
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
	for i := range 8 {
		writeFile(t, pairs.pictures[i].path, "no picture")
	}
	var verdict gate.Verdict
	if err := newGateComparison(numbered{}, numbered{}, gateTestProgram()).judge(t.Context(), &verdict, pairs); err != nil {
		t.Fatal(err)
	}
	if verdict.Pairs.Pictures.Count != 1 || verdict.Pairs.Recalls[0].Queries != 1 {
		t.Errorf("pairs %+v", verdict.Pairs)
	}
	writeFile(t, pairs.pictures[8].path, "")
	err := newGateComparison(numbered{}, numbered{}, gateTestProgram()).judge(t.Context(), &verdict, pairs)
	if err == nil || !strings.Contains(err.Error(), "none of the pictures can be read") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := newGateComparison(numbered{}, numbered{}, gateTestProgram()).judge(ctx, &verdict, numberedPairs(t, 2)); err == nil {
		t.Error("it went on after the end")
	}
}
