package gate

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"polylens/internal/ordinary"
	"polylens/internal/replace"
)

// Store keeps verdicts in a folder. It may be used by several processes.
type Store struct{ Folder string }

// Read returns the verdict on a model; ok is false if there is none.
func (s Store) Read(fingerprint, precision, runtime string) (verdict Verdict, ok bool, err error) {
	content, err := ordinary.Read(s.Path(fingerprint, precision), 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return Verdict{}, false, nil
	}
	if err != nil {
		return Verdict{}, false, err
	}
	// A file that cannot be understood is no verdict: the gate runs again.
	if json.Unmarshal(content, &verdict) != nil {
		return Verdict{}, false, nil
	}
	verdict.Judge() // the figures count, whatever was demanded of them when they were written
	if !verdict.covers(fingerprint, precision, runtime) {
		return Verdict{}, false, nil
	}
	return verdict, true, nil
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
	return replace.Volatile(s.Path(verdict.Fingerprint, verdict.Precision), append(content, '\n'))
}

// Path is the file that holds the verdict on a model.
func (s Store) Path(fingerprint, precision string) string {
	return filepath.Join(s.Folder, fingerprint+"-"+precision+".json")
}
