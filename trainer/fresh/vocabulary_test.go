package fresh_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/tokenizer"
	"polylens/trainer/fresh"
)

const table = "text_model.embeddings.token_embedding.weight"

var texts = []string{
	"a red fish", "der große Hund", "красная рыба", "赤い魚", "une tasse de café", "", "Straßenbahn, 42", "🐟 fish", "\u0c05\u0c2e\u0c4d\u0c2e",
}

func mustTokenizer(t *testing.T, dir string) *tokenizer.Tokenizer {
	t.Helper()
	read, err := tokenizer.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// vocabulary is that of a model directory.
type vocabulary struct {
	*tokenizer.Tokenizer
	names map[int64]string
}

func mustVocabulary(t *testing.T, dir string) vocabulary {
	t.Helper()
	return vocabulary{mustTokenizer(t, dir), names(t, dir)}
}

// pieces cuts a text.
func (v vocabulary) pieces(text string) []string {
	var list []string
	for _, id := range v.Encode(text, 64) {
		if id != 0 {
			list = append(list, v.names[id])
		}
	}
	return list
}

// names are what the ids of a model stand for.
func names(t *testing.T, dir string) map[int64]string {
	t.Helper()
	var file struct {
		Model struct {
			Vocab map[string]int64 `json:"vocab"`
		} `json:"model"`
	}
	if err := json.Unmarshal(mustRead(t, filepath.Join(dir, "tokenizer.json")), &file); err != nil {
		t.Fatal(err)
	}
	byID := map[int64]string{}
	for name, id := range file.Model.Vocab {
		byID[id] = name
	}
	return byID
}

// expectEqual wants the texts to have the tokens that they have in the bundled
// model.
func expectEqual(t *testing.T, dir string) {
	t.Helper()
	is, was := mustVocabulary(t, dir), mustVocabulary(t, bundled)
	for _, text := range texts {
		if got, want := is.pieces(text), was.pieces(text); !slices.Equal(got, want) {
			t.Errorf("%q has the tokens %q, want %q", text, got, want)
		}
	}
}

func mustPrune(t *testing.T, size int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pruned")
	if err := fresh.Prune(t.Context(), bundled, dir, texts, size); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestPruneKeepsTexts(t *testing.T) {
	dir := mustPrune(t, 0)
	if size := mustTokenizer(t, dir).Size(); size > 600 {
		t.Errorf("%d tokens are left of 16384, for a few texts and 256 bytes", size)
	}
	expectEqual(t, dir)
}

// TestPruneKeepsRows: equal rows for equal tokens are equal vectors for equal
// texts, since nothing else is changed.
func TestPruneKeepsRows(t *testing.T) {
	dir := mustPrune(t, 0)
	is, was := mustOpen(t, dir), mustOpen(t, bundled)
	now, before := mustFloats(t, is, table), mustFloats(t, was, table)
	ids := map[string]int64{}
	for id, name := range names(t, bundled) {
		ids[name] = id
	}
	for id, name := range names(t, dir) {
		old := ids[name]
		if !slices.Equal(now[id*192:(id+1)*192], before[old*192:(old+1)*192]) {
			t.Errorf("token %q: another row", name)
		}
	}
	for _, name := range was.Names() {
		if name != table && !slices.Equal(mustFloats(t, is, name), mustFloats(t, was, name)) {
			t.Errorf("%s has changed", name)
		}
	}
}

func TestPruneFallsBackToSmallerPieces(t *testing.T) {
	dir := mustPrune(t, 0)
	vocabulary := mustVocabulary(t, dir)
	for _, text := range []string{"elephant", "слон", "象"} {
		whole := strings.Join(vocabulary.pieces(text), "")
		if strings.Contains(whole, "<unk>") || whole == "" {
			t.Errorf("%q cannot be told any more: %q", text, whole)
		}
	}
}

func TestPruneToSize(t *testing.T) {
	full := mustTokenizer(t, mustPrune(t, 0)).Size()
	dir := mustPrune(t, full-20)
	if size := mustTokenizer(t, dir).Size(); size > full-20 || size < full-25 {
		t.Errorf("%d tokens, want %d or a little less", size, full-20)
	}
	err := fresh.Prune(t.Context(), bundled, filepath.Join(t.TempDir(), "tiny"), texts, 100)
	if err == nil || !strings.Contains(err.Error(), "too few") {
		t.Errorf("error %v, want that 100 are too few", err)
	}
}

// TestPruneNumbersAnew looks at what search does not read.
func TestPruneNumbersAnew(t *testing.T) {
	// Only the order is kept, so the special tokens stay 0 to 3 here; grow first,
	// then the new token gets another number.
	grown := filepath.Join(t.TempDir(), "grown")
	if err := fresh.Grow(t.Context(), bundled, grown, []string{"polylens"}); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "pruned")
	if err := fresh.Prune(t.Context(), grown, dir, []string{"polylens"}, 0); err != nil {
		t.Fatal(err)
	}
	var config struct {
		Text struct {
			Size int `json:"vocab_size"`
			EOS  int `json:"eos_token_id"`
		} `json:"text_config"`
	}
	if err := json.Unmarshal(mustRead(t, filepath.Join(dir, "config.json")), &config); err != nil {
		t.Fatal(err)
	}
	if size := mustTokenizer(t, dir).Size(); config.Text.Size != size || config.Text.EOS != 1 {
		t.Errorf("config.json tells of %d tokens and the end %d, the tokenizer has %d and 1", config.Text.Size, config.Text.EOS, size)
	}
	if got := mustVocabulary(t, dir).pieces("polylens"); !slices.Equal(got, []string{"polylens", "<eos>"}) {
		t.Errorf("the new token is cut into %q", got)
	}
}

func TestGrow(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "grown")
	words := []string{"polylens", "quokkas", "trainspotting"}
	if err := fresh.Grow(t.Context(), bundled, dir, words); err != nil {
		t.Fatal(err)
	}
	vocabulary := mustVocabulary(t, dir)
	for _, word := range words {
		if got := vocabulary.pieces(word); !slices.Equal(got, []string{word, "<eos>"}) {
			t.Errorf("%q has the tokens %q", word, got)
		}
		if got := vocabulary.pieces("a " + word); !slices.Equal(got, []string{"a", "▁" + word, "<eos>"}) {
			t.Errorf("a %s has the tokens %q", word, got)
		}
	}
	expectEqual(t, dir)
}

