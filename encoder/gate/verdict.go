package gate

import (
	"strings"
	"time"
)

// Verdict is the outcome of the gate for one model at one precision.
type Verdict struct {
	Fingerprint string    `json:"fingerprint"` // of the model in fp32
	Precision   string    `json:"precision"`
	Runtime     string    `json:"runtime"` // version of ONNX Runtime
	Time        time.Time `json:"time"`
	Texts       Agreement `json:"texts"`    // of the probes
	Pictures    Agreement `json:"pictures"` // of the probes
	// Pairs is what was searched with; nil if nothing was.
	Pairs *Retrieval `json:"pairs,omitempty"`
	// Problem says why the model must not be used so; empty when it passed.
	Problem string `json:"problem,omitempty"`
}

// Passed reports whether the model may be used.
func (v Verdict) Passed() bool { return v.Problem == "" }

// Judge fills in the problem from what was compared.
func (v *Verdict) Judge() {
	var problems []string
	if v.Pairs != nil {
		problems = v.Pairs.judge()
	}
	texts, pictures := v.Texts.Worst, v.Pictures.Worst
	if v.Pairs.decides() {
		texts, pictures = 1, 1 // excused
	}
	problems = append(problems, v.Texts.problem("built-in texts", texts, v.Texts.worst())...)
	problems = append(problems, v.Pictures.problem("built-in pictures", pictures, v.Pictures.worst())...)
	v.Problem = strings.Join(problems, "; ")
}

// covers reports whether the verdict is on a model as it would be run now. Another
// version of ONNX Runtime may compute otherwise, and nobody but the user can repeat a
// comparison with the user's own pairs: what failed there has failed until it passes.
func (v Verdict) covers(fingerprint, precision, runtime string) bool {
	lasting := v.Pairs != nil && v.Pairs.Own && !v.Passed()
	return v.Fingerprint == fingerprint && v.Precision == precision && (v.Runtime == runtime || lasting) &&
		v.Texts.Count > 0 && v.Pictures.Count > 0
}
