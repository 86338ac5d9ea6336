package judge

import (
	"slices"
	"strconv"
	"testing"

	"polylens/trainer/evaluate"
)

// numberedSides are pictures of numbers with their vectors by two models, the
// second of which confuses as many texts and pictures as it is shifted by.
func numberedSides(t *testing.T, count int, after numbered) (*evaluate.Set, []string, Side, Side) {
	t.Helper()
	var pictures []evaluate.Picture
	var contents []string
	was, is := Side{Model: numbered{}}, Side{Model: after}
	for i := range count {
		contents = append(contents, strconv.Itoa(i))
		pictures = append(pictures, evaluate.Picture{Name: contents[i], Texts: []evaluate.Text{{Language: "en", Text: "picture " + contents[i]}}})
		was.Vectors = append(was.Vectors, numbered{}.vector(i))
		is.Vectors = append(is.Vectors, numbered{}.vector(i+after.pictureShift))
	}
	set, err := evaluate.NewSet(pictures, nil)
	if err != nil {
		t.Fatal(err)
	}
	return set, contents, was, is
}

// TestCompare: a model that confuses all texts has forgotten, even though pictures
// have the same neighbours.
func TestCompare(t *testing.T) {
	for name, test := range map[string]struct {
		after  numbered
		recall float64
		passed bool
	}{
		"equal":              {numbered{}, 1, true},
		"texts mistaken":     {numbered{textShift: 7}, 0, false},
		"both, consistently": {numbered{textShift: 7, pictureShift: 7}, 1, true},
	} {
		set, contents, was, is := numberedSides(t, 120, test.after)
		found, err := Compare(t.Context(), set, contents, was, is)
		if err != nil {
			t.Fatal(err)
		}
		verdict, err := found.Forgetting()
		if err != nil || verdict.Passed != test.passed {
			t.Errorf("%s: verdict %+v, %v, want passed %v", name, verdict, err, test.passed)
		}
		if MeanRecall(found.Before) != 1 || MeanRecall(found.After) != test.recall || found.SameHits != 1 {
			t.Errorf("%s: R@5 %v and %v, same hits %v, want %v after", name, MeanRecall(found.Before), MeanRecall(found.After), found.SameHits, test.recall)
		}
	}
}

func TestNeighbours(t *testing.T) {
	contents := []string{"east", "north", "north-east", "east"}
	vectors := [][]float32{{1, 0}, {0, 1}, {0.6, 0.8}, {1, 0}}
	got := neighbours(contents, vectors)
	for i, want := range [][]string{{"east", "east", "north-east", "north"}, {"north", "north-east", "east", "east"}, {"north-east", "north", "east", "east"}} {
		if !slices.Equal(got[i], want) {
			t.Errorf("like %s are %q, want %q", contents[i], got[i], want)
		}
	}
	if same := overlap([][]string{{"a", "b"}, {"c", "d"}}, [][]string{{"b", "x"}, {"c", "d"}}); same != 0.75 {
		t.Errorf("the share of equal hits is %v, want 0.75", same)
	}
	if overlap(nil, nil) != 0 {
		t.Error("nothing has hits in common")
	}
}
