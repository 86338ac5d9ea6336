package evaluate

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// compass encodes a text that ends with a number as the vector at that angle.
type compass struct{ broken string }

func (c compass) EncodeTexts(_ context.Context, texts []string) ([][]float32, error) {
	vectors := make([][]float32, len(texts))
	for i, text := range texts {
		words := strings.Fields(text)
		degrees, err := strconv.ParseFloat(words[len(words)-1], 64)
		if err != nil {
			return nil, err
		}
		vectors[i] = at(degrees)
		if text == c.broken {
			vectors[i][0] = float32(math.NaN())
		}
	}
	return vectors, nil
}

func picture(name string, texts ...string) Picture {
	p := Picture{Name: name}
	for _, text := range texts {
		language, words, _ := strings.Cut(text, ":")
		p.Texts = append(p.Texts, Text{language, words})
	}
	return p
}

func TestFold(t *testing.T) {
	for _, test := range [][2]string{{" Red  APPLE\n", "red apple"}, {"\ufeffＲｅｄ", "red"}, {"MU\u0308LLER", "müller"}, {"\u200b", ""}} {
		if got := Fold(test[0]); got != test[1] {
			t.Errorf("%+q: %+q, want %+q", test[0], got, test[1])
		}
	}
}

func TestEvaluate(t *testing.T) {
	pictures := []Picture{ // at 0, 10, 20 and 90 degrees
		picture("a", "en:sun 1", "de:Sonne 89"),
		picture("b", "en:Sun 1 ", "en:moon 18"),
		picture("c", "EN:star 40", "en:STAR 40"),
		picture("d", "fr:not asked for 0", "en: "),
	}
	set, err := NewSet(pictures, []string{"en", "de", "xx", "en"})
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Languages(); !slices.Equal(got, []string{"de", "en"}) {
		t.Errorf("languages %q", got)
	}
	if got := set.Texts(); !slices.Equal(got, []string{"moon 18", "sonne 89", "star 40", "sun 1"}) {
		t.Errorf("texts %q", got)
	}
	report, err := set.Evaluate(t.Context(), compass{}, angles(0, 10, 20, 90), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		language  string
		direction Direction
		ranks     []int
	}{
		{"de", TextToImage, []int{4}}, // d, c and b are nearer to 89
		{"de", ImageToText, []int{1}}, // there is but one text
		// sun 1 asks once for a and once for b and finds a; moon 18 finds c before b.
		{"en", TextToImage, []int{1, 1, 2, 1}},
		// a: sun. b, at 10: moon at 18, its own, before sun at 1. c, at 20: moon, sun, star.
		{"en", ImageToText, []int{1, 1, 3}},
	}
	if len(report) != len(want) {
		t.Fatalf("got %+v", report)
	}
	for i, w := range want {
		if got := report[i]; got.Language != w.language || got.Direction != w.direction || !slices.Equal(got.Ranks, w.ranks) || got.N != len(w.ranks) {
			t.Errorf("result %d is %+v, want %+v", i, got, w)
		}
	}
	if report[0].MedianRank != 4 || report[2].R1 != 0.75 {
		t.Errorf("got %+v", report)
	}
}

func TestEvaluateWithRanker(t *testing.T) {
	set, err := NewSet([]Picture{picture("a", "en:x 0", "en:y 0"), picture("b", "en:y 0")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	report, err := set.Evaluate(t.Context(), compass{}, angles(0, 10), func(_ context.Context, texts []string, relevant [][]int) ([]int, error) {
		if !slices.Equal(texts, []string{"x 0", "y 0"}) || len(relevant) != 2 || !slices.Equal(relevant[1], []int{0, 1}) {
			t.Errorf("asked for %q with %v", texts, relevant)
		}
		return []int{2, 0}, nil
	})
	if err != nil || !slices.Equal(report[0].Ranks, []int{2, 0, 0}) || report[0].MedianRank != 3 {
		t.Errorf("got %+v, %v", report, err)
	}
	failure := errors.New("the index is down")
	_, err = set.Evaluate(t.Context(), compass{}, angles(0, 10), func(context.Context, []string, [][]int) ([]int, error) { return nil, failure })
	if !errors.Is(err, failure) || !strings.Contains(err.Error(), "evaluate en") {
		t.Errorf("got %v", err)
	}
}

func TestSetRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		pictures  []Picture
		languages []string
		want      string
	}{
		"no pictures":     {nil, nil, "no picture has a text to evaluate with"},
		"empty texts":     {[]Picture{picture("a", "en: ")}, nil, "no picture has a text to evaluate with"},
		"other languages": {[]Picture{picture("a", "en:x")}, []string{"de", "ja"}, "no picture has a text in de, ja"},
	} {
		if _, err := NewSet(test.pictures, test.languages); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

func TestEvaluateRefuses(t *testing.T) {
	set, err := NewSet([]Picture{picture("a", "en:x 0"), picture("b", "en:y 0")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	nan := [][]float32{at(0), {float32(math.NaN()), 0}}
	for name, test := range map[string]struct {
		model    compass
		pictures [][]float32
		want     string
	}{
		"too few pictures": {compass{}, angles(0), "1 vectors for 2 pictures"},
		"NaN picture":      {compass{}, nan, "vector 1 of the pictures is not finite"},
		"NaN text":         {compass{"y 0"}, angles(0, 1), `evaluate en: text "y 0"`},
	} {
		if _, err := set.Evaluate(t.Context(), test.model, test.pictures, nil); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

// TestDigest: what changes the answers to the same ranks must change it.
func TestDigest(t *testing.T) {
	of := func(pictures ...Picture) string {
		t.Helper()
		set, err := NewSet(pictures, []string{"en"})
		if err != nil {
			t.Fatal(err)
		}
		return set.groups[0].digest
	}
	same := of(picture("a", "en:x"), picture("b", "en:y"))
	if got := of(picture("a", "en:X ", "de:z"), picture("b", "en:y")); got != same {
		t.Error("case or another language matters")
	}
	for name, other := range map[string]string{
		"text":      of(picture("a", "en:x"), picture("b", "en:z")),
		"picture":   of(picture("a", "en:x"), picture("c", "en:y")),
		"order":     of(picture("b", "en:y"), picture("a", "en:x")),
		"more":      of(picture("a", "en:x"), picture("b", "en:y"), picture("c")),
		"relevance": of(picture("a", "en:x"), picture("b", "en:y", "en:x")),
	} {
		if other == same {
			t.Errorf("%s does not matter", name)
		}
	}
}
