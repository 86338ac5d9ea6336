package gate

import (
	"fmt"
	"math"
)

const (
	// FewestQueries is how many queries a language must have to be judged: with
	// fewer of them a single one is worth more than MostLost.
	FewestQueries = 100
	// MostLost is how much of its recall a language may lose, in points.
	MostLost = 1.0
)

// Retrieval says how well the pictures of known pairs were found. Judge fills
// in Lost and Language.
type Retrieval struct {
	Source   string    `json:"source"`   // where the pairs come from, for people
	Own      bool      `json:"own"`      // they are the user's choice
	Texts    Agreement `json:"texts"`    // of the pairs
	Pictures Agreement `json:"pictures"` // of the pairs
	Lost     float64   `json:"lost"`     // the most points that a judged language has lost; negative: all have gained
	Language string    `json:"language"` // the language that lost them; empty when none is judged
	// Recalls are in the order of their languages; empty when vectors were not
	// fit for a search.
	Recalls []Recall `json:"recalls"`
}

// Recall is the share of a language's queries, 0 to 1, that have a right answer
// among the first five.
type Recall struct {
	Language  string  `json:"language"` // BCP 47
	Queries   int     `json:"queries"`
	Exact     float64 `json:"exact"`     // in fp32
	Candidate float64 `json:"candidate"` // in fewer bits
	Mixed     float64 `json:"mixed"`     // queries in fp32, pictures in fewer bits; nothing depends on it
}

// Lost is how much the candidate is behind, in points.
func (r Recall) Lost() float64 { return r.points(r.Candidate) }

// LostMixed is how much mixed use is behind, in points.
func (r Recall) LostMixed() float64 { return r.points(r.Mixed) }

// points counts whole queries: 0.50 - 0.49 is more than 0.01 in binary numbers.
func (r Recall) points(found float64) float64 {
	return 100 * math.Round((r.Exact-found)*float64(r.Queries)) / float64(max(r.Queries, 1))
}

// Judged reports whether there are enough queries.
func (r Recall) Judged() bool { return r.Queries >= FewestQueries }

// judge fills in what was lost, and returns what speaks against the model.
func (r *Retrieval) judge() []string {
	r.Lost, r.Language = 0, ""
	for _, recall := range r.Recalls {
		if recall.Judged() && (r.Language == "" || recall.Lost() > r.Lost) {
			r.Lost, r.Language = recall.Lost(), recall.Language
		}
	}
	problems := append(
		r.Texts.problem("texts of "+r.Source, r.Texts.Mean, "in the mean"),
		r.Pictures.problem("pictures of "+r.Source, r.Pictures.Mean, "in the mean")...)
	if r.Lost > MostLost {
		problems = append(problems, fmt.Sprintf("%s in language %q loses %.2f points of its recall at 5, %.0f at most is allowed",
			r.Source, r.Language, r.Lost, MostLost))
	}
	return problems
}

// decides reports whether the pairs outrank the probes.
func (r *Retrieval) decides() bool { return r != nil && r.Own && r.Language != "" }
