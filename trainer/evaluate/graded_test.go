package evaluate

import (
	"math"
	"strings"
	"testing"
)

func TestNDCG(t *testing.T) {
	log3 := math.Log2(3)
	for name, test := range map[string]struct {
		candidates [][]float32 // of a query at 0
		grades     []Grade
		depth      int
		want       float64
	}{
		"best order":         {angles(1, 2, 3), []Grade{{0, 3}, {1, 1}}, 10, 1},
		"second":             {angles(1, 2, 3), []Grade{{1, 5}}, 10, 1 / log3},
		"swapped":            {angles(1, 2, 3), []Grade{{0, 1}, {1, 3}}, 10, (1 + 3/log3) / (3 + 1/log3)},
		"third":              {angles(1, 2, 3), []Grade{{2, 2}}, 10, 0.5},
		"beyond the depth":   {angles(1, 2, 3), []Grade{{2, 2}}, 2, 0},
		"depth of the ideal": {angles(1, 2, 3), []Grade{{0, 1}, {1, 1}, {2, 1}}, 1, 1},
		"tie with a wrong":   {angles(5, 5), []Grade{{0, 1}}, 10, 1 / log3},
		"tie with a better":  {angles(5, 5), []Grade{{0, 4}, {1, 1}}, 10, (1 + 4/log3) / (4 + 1/log3)},
		"more than a block":  {angles(1, 2, 3, 4, 5, 6, 7), []Grade{{6, 1}}, 7, 1. / 3},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := NDCG(t.Context(), angles(0, 0), test.candidates, [][]Grade{test.grades, test.grades}, test.depth)
			if err != nil || math.Abs(got[0]-test.want) > 1e-12 || got[0] != got[1] {
				t.Errorf("got %v, %v, want %v", got, err, test.want)
			}
		})
	}
}

func TestNDCGRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		grades []Grade
		depth  int
		want   string
	}{
		"no depth":       {[]Grade{{0, 1}}, 0, "first 0"},
		"no grades":      {nil, 1, "query 0 has no right answer"},
		"grade of 0":     {[]Grade{{0, 0}}, 1, "grade 0 of candidate 0"},
		"NaN grade":      {[]Grade{{0, math.NaN()}}, 1, "grade NaN of candidate 0"},
		"infinite grade": {[]Grade{{0, math.Inf(1)}}, 1, "grade +Inf"},
		"beyond the end": {[]Grade{{2, 1}}, 1, "places below 2"},
	} {
		if _, err := NDCG(t.Context(), angles(0), angles(0, 1), [][]Grade{test.grades}, test.depth); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}
