package gate

import (
	"strings"
	"testing"
)

// agreed is the agreement of vectors that all have one cosine.
func agreed(cosine float64) Agreement {
	return Agreement{Count: 10, Worst: cosine, Mean: cosine, Input: "the worst"}
}

// pairs are the user's in one language, with exact recall 0.5.
func pairs(queries, lost int) *Retrieval {
	exact := queries / 2
	share := func(found int) float64 { return float64(found) / float64(queries) }
	return &Retrieval{Source: "photos", Own: true, Texts: agreed(0.995), Pictures: agreed(0.995),
		Recalls: []Recall{{Language: "de", Queries: queries, Exact: share(exact), Candidate: share(exact - lost), Mixed: share(exact)}}}
}

func TestJudge(t *testing.T) {
	invalid := Agreement{Count: 1000, Worst: -1, Mean: 0.998, Input: "x", Invalid: 1}
	outlier := Agreement{Count: 1000, Worst: 0.9, Mean: 0.998, Input: "x"}
	with := func(r *Retrieval, change func(*Retrieval)) *Retrieval { change(r); return r }
	for name, test := range map[string]struct {
		texts, pictures Agreement
		pairs           *Retrieval
		problems        []string // words; none when it passes
	}{
		"at the threshold":     {agreed(LeastCosine), agreed(LeastCosine), nil, nil},
		"texts below":          {agreed(0.98999), agreed(1), nil, []string{"built-in texts", "0.98999", "at worst (the worst)", "0.99 is required"}},
		"pictures below":       {agreed(1), agreed(0.98999), nil, []string{"built-in pictures"}},
		"both below":           {agreed(0.9), agreed(0.9), nil, []string{"built-in texts", "built-in pictures"}},
		"one outlying probe":   {outlier, agreed(1), nil, []string{"built-in texts", "0.90000"}},
		"nothing compared":     {Agreement{}, agreed(1), nil, []string{"no built-in texts were compared"}},
		"not a number":         {agreed(1), invalid, nil, []string{"1 of 1000 built-in pictures are not finite"}},
		"one point lost":       {agreed(1), agreed(1), pairs(100, 1), nil},
		"one point of many":    {agreed(1), agreed(1), pairs(700, 7), nil},
		"two points lost":      {agreed(1), agreed(1), pairs(100, 2), []string{"photos", `"de"`, "2.00 points"}},
		"a query too much":     {agreed(1), agreed(1), pairs(700, 8), []string{"1.14 points"}},
		"points won":           {agreed(1), agreed(1), pairs(100, -20), nil},
		"few queries":          {agreed(1), agreed(1), pairs(99, 20), nil},
		"mean of pairs":        {agreed(1), agreed(1), with(pairs(100, 0), func(r *Retrieval) { r.Texts = agreed(0.98) }), []string{"texts of photos", "in the mean"}},
		"outlier of pairs":     {agreed(1), agreed(1), with(pairs(100, 0), func(r *Retrieval) { r.Pictures = outlier }), nil},
		"NaN among pairs":      {agreed(1), agreed(1), with(pairs(100, 0), func(r *Retrieval) { r.Pictures = invalid }), []string{"pictures of photos"}},
		"pairs excuse":         {outlier, outlier, pairs(100, 0), nil},
		"pairs excuse no NaN":  {invalid, agreed(1), pairs(100, 0), []string{"built-in texts"}},
		"few excuse nothing":   {outlier, agreed(1), pairs(99, 0), []string{"built-in texts"}},
		"demo excuses nothing": {outlier, agreed(1), with(pairs(100, 0), func(r *Retrieval) { r.Own = false }), []string{"built-in texts"}},
		"demo counts":          {agreed(1), agreed(1), with(pairs(100, 2), func(r *Retrieval) { r.Own = false }), []string{"2.00 points"}},
	} {
		verdict := Verdict{Texts: test.texts, Pictures: test.pictures, Pairs: test.pairs, Problem: "of an earlier judgement"}
		verdict.Judge()
		if verdict.Passed() != (len(test.problems) == 0) {
			t.Errorf("%s: problem %q", name, verdict.Problem)
		}
		for _, word := range test.problems {
			if !strings.Contains(verdict.Problem, word) {
				t.Errorf("%s: problem %q lacks %q", name, verdict.Problem, word)
			}
		}
	}
}

func TestWorstLanguage(t *testing.T) {
	recalls := []Recall{
		{Language: "aa", Queries: 99, Exact: 1, Candidate: 0}, // too few
		{Language: "bb", Queries: 200, Exact: 0.5, Candidate: 0.51},
		{Language: "cc", Queries: 200, Exact: 0.5, Candidate: 0.505},
	}
	for count, want := range map[int]struct {
		language string
		lost     float64
	}{0: {"", 0}, 1: {"", 0}, 2: {"bb", -1}, 3: {"cc", -0.5}} {
		r := Retrieval{Texts: agreed(1), Pictures: agreed(1), Recalls: recalls[:count], Lost: 7, Language: "stale"}
		r.judge()
		if r.Language != want.language || r.Lost != want.lost {
			t.Errorf("%d languages: %q loses %v, want %q and %v", count, r.Language, r.Lost, want.language, want.lost)
		}
	}
	if lost := (Recall{Queries: 200, Exact: 0.5, Candidate: 0.5, Mixed: 0.49}).LostMixed(); lost != 1 {
		t.Errorf("mixed use loses %v points, want 1", lost)
	}
	if lost := (Recall{}).Lost(); lost != 0 {
		t.Errorf("nothing loses %v points", lost)
	}
}
