package preprocess

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
)

// The files were written by testdata/write_reference.py.

type referenceCase struct {
	Mode          string
	Width, Height int
	Seed          int
	Config        json.RawMessage
	First         []float32
	Rows, Columns int
	ResizedSHA256 string `json:"resized_sha256"`
	PixelsSHA256  string `json:"pixels_sha256"`
}

func readJSON[T any](t *testing.T, path string) (v T) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

type reference struct {
	Cases, NaFlex []referenceCase
	OpenCLIP      []referenceCase `json:"open_clip"`
}

func TestResizeEqualsPillow(t *testing.T) {
	for _, c := range readJSON[reference](t, "testdata/reference.json").Cases {
		p, err := Parse(c.Config)
		if err != nil {
			t.Fatal(err)
		}
		for name, on := range paths() {
			img := picture(t, c.Mode, c.Width, c.Height, c.Seed)
			if got := resized(img, p.width, p.height, p.filter, on); hash(got) != c.ResizedSHA256 {
				n := min(len(got), len(c.First))
				t.Errorf("%s: %s %dx%d: bytes after the resize differ; the first are %v, want %v",
					name, c.Mode, c.Width, c.Height, got[:n], c.First)
			}
		}
	}
}

func TestProcessEqualsReference(t *testing.T) {
	ref := readJSON[reference](t, "testdata/reference.json")
	checkReference(t, ref.Cases, Parse)
	checkReference(t, ref.NaFlex, Parse)
	checkReference(t, ref.OpenCLIP, ParseOpenCLIP)
}

func checkReference(t *testing.T, cases []referenceCase, parse func([]byte) (*Processor, error)) {
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range cases {
		t.Run(fmt.Sprintf("%s %dx%d %s", c.Mode, c.Width, c.Height, c.Config), func(t *testing.T) {
			p, err := parse(c.Config)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Process(picture(t, c.Mode, c.Width, c.Height, c.Seed))
			if err != nil {
				t.Fatal(err)
			}
			if got.Rows != c.Rows || got.Columns != c.Columns {
				t.Errorf("grid %d x %d, want %d x %d", got.Rows, got.Columns, c.Rows, c.Columns)
			}
			raw, err := binary.Append(nil, binary.LittleEndian, got.Values)
			if err != nil {
				t.Fatal(err)
			}
			if hash(raw) != c.PixelsSHA256 {
				n := min(len(got.Values), len(c.First))
				t.Errorf("%d values differ; the first are %v, want %v", len(got.Values), got.Values[:n], c.First)
			}
		})
	}
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func TestGridsEqualReference(t *testing.T) {
	ref := readJSON[struct {
		Limits []int
		Grids  [][]int
	}](t, "testdata/grids.json")
	if len(ref.Grids) < 1000 {
		t.Fatalf("%d sizes", len(ref.Grids))
	}
	for _, line := range ref.Grids {
		height, width, want := line[0], line[1], line[2:]
		var got []int
		for _, limit := range ref.Limits {
			w, h := fitPatches(width, height, 16, limit)
			got = append(got, h/16, w/16)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%dx%d: rows and columns %v, want %v", height, width, got, want)
		}
	}
}
