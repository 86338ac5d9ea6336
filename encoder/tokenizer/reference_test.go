package tokenizer

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/internal/needs"
)

// The flags let the same test check any other model against a reference that
// testdata/write_reference.py wrote for it.
var (
	modelDir  = flag.String("model", "../hub/polylens-mini", "model directory to check")
	reference = flag.String("reference", "testdata/reference.json.gz", "what its tokenizer should do")
)

type referenceFile struct {
	TokenizerSHA256 string `json:"tokenizer_sha256"`
	LowerSHA256     string `json:"lower_sha256"`
	Languages       map[string]struct {
		Texts  int
		SHA256 string
	}
	Cases, Invalid []referenceCase
}

type referenceCase struct {
	Text, Hex string
	Length    int // of ids; 0 means just long enough
	IDs       []int64
}

func (c *referenceCase) text(t *testing.T) string {
	raw, err := hex.DecodeString(c.Hex)
	if err != nil {
		t.Fatal(err)
	}
	return c.Text + string(raw)
}

func (c *referenceCase) check(t *testing.T, tok *Tokenizer) {
	t.Helper()
	text := c.text(t)
	if got := tok.Encode(text, max(c.Length, len(c.IDs))); !slices.Equal(got, c.IDs) {
		t.Errorf("%.200q\n got %v\nwant %v", text, got, c.IDs)
	}
}

func readGzip(t *testing.T, path string, into any) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(z).Decode(into); err != nil {
		t.Fatal(err)
	}
}

func openReference(t *testing.T) (*Tokenizer, *referenceFile) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(*modelDir, "tokenizer.json"))
	if err != nil {
		t.Fatalf("the model to check is absent: %v", err)
	}
	var ref referenceFile
	readGzip(t, *reference, &ref)
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != ref.TokenizerSHA256 {
		t.Fatalf("%s was not written for this tokenizer; run testdata/write_reference.py", *reference)
	}
	tok, err := Open(*modelDir)
	if err != nil {
		t.Fatal(err)
	}
	return tok, &ref
}

func TestReferenceCases(t *testing.T) {
	tok, ref := openReference(t)
	for _, list := range [][]referenceCase{ref.Cases, ref.Invalid} {
		if len(list) == 0 {
			t.Fatal("the reference has no cases")
		}
		for _, c := range list {
			c.check(t, tok)
		}
	}
}

// Every text of CLDR in every language, held against digests.
func TestReferenceLanguages(t *testing.T) {
	cldr := needs.CLDR(t)
	tok, ref := openReference(t)
	for _, language := range slices.Sorted(maps.Keys(ref.Languages)) {
		want := ref.Languages[language]
		texts := cldrTexts(t, filepath.Join(cldr, "annotations", language, "annotations.json"))
		if len(texts) != want.Texts {
			t.Errorf("%s: %d texts, want %d; is this another version of the package?", language, len(texts), want.Texts)
			continue
		}
		if digest(tok, texts) != want.SHA256 {
			t.Errorf("%s: ids differ from the reference", language)
		}
	}
}

// cldrTexts returns the emoji, names and keywords of a language, sorted by
// bytes, none twice.
func cldrTexts(t *testing.T, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Annotations struct {
			Annotations map[string]map[string][]string
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	var texts []string
	for emoji, lists := range file.Annotations.Annotations {
		texts = append(texts, emoji)
		for _, words := range lists {
			texts = append(texts, words...)
		}
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// digest is the SHA-256 of the ids, 64 a text, as little-endian int32.
func digest(tok *Tokenizer, texts []string) string {
	h := sha256.New()
	var row [4 * 64]byte
	for _, text := range texts {
		for i, id := range tok.Encode(text, 64) {
			row[4*i], row[4*i+1], row[4*i+2], row[4*i+3] = byte(id), byte(id>>8), byte(id>>16), byte(id>>24)
		}
		h.Write(row[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Lower case equals that of the reference for every character there is.
func TestReferenceLower(t *testing.T) {
	var ref referenceFile
	readGzip(t, *reference, &ref)
	var all bytes.Buffer
	for r := range rune(0x110000) {
		if r < 0xD800 || r > 0xDFFF {
			all.WriteString(lower(string(r)))
		}
	}
	if sum := sha256.Sum256(all.Bytes()); hex.EncodeToString(sum[:]) != ref.LowerSHA256 {
		t.Error("some character has another lower case than in the reference")
	}
}

// Small tokenizers with the features that the bundled one lacks.
func TestReferenceTiny(t *testing.T) {
	var list []struct {
		Name  string
		Cases []referenceCase
	}
	readGzip(t, "testdata/tiny.json.gz", &list)
	if len(list) == 0 {
		t.Fatal("the reference is empty")
	}
	for _, one := range list {
		t.Run(one.Name, func(t *testing.T) {
			tok, err := Open(filepath.Join("testdata/tiny", one.Name))
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range one.Cases {
				c.check(t, tok)
			}
		})
	}
}

// Cutting a text into segments must not change its ids, at any length asked.
func TestSegmentsChangeNothing(t *testing.T) {
	tok, ref := openReference(t)
	whole, err := Open(*modelDir)
	if err != nil {
		t.Fatal(err)
	}
	whole.pipeline.(*jsonPipeline).model.(*bpe).atomic = false // merges the text in one piece
	for i, c := range ref.Cases {
		length := i%70 + 1
		if a, b := tok.Encode(c.Text, length), whole.Encode(c.Text, length); !slices.Equal(a, b) {
			t.Fatalf("%.200q at length %d\nin segments %v\nas a whole  %v", c.Text, length, a, b)
		}
	}
	long := strings.Repeat("The quick brown fox, İstanbul 日本語 🦊. ", 3000)
	if !slices.Equal(tok.Encode(long, 100), whole.Encode(long, 100)) {
		t.Error("long text differs")
	}
}
