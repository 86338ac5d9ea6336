package gate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Verdict is the outcome of the gate for one model at one precision.
type Verdict struct {
	Fingerprint string    `json:"fingerprint"` // of the model in fp32
	Precision   string    `json:"precision"`
	Runtime     string    `json:"runtime"` // version of ONNX Runtime
	Time        time.Time `json:"time"`
	Texts       Agreement `json:"texts"`
	Pictures    Agreement `json:"pictures"`
	// Problem says why the model must not be used so; empty when it passed.
	Problem string `json:"problem,omitempty"`
}

// Judge fills in the problem from what was compared.
func (v *Verdict) Judge() {
	v.Problem = ""
	for what, a := range map[string]Agreement{"texts": v.Texts, "pictures": v.Pictures} {
		if !a.Passed() {
			v.Problem = fmt.Sprintf("the vectors of %d %s have a cosine of %.4f to fp32 at worst (%s), %.2f is required",
				a.Count, what, a.Worst, a.Input, LeastCosine)
		}
	}
}

// Store keeps verdicts in a folder.
type Store struct{ Folder string }

// Read returns the verdict on a model; ok is false if there is none.
func (s Store) Read(fingerprint, precision, runtime string) (verdict Verdict, ok bool, err error) {
	content, err := os.ReadFile(s.path(fingerprint, precision))
	if errors.Is(err, fs.ErrNotExist) {
		return Verdict{}, false, nil
	}
	if err != nil {
		return Verdict{}, false, err
	}
	// A file that cannot be read is no verdict: the gate runs again.
	same := json.Unmarshal(content, &verdict) == nil &&
		verdict.Fingerprint == fingerprint && verdict.Precision == precision && verdict.Runtime == runtime
	return verdict, same, nil
}

// Write keeps a verdict in place of an earlier one.
func (s Store) Write(verdict Verdict) error {
	content, err := json.MarshalIndent(verdict, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.Folder, 0o700); err != nil {
		return err
	}
	fresh, err := os.CreateTemp(s.Folder, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(fresh.Name()) // gone already once renamed
	_, err = fresh.Write(append(content, '\n'))
	if err = errors.Join(err, fresh.Close()); err != nil {
		return err
	}
	return os.Rename(fresh.Name(), s.path(verdict.Fingerprint, verdict.Precision))
}

func (s Store) path(fingerprint, precision string) string {
	return filepath.Join(s.Folder, fingerprint+"-"+precision+".json")
}
