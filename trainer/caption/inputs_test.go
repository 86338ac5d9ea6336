package caption

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/siglip2"
)

// speller is a decoder of texts of 24 tokens that are letters.
func speller(t *testing.T, config Config) *Decoder {
	t.Helper()
	config.Weight, config.Part = 1, 8
	text := siglip2.TextConfig{Tower: siglip2.Tower{Width: 4, MLP: 4, Layers: 5, Heads: 1}, Vocabulary: toyVocabulary, Length: 24}
	d, err := New(config, siglip2.Config{Text: text}, spelling{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// lines are what the decoder reads, sequence by sequence, and below each what
// its positions are to predict.
func lines(t *testing.T, d *Decoder, examples ...Example) []string {
	t.Helper()
	in, err := d.Inputs(examples, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	predicted := slices.Repeat([]byte("."), len(in[idsInput].Ints))
	for i, row := range in[rowsInput].Ints {
		predicted[row] = spell(in[targetsInput].Ints[i : i+1])[0]
	}
	var list []string
	for i, causal := range in[causalInput].Floats {
		start, end := i*int(d.length), (i+1)*int(d.length)
		read := spell(in[idsInput].Ints[start:end])
		if (causal == 1) == strings.Contains(read, "?") {
			t.Errorf("causal is %v for %q", causal, read)
		}
		list = append(list, read, string(predicted[start:end]))
	}
	return list
}

func TestInputs(t *testing.T) {
	half := &Box{0, 0, .5, 1}
	tests := []struct {
		name     string
		config   Config
		examples []Example
		want     []string
	}{
		{"caption", Config{}, []Example{{Text: "Fox"}}, []string{
			"_cap:fox|_______________",
			"....fox|................",
		}},
		{"at once", Config{Parallel: 1}, []Example{{Text: "Fox"}}, []string{
			"????????????????????????",
			"....fox|................",
		}},
		{"too long", Config{}, []Example{{Text: "abcdefghijklmnopqrstuvwxyz"}}, []string{
			"_cap:abcdefghijklmnopqrs",
			"....abcdefghijklmnopqrs|",
		}},
		{"nothing known of one", Config{}, []Example{{}, {Text: "owl", Box: half}}, []string{
			"________________________",
			"........................",
			"_cap:owl|_______________",
			"....owl|................",
		}},
		{"box", Config{Boxes: true, Parallel: 1}, []Example{{Text: "fox", Box: half}}, []string{
			"????????????????????????",
			"....fox|................",
			"_aref:fox:0 0 250 500|__",
			".....fox:0 0 250 500|...",
			"_gcap:0 0 250 500:fox|__",
			".....0 0 250 500:fox|...",
		}},
		{"too long for a box", Config{Boxes: true}, []Example{{Text: "foxes and owls", Box: half}}, []string{
			"_cap:foxes and owls|____",
			"....foxes and owls|.....",
			"_aref:foxes :0 0 250 500",
			".....foxes :0 0 250 500|",
			"_gcap:0 0 250 500:foxes ",
			".....0 0 250 500:foxes |",
		}},
		{"no box", Config{Boxes: true}, []Example{{Text: "fox"}}, []string{
			"_cap:fox|_______________",
			"....fox|................",
			"________________________",
			"........................",
			"________________________",
			"........................",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := lines(t, speller(t, test.config), test.examples...); !slices.Equal(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

// TestInputsWeighTokensAlike: the weights of all tokens add up to one.
func TestInputsWeighTokensAlike(t *testing.T) {
	in, err := speller(t, Config{}).Inputs([]Example{{Text: "abc"}, {Text: "defg"}, {}}, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Repeat([]float32{1.0 / 9}, 9)
	if got := in[weightsInput].Floats; !slices.Equal(got, want) {
		t.Errorf("weights %v, want %v", got, want)
	}
}

// TestParallelIsDrawn: which captions are predicted at once depends on the seed
// and the batch, and on nothing else.
func TestParallelIsDrawn(t *testing.T) {
	d := speller(t, Config{Parallel: 0.25})
	examples := slices.Repeat([]Example{{Text: "a"}}, 4000)
	draw := func(seed, batch uint64) []float32 {
		in, err := d.Inputs(examples, seed, batch)
		if err != nil {
			t.Fatal(err)
		}
		return in[causalInput].Floats
	}
	first := draw(1, 2)
	if !reflect.DeepEqual(first, draw(1, 2)) || slices.Equal(first, draw(1, 3)) || slices.Equal(first, draw(2, 2)) {
		t.Error("the draw does not depend on the seed and the batch alone")
	}
	parallel := 0.0
	for _, causal := range first {
		parallel += 1 - float64(causal)
	}
	if share := parallel / 4000; share < 0.22 || share > 0.28 {
		t.Errorf("a share of %v is predicted at once, want 0.25", share)
	}
}

// foreign is a tokenizer of a larger vocabulary.
type foreign struct{ spelling }

func (f foreign) Encode(text string, length int) []int64 {
	ids := f.spelling.Encode(text, length)
	for i, id := range ids {
		if id == 2 { // a space
			ids[i] = 60
		}
	}
	return ids
}

func TestInputsThatCannotBe(t *testing.T) {
	if _, err := speller(t, Config{}).Inputs([]Example{{}, {}}, 1, 2); err == nil || !strings.Contains(err.Error(), "none of the 2 pictures") {
		t.Errorf("without texts: %v", err)
	}
	d := speller(t, Config{})
	d.targets.words.tokenizer = foreign{}
	if _, err := d.Inputs([]Example{{Text: "a b"}}, 1, 2); err == nil || !strings.Contains(err.Error(), "token 60, and the model has 50") {
		t.Errorf("with another's tokens: %v", err)
	}
}

func TestNew(t *testing.T) {
	good := Config{Weight: 1, Part: 8}
	for _, test := range []struct {
		name   string
		change func(*Config)
		length int64
		want   string // of the error; "" for none
	}{
		{"default", func(c *Config) { *c = Default() }, 24, ""},
		{"without weight", func(c *Config) { c.Weight = 0 }, 24, "weight 0"},
		{"layers", func(c *Config) { c.Layers = -1 }, 24, "-1 layers"},
		{"share", func(c *Config) { c.Parallel = 1.5 }, 24, "share 1.5"},
		{"part", func(c *Config) { c.Part = 0 }, 24, "0 tokens of the vocabulary"},
		{"short texts", func(*Config) {}, 5, "have 5 tokens, and captions need 6"},
		{"just long enough", func(*Config) {}, 6, ""},
		{"too short for boxes", func(c *Config) { c.Boxes = true }, 22, "have 22 tokens, and captions need 23"},
		{"long enough for boxes", func(c *Config) { c.Boxes = true }, 23, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := good
			test.change(&config)
			text := siglip2.TextConfig{Tower: siglip2.Tower{Layers: 5}, Vocabulary: 50, Length: test.length}
			d, err := New(config, siglip2.Config{Text: text}, spelling{})
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want == "" && d.tower.Layers != 2:
				t.Errorf("%d layers, want half of 5", d.tower.Layers)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error %v does not say %q", err, test.want)
			}
		})
	}
}

// Each part of the vocabulary is composed by itself: one for each of its tokens took all
// memory, and nothing could end it.
func TestPartsHaveABound(t *testing.T) {
	text := siglip2.TextConfig{Tower: siglip2.Tower{Width: 4, MLP: 4, Layers: 2, Heads: 1}, Vocabulary: 256_000, Length: 64}
	for part, allowed := range map[int64]bool{1: false, 999: false, 1000: true, 8192: true, 1 << 20: true} {
		config := Default()
		config.Part = part
		_, err := New(config, siglip2.Config{Text: text}, spelling{})
		if allowed && err != nil || !allowed && (err == nil || !strings.Contains(err.Error(), "parts")) {
			t.Errorf("%d tokens at once: %v", part, err)
		}
	}
}
