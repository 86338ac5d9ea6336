package main

import (
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"polylens/internal/needs"
)

// halves is a picture, red on the left and blue with stripes on the right.
func halves(t *testing.T) string {
	t.Helper()
	const side = 128
	picture := image.NewNRGBA(image.Rect(0, 0, side, side))
	draw.Draw(picture, picture.Rect, image.NewUniform(color.NRGBA{R: 220, A: 255}), image.Point{}, draw.Src)
	for y := range side {
		for x := side / 2; x < side; x++ {
			picture.Set(x, y, color.NRGBA{G: uint8(y % 8 * 30), B: 220, A: 255})
		}
	}
	path := filepath.Join(t.TempDir(), "halves.png")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := png.Encode(file, picture); err != nil {
		t.Fatal(err)
	}
	return path
}

// cosineOf is the cosine of two states.
func cosineOf(a, b []float32) float64 {
	var dot, aa, bb float64
	for i := range a {
		dot += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	return dot / math.Sqrt(aa*bb)
}

// TestEmbedDense: patches follow their picture row by row, and those of one half
// are more like one another than like those of the other.
func TestEmbedDense(t *testing.T) {
	needs.ONNXRuntime(t)
	f, path := newFolders(t), halves(t)
	type line struct {
		embedLine
		Row, Column, Rows, Columns int
		State                      []float32
	}
	plain := objects[line](t, f.succeed(t, "embed", "--json", "--image", path))
	lines := objects[line](t, f.succeed(t, "embed", "--json", "--dense", "--text", "red", "--image", path, "--text", "blue"))
	if lines[0].Kind != kindText || lines[1].Kind != kindImage || lines[len(lines)-1].Kind != kindText {
		t.Fatalf("the first lines are %s and %s, the last is %s", lines[0].Kind, lines[1].Kind, lines[len(lines)-1].Kind)
	}
	if cosine := cosineOf(lines[1].Embedding, plain[0].Embedding); cosine < 0.99999 {
		t.Errorf("with --dense the picture has another vector: cosine %v", cosine)
	}
	patches := lines[2 : len(lines)-1]
	rows, columns := patches[0].Rows, patches[0].Columns
	if len(patches) != rows*columns || rows < 2 || columns < 4 {
		t.Fatalf("%d patches in %d rows and %d columns", len(patches), rows, columns)
	}
	var same, other []float64
	for i, patch := range patches {
		if patch.Kind != "patch" || patch.Input != path || patch.Row != i/columns || patch.Column != i%columns || len(patch.State) != len(patches[0].State) || len(patch.State) == 0 {
			t.Fatalf("patch %d is %s %q at %d, %d with %d numbers", i, patch.Kind, patch.Input, patch.Row, patch.Column, len(patch.State))
		}
		for _, second := range patches[:i] {
			cosine := cosineOf(patch.State, second.State)
			if (patch.Column < columns/2) == (second.Column < columns/2) {
				same = append(same, cosine)
			} else {
				other = append(other, cosine)
			}
		}
	}
	slices.Sort(same)
	slices.Sort(other)
	if same[len(same)/2] <= other[len(other)/2]+0.1 {
		t.Errorf("the median cosine is %v within a half, %v between both", same[len(same)/2], other[len(other)/2])
	}
}
