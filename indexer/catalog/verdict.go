package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// ErrForgotten is for a model that forgot more than the forgetting gate allows.
var ErrForgotten = errors.New("the model forgot too much")

// Verdict is the verdict of the forgetting gate: a model compared with the one that
// its run began with, on pairs of guarded languages.
type Verdict struct {
	Passed    bool              `json:"passed"`
	Languages []LanguageVerdict `json:"languages"` // every guarded one
}

// LanguageVerdict is what one guarded language lost.
type LanguageVerdict struct {
	Language  string   `json:"language"`             // BCP 47
	N         int      `json:"n"`                    // queries
	Before    float64  `json:"before"`               // R@5 of text to image, 0 to 1, of the model that the run began with
	After     float64  `json:"after"`                // the same of the model that it wrote
	Lost      float64  `json:"lost"`                 // points (hundredths); negative when it gained
	Allowed   float64  `json:"allowed"`              // points that it may lose
	Forgotten bool     `json:"forgotten"`            // whether it lost more
	LeastLost *float64 `json:"least_lost,omitempty"` // lower end of the confidence interval of Lost; nil when not known
}

// Verdict returns the verdict on the model that the run wrote, nil before it was judged.
func (r Run) Verdict() *Verdict {
	if len(r.Gate) == 0 {
		return nil
	}
	verdict := &Verdict{}
	_ = json.Unmarshal(r.Gate, verdict) // written by the trainer itself
	return verdict
}

// Error is nil for a verdict that passed, else an ErrForgotten with the verdict.
func (v *Verdict) Error() error {
	if v == nil || v.Passed {
		return nil
	}
	return &ForgottenError{Verdict: *v}
}

// ForgottenError is an ErrForgotten that carries the verdict.
type ForgottenError struct{ Verdict Verdict }

// Error names the languages.
func (e *ForgottenError) Error() string {
	var lost []string
	for _, l := range e.Verdict.Languages {
		if l.Forgotten {
			lost = append(lost, fmt.Sprintf("%s lost %.2f points of R@5, at most %.2f are allowed", l.Language, l.Lost, l.Allowed))
		}
	}
	return ErrForgotten.Error() + ": " + strings.Join(lost, "; ") + "; force activates it nevertheless"
}

// Is lets errors.Is find ErrForgotten.
func (e *ForgottenError) Is(target error) bool { return target == ErrForgotten }
