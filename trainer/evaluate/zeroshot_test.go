package evaluate

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// threeClasses lie at 0, 90 and 180 degrees in "en"; "west" has no "de".
func threeClasses() Classes {
	return Classes{Classes: []Class{
		{"east", map[string][]string{"en": {"0"}, "de": {"90"}}},
		{"north", map[string][]string{"en": {"80", "100"}, "de": {"0"}}},
		{"west", map[string][]string{"en": {"180"}}},
	}}
}

func TestZeroShot(t *testing.T) {
	pictures := angles(1, 44, 46, 100, 179, 5)
	labels := [][]string{{"east"}, {"north"}, {"north", "south"}, {"west"}, {"west", "east"}, {"elsewhere"}}
	report, err := threeClasses().ZeroShot(t.Context(), compass{}, pictures, labels, nil)
	if err != nil || len(report) != 2 {
		t.Fatalf("got %+v, %v", report, err)
	}
	// de has no "west": the picture with no other label is left out, and "east" is north.
	if de := report[0]; de.Language != "de" || de.Direction != ZeroShot || !slices.Equal(de.Ranks, []int{2, 1, 2, 1}) {
		t.Errorf("got %+v", de)
	}
	// 44 is nearer to east at 0 than to north at 90, 100 nearer to north than to west.
	if en := report[1]; en.Language != "en" || en.N != 5 || !slices.Equal(en.Ranks, []int{1, 2, 1, 2, 1}) || en.R1 != 0.6 || en.R5 != 1 {
		t.Errorf("got %+v", en)
	}
}

// TestClassVector: the mean of unit vectors, of length 1 again, in which a prompt
// of a class with many weighs no more for being long.
func TestClassVector(t *testing.T) {
	classes := Classes{
		Classes:   []Class{{"x", map[string][]string{"en": {"10", "20"}}}, {"y", map[string][]string{"en": {"200"}}}},
		Templates: map[string][]string{"en": {"{}", "photo {}"}},
	}
	vectors, err := classes.vectors(t.Context(), compass{}, classes.Classes, "en")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]float32{at(15), at(200)} {
		if math.Abs(float64(vectors[i][0]-want[0])) > 1e-6 || math.Abs(float64(vectors[i][1]-want[1])) > 1e-6 {
			t.Errorf("class %d has the vector %v, want %v", i, vectors[i], want)
		}
	}
}

// TestManyPrompts: classes whose prompts fall into two batches.
func TestManyPrompts(t *testing.T) {
	classes := threeClasses()
	classes.Templates = map[string][]string{"en": slices.Repeat([]string{"{}"}, 100)}
	report, err := classes.ZeroShot(t.Context(), compass{}, angles(2, 92, 175), [][]string{{"east"}, {"north"}, {"west"}}, []string{"en"})
	if err != nil || report[0].R1 != 1 {
		t.Errorf("got %+v, %v", report, err)
	}
}

func TestZeroShotRefuses(t *testing.T) {
	labels := [][]string{{"east"}, {"north"}}
	opposite := threeClasses()
	opposite.Classes[1].Prompts["en"] = []string{"90", "270"}
	for name, test := range map[string]struct {
		classes   Classes
		model     compass
		pictures  [][]float32
		labels    [][]string
		languages []string
		want      string
	}{
		"labels missing":   {threeClasses(), compass{}, angles(0), labels, nil, "labels of 2 pictures for 1"},
		"no pictures":      {threeClasses(), compass{}, nil, nil, nil, "no vectors of pictures"},
		"other language":   {threeClasses(), compass{}, angles(0, 1), labels, []string{"fr"}, "zero-shot in fr: 0 classes have a prompt"},
		"other labels":     {threeClasses(), compass{}, angles(0), [][]string{{"up"}}, nil, `no picture is labelled with one of the 2 classes, the first of which is "east"`},
		"cancel out":       {opposite, compass{}, angles(0, 1), labels, []string{"en"}, `class "north": its prompts cancel out`},
		"NaN prompt":       {threeClasses(), compass{"100"}, angles(0, 1), labels, []string{"en"}, `prompt "100": vector 0 of the prompts is not finite`},
		"NaN picture":      {threeClasses(), compass{}, [][]float32{at(0), {float32(math.NaN()), 1}}, labels, nil, "vector 1 of the pictures"},
		"other dimensions": {threeClasses(), compass{}, [][]float32{{1}, {1}}, labels, nil, "not of one model"},
	} {
		if _, err := test.classes.ZeroShot(t.Context(), test.model, test.pictures, test.labels, test.languages); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}
