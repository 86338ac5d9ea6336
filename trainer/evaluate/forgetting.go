package evaluate

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// DefaultAllowed is how many points (hundredths) of R@5 a guarded language may
// lose: what people see at a glance, and as much as a change of precision may
// cost.
const DefaultAllowed = 1

// Allowance is what training may make a model forget.
type Allowance struct {
	Points    float64            // of R@5 of text_to_image, for each language
	Languages map[string]float64 // in place of Points, for some languages, case aside
}

// of is the allowance of a language with n queries: one query may always be
// lost, which in a small set is more than a point.
func (a Allowance) of(language string, n int) float64 {
	points := a.Points
	for name, own := range a.Languages {
		if strings.EqualFold(name, language) {
			points = own
		}
	}
	return max(points, 100/float64(n))
}

// Drop is what one guarded language lost.
type Drop struct {
	Language  string  `json:"language"`
	N         int     `json:"n"`
	Before    float64 `json:"before"`  // R@5, 0 to 1
	After     float64 `json:"after"`   // R@5, 0 to 1
	Lost      float64 `json:"lost"`    // points, negative when it gained
	Allowed   float64 `json:"allowed"` // points
	Forgotten bool    `json:"forgotten"`
	// Lower end of what was lost in points, where single queries are known: above 0
	// the loss is not an accident of the queries. It decides nothing.
	LeastLost *float64 `json:"least_lost,omitempty"`
}

// Forgetting is the verdict of the forgetting gate.
type Forgetting struct {
	Passed    bool   `json:"passed"`
	Languages []Drop `json:"languages"` // every guarded one, as before has them
}

// rounding is less than what one query counts, in points.
const rounding = 1e-9

// CheckForgetting compares a model with what it was made of, on the same guarded set:
// every language with text_to_image in before is guarded. A language that is missing
// in after, or was measured with other queries, is an error and not a pass.
func CheckForgetting(before, after Report, allowed Allowance) (Forgetting, error) {
	verdict := Forgetting{Passed: true}
	for _, old := range before {
		if old.Direction != TextToImage {
			continue
		}
		drop, err := newDrop(old, after, allowed)
		if err != nil {
			return Forgetting{}, fmt.Errorf("guarded language %s: %w", old.Language, err)
		}
		verdict.Languages = append(verdict.Languages, drop)
		verdict.Passed = verdict.Passed && !drop.Forgotten
	}
	if len(verdict.Languages) == 0 {
		return Forgetting{}, errors.New("nothing is guarded: the report before has no text_to_image")
	}
	return verdict, nil
}

func newDrop(old Result, after Report, allowed Allowance) (Drop, error) {
	now, ok := after.Find(old.Language, TextToImage)
	if !ok {
		return Drop{}, errors.New("the report after lacks it: evaluate both models on the same set")
	}
	if now.N != old.N || now.Queries != "" && old.Queries != "" && now.Queries != old.Queries {
		return Drop{}, errors.New("the reports are of different queries: evaluate both models on the same set")
	}
	drop := Drop{Language: old.Language, N: old.N, Before: old.R5, After: now.R5, Lost: 100 * (old.R5 - now.R5)}
	drop.Allowed = allowed.of(old.Language, old.N)
	drop.Forgotten = drop.Lost > drop.Allowed+rounding
	if sameQueries(old, now) {
		least := -100 * bootstrap(old.Ranks, now.Ranks, 5).High
		drop.LeastLost = &least
	}
	return drop, nil
}

// Problem names the languages that lost too much, or is empty.
func (f Forgetting) Problem() string {
	var problems []string
	for _, drop := range f.Languages {
		if drop.Forgotten {
			problems = append(problems, fmt.Sprintf("%s lost %.2f points of R@5, at most %.2f are allowed", drop.Language, drop.Lost, drop.Allowed))
		}
	}
	return strings.Join(problems, "; ")
}

// Write prints a table for people.
func (f Forgetting) Write(to io.Writer) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "GUARDED\tQUERIES\tR@5 BEFORE\tAFTER\tLOST POINTS\tALLOWED\t")
	for _, drop := range f.Languages {
		note := ""
		if drop.Forgotten {
			note = "  forgotten"
		}
		fmt.Fprintf(table, "%s\t%d\t%.3f\t%.3f\t%.2f\t%.2f\t%s\n", drop.Language, drop.N, drop.Before, drop.After, drop.Lost, drop.Allowed, note)
	}
	return table.Flush()
}
