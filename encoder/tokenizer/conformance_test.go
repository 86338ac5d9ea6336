package tokenizer

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"polylens/internal/needs"
)

// idsDir holds what write_conformance.py --ids wrote, to see which text differs.
var idsDir = flag.String("ids", "", "folder of reference ids, to print the first differences")

// conformance lists the tokenizers of testdata/conformance.json.
var conformance = []struct {
	name     string
	model    string // in testdata/models; empty: the bundled one
	cleaning Cleaning
}{
	{"bundled", "", CleaningAuto},
	{"bundled open_clip", "", CleaningOpenCLIP},
	{"gemma tokenizer.model", "gemma.model.gz", CleaningAuto},
	{"t5 spiece.model", "t5.model.gz", CleaningAuto},
	{"bytes spiece.model", "bytes.model.gz", CleaningAuto},
	{"t5 tokenizer.json", "t5.t5.json.gz", CleaningAuto},
	{"t5 tokenizer.json none", "t5.t5.json.gz", CleaningNone},
	{"t5 tokenizer.json open_clip", "t5.t5.json.gz", CleaningOpenCLIP},
	{"t5 tokenizer.json siglip", "t5.siglip.json.gz", CleaningAuto},
	{"t5 tokenizer.json first none", "t5.first.json.gz", CleaningNone},
	{"bytes tokenizer.json none", "bytes.t5.json.gz", CleaningNone},
	{"bytes tokenizer.json first none", "bytes.first.json.gz", CleaningNone},
}

// Every tokenizer against its reference implementation, on 267,298 texts.
func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	data, err := os.ReadFile("testdata/conformance.json")
	if err != nil {
		t.Fatal(err)
	}
	var digests map[string]map[string]string
	if err := json.Unmarshal(data, &digests); err != nil {
		t.Fatal(err)
	}
	groups := conformanceTexts(t)
	checkTexts(t, groups, digests["texts"])
	for _, c := range conformance {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tok := openModel(t, c.model, Options{Cleaning: c.cleaning})
			for _, g := range groups {
				got := g.ids(tok)
				if sum := sha256.Sum256(got); hex.EncodeToString(sum[:]) != digests[c.name][g.name] {
					t.Errorf("%s: ids differ from the reference%s", g.name, g.differences(t, c.name, got))
				}
			}
		})
	}
}

// madeTexts are the texts of a group and the number of ids asked for.
type madeTexts struct {
	name   string
	length int
	texts  []string
}

func conformanceTexts(t *testing.T) []madeTexts {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(needs.CLDR(t), "annotations", "*", "annotations.json"))
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(files, func(a, b string) int { return strings.Compare(filepath.Dir(a), filepath.Dir(b)) })
	var words, some []string
	for _, file := range files {
		words = append(words, cldrTexts(t, file)...)
	}
	for i := 0; i < len(words); i += 8 {
		some = append(some, words[i])
	}
	made := []madeTexts{{"cldr", 64, some}}
	tables := readTables(t)
	for _, g := range textGroups {
		made = append(made, madeTexts{g.name, g.length, g.texts(&tables, words)})
	}
	return made
}

// checkTexts makes sure that the texts are those of the script.
func checkTexts(t *testing.T, groups []madeTexts, digests map[string]string) {
	t.Helper()
	for _, g := range groups {
		h := sha256.New()
		for i, text := range g.texts {
			if i > 0 {
				_, _ = io.WriteString(h, "\x00\n") // a hash takes everything
			}
			_, _ = io.WriteString(h, toValidUTF8(text)) // a hash takes everything
		}
		if hex.EncodeToString(h.Sum(nil)) != digests[g.name] {
			t.Fatalf("the texts of group %s differ from those of the script", g.name)
		}
	}
}

// ids returns the ids of all texts as little-endian int32.
func (g *madeTexts) ids(tok *Tokenizer) []byte {
	out := make([]byte, 0, 4*g.length*len(g.texts))
	for _, text := range g.texts {
		for _, id := range tok.Encode(text, g.length) {
			out = binary.LittleEndian.AppendUint32(out, uint32(id))
		}
	}
	return out
}

// differences describes the first texts whose ids differ, if the folder of
// reference ids is given.
func (g *madeTexts) differences(t *testing.T, name string, got []byte) string {
	if *idsDir == "" {
		return ""
	}
	want, err := os.ReadFile(filepath.Join(*idsDir, strings.ReplaceAll(name+" "+g.name+".ids", " ", "-")))
	if err != nil {
		t.Fatal(err)
	}
	out, row, count := "", 4*g.length, 0
	for i, text := range g.texts {
		a, b := got[i*row:(i+1)*row], want[i*row:(i+1)*row]
		if bytes.Equal(a, b) {
			continue
		}
		if count++; count <= 5 {
			out += "\n" + strings.Join([]string{clipped(text), "got " + idText(a), "want " + idText(b)}, "\n  ")
		}
	}
	return out + "\n" + "texts that differ: " + idText(binary.LittleEndian.AppendUint32(nil, uint32(count)))
}

func clipped(s string) string {
	data, _ := json.Marshal(s[:min(len(s), 200)])
	return string(data)
}

func idText(row []byte) string {
	ids := make([]uint32, min(len(row)/4, 40))
	for i := range ids {
		ids[i] = binary.LittleEndian.Uint32(row[4*i:])
	}
	data, _ := json.Marshal(ids)
	return string(data)
}

// openModel opens a model of testdata/models from a directory like that of a
// published model.
func openModel(t testing.TB, name string, o Options) *Tokenizer {
	t.Helper()
	dir := *modelDir
	if name != "" {
		dir = t.TempDir()
		file, data := modelFile(t, name)
		if err := os.WriteFile(filepath.Join(dir, file), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tok, err := OpenWith(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// modelFile returns a model of testdata/models with its charsmap put in, and
// the name of the file that it belongs into.
func modelFile(t testing.TB, name string) (file string, data []byte) {
	t.Helper()
	data = readGzipBytes(t, filepath.Join("testdata/models", name))
	charsmap := readGzipBytes(t, "testdata/models/nmt_nfkc.gz")
	switch {
	case strings.HasSuffix(name, ".json.gz"):
		text := base64.StdEncoding.EncodeToString(charsmap)
		return jsonFile, bytes.Replace(data, []byte("CHARSMAP"), []byte(text), 1)
	case strings.HasPrefix(name, "gemma"):
		return bpeFile, data
	}
	// A message that occurs twice is merged.
	spec := protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), charsmap)
	return unigramFile, protowire.AppendBytes(protowire.AppendTag(data, 3, protowire.BytesType), spec)
}

func readGzipBytes(t testing.TB, path string) []byte {
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
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