func TestGrowBeginsWithTheMean(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "grown")
	if err := fresh.Grow(t.Context(), bundled, dir, []string{"quokkas"}); err != nil {
		t.Fatal(err)
	}
	before, now := mustFloats(t, mustOpen(t, bundled), table), mustFloats(t, mustOpen(t, dir), table)
	if !slices.Equal(now[:len(before)], before) {
		t.Error("rows of old tokens have changed")
	}
	var of []int64
	for _, id := range mustTokenizer(t, bundled).Encode("quokkas", 64) {
		if id > 1 {
			of = append(of, id)
		}
	}
	id := mustTokenizer(t, dir).Encode("quokkas", 64)[0]
	for i := range int64(192) {
		mean := float32(0)
		for _, piece := range of {
			mean += before[piece*192+i] / float32(len(of))
		}
		if difference := mean - now[id*192+i]; difference > 1e-6 || difference < -1e-6 {
			t.Fatalf("value %d of the row is %g, want the mean %g of %d rows", i, now[id*192+i], mean, len(of))
		}
	}
}

func TestGrowRefuses(t *testing.T) {
	for _, test := range []struct {
		words []string
		want  string
	}{
		{[]string{"two words"}, "without spaces"},
		{[]string{""}, "without spaces"},
		{[]string{"𓀀"}, "no piece"},
	} {
		t.Run(fmt.Sprint(test.words), func(t *testing.T) {
			err := fresh.Grow(t.Context(), bundled, filepath.Join(t.TempDir(), "grown"), test.words)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}
