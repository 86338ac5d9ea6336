package evaluate

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// share is a result in which hits of n queries have a right answer at rank 1,
// the others at rank 50.
func share(language string, n, hits int) Result {
	return ranked(language, TextToImage, append(slices.Repeat([]int{1}, hits), slices.Repeat([]int{50}, n-hits)...)...)
}

func TestCheckForgetting(t *testing.T) {
	tests := map[string]struct {
		before, after Result
		allowed       Allowance
		forgotten     bool
	}{
		"equal":               {share("de", 200, 100), share("de", 200, 100), Allowance{Points: 1}, false},
		"gained":              {share("de", 200, 100), share("de", 200, 150), Allowance{Points: 1}, false},
		"a point":             {share("de", 200, 100), share("de", 200, 98), Allowance{Points: 1}, false},
		"more than a point":   {share("de", 200, 100), share("de", 200, 97), Allowance{Points: 1}, true},
		"nothing allowed":     {share("de", 200, 100), share("de", 200, 98), Allowance{}, true},
		"one of few":          {share("de", 20, 10), share("de", 20, 9), Allowance{Points: 1}, false},
		"two of few":          {share("de", 20, 10), share("de", 20, 8), Allowance{Points: 1}, true},
		"more for a language": {share("de", 200, 100), share("de", 200, 90), Allowance{1, map[string]float64{"de": 5}}, false},
		"less for a language": {share("de", 200, 100), share("de", 200, 98), Allowance{5, map[string]float64{"de": 0.1}}, true},
		"more for another":    {share("de", 200, 100), share("de", 200, 90), Allowance{1, map[string]float64{"fr": 5}}, true},
		"whatever the case":   {share("de", 200, 100), share("de", 200, 90), Allowance{1, map[string]float64{"DE": 5}}, false},
		"lost all":            {share("de", 300, 300), share("de", 300, 0), Allowance{Points: 1}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			en := share("en", 300, 10)
			verdict, err := CheckForgetting(Report{en, test.before}, Report{test.after, en}, test.allowed)
			if err != nil {
				t.Fatal(err)
			}
			if len(verdict.Languages) != 2 || verdict.Languages[0].Forgotten || verdict.Languages[1].Forgotten != test.forgotten || verdict.Passed == test.forgotten {
				t.Errorf("got %+v", verdict)
			}
			if names := strings.Contains(verdict.Problem(), "de lost"); names != test.forgotten || strings.Contains(verdict.Problem(), "en") {
				t.Errorf("problem %q", verdict.Problem())
			}
		})
	}
}

func TestCheckForgettingRefuses(t *testing.T) {
	de := share("de", 200, 100)
	other := de
	other.Queries = "others"
	for name, test := range map[string]struct {
		before, after Report
		want          string
	}{
		"nothing guarded":  {Report{ranked("de", ImageToText, 1)}, Report{de}, "nothing is guarded"},
		"language missing": {Report{de, share("fr", 10, 1)}, Report{de}, "guarded language fr: the report after lacks it"},
		"fewer queries":    {Report{de}, Report{share("de", 100, 100)}, "different queries"},
		"other queries":    {Report{de}, Report{other}, "different queries"},
	} {
		if verdict, err := CheckForgetting(test.before, test.after, Allowance{Points: 1}); err == nil || verdict.Passed || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %+v, %v, want %q", name, verdict, err, test.want)
		}
	}
}

// TestForgettingOutput: the verdict is read by people and by programs.
func TestForgettingOutput(t *testing.T) {
	verdict, err := CheckForgetting(Report{share("de", 200, 100), share("en", 200, 100)}, Report{share("de", 200, 80), share("en", 200, 110)}, Allowance{Points: 1})
	if err != nil {
		t.Fatal(err)
	}
	if least := verdict.Languages[0].LeastLost; least == nil || *least < 5 || *least > 8 {
		t.Errorf("10 points of 200 queries: at least %v lost", least)
	}
	var table bytes.Buffer
	if err := verdict.Write(&table); err != nil {
		t.Fatal(err)
	}
	want := `  GUARDED  QUERIES  R@5 BEFORE  AFTER  LOST POINTS  ALLOWED
       de      200       0.500  0.400        10.00     1.00  forgotten
       en      200       0.500  0.550        -5.00     1.00
`
	if table.String() != want {
		t.Errorf("got\n%swant\n%s", table.String(), want)
	}
	text, err := json.Marshal(verdict)
	if err != nil {
		t.Fatal(err)
	}
	var back Forgetting
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, verdict) {
		t.Errorf("%s became %+v, %v", text, back, err)
	}
}
