package trainer_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/safetensors"
	"polylens/encoder/tokenizer"
	"polylens/trainer"
)

const tokenTable = "text_model.embeddings.token_embedding.weight"

// restricted trains the vectors of tokens alone, those of some languages.
func restricted(t *testing.T, languages ...string) trainer.Config {
	t.Helper()
	config := plain(t, "text-only")
	config.Optimizer.Rates = map[string]float64{"text": 0, "loss": 0, "vocabulary": 1}
	config.Vocabulary.Languages = languages
	return config
}

// TestTokensOfALanguageAloneLearn: German texts share their numbers and some
// words with the English ones; all that they share stays as it is, to the bit.
func TestTokensOfALanguageAloneLearn(t *testing.T) {
	environment(t)
	f, folder := newFixture(t), t.TempDir()
	f.weightsOf(t, restricted(t, "DE"), folder) // the pairs say de
	want, shared := f.tokens(t, "red bars Nummer"), f.tokens(t, "red bars")
	maps.DeleteFunc(want, func(token int64, _ bool) bool { return shared[token] })
	if got := changedRows(t, f.model(), filepath.Join(folder, "model")); len(want) == 0 || !maps.Equal(got, want) {
		t.Errorf("tokens %v have other vectors; want those of “Nummer” alone, %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

// TestRestrictedAcrossInterruption: a run that goes on holds the same tokens.
func TestRestrictedAcrossInterruption(t *testing.T) {
	environment(t)
	f, config, folder := newFixture(t), restricted(t, "de"), t.TempDir()
	f.interrupted(t, config, folder, 7)
	if f.weightsOf(t, config, folder) != f.weightsOf(t, config, t.TempDir()) {
		t.Error("an interrupted run gives other weights")
	}
}

func TestRestrictedToNothing(t *testing.T) {
	environment(t)
	query := restricted(t, "de")
	query.Mode = "query"
	for _, test := range []struct {
		config trainer.Config
		want   string
	}{
		{restricted(t, "fr"), "no token is of texts in fr alone"},
		{restricted(t, "en", "de", "fr"), ""},
		{query, `mode "query" leaves the vectors of tokens as they are`},
	} {
		_, err := newFixture(t).train(t.Context(), t, test.config, t.TempDir())
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s, languages %v: error %v, want %q", test.config.Mode, test.config.Vocabulary.Languages, err, test.want)
		}
	}
}

// tokens are those of a text, with what ends it.
func (f fixture) tokens(t *testing.T, text string) map[int64]bool {
	t.Helper()
	tokens, err := tokenizer.Open(f.model())
	if err != nil {
		t.Fatal(err)
	}
	set := map[int64]bool{}
	for _, id := range tokens.Encode(text, 16) {
		set[id] = true
	}
	return set
}

// changedRows are the tokens whose vectors differ between two models.
func changedRows(t *testing.T, before, after string) map[int64]bool {
	t.Helper()
	a, b := tableIn(t, before), tableIn(t, after)
	changed, width := map[int64]bool{}, 24
	for i := range a {
		if a[i] != b[i] {
			changed[int64(i/width)] = true
		}
	}
	return changed
}

func tableIn(t *testing.T, dir string) []float32 {
	t.Helper()
	index, err := safetensors.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	values, err := index.Floats(tokenTable)
	if err != nil {
		t.Fatal(err)
	}
	return values
}
