package conformance

import (
	"os"
	"testing"

	"polylens/indexer/decode"
	"polylens/internal/needs"
)

func TestMain(m *testing.M) {
	decode.MaybeRunChild()
	os.Exit(needs.Main(m))
}

// tableFolder names the folder of the whole table for “make conformance”.
const tableFolder = "POLYLENS_CONFORMANCE"

// TestSmallFiles is the part of the table that is kept here.
func TestSmallFiles(t *testing.T) {
	judged(t, newJudge(t, "testdata/small"))
}

// TestTable judges all files and prints the table.
func TestTable(t *testing.T) {
	folder := os.Getenv(tableFolder)
	if folder == "" {
		t.Skip(tableFolder + " is not set: “make conformance” does that")
	}
	j := newJudge(t, folder)
	j.withModel(t)
	verdicts := judged(t, j)
	t.Logf("\n%s\nas Pillow, where another witness was taken: %s", markdown(rows(verdicts)), takenAsPillow(verdicts))
}

// judged fails for each file on which the verdict is not good.
func judged(t *testing.T, j *judge) []verdict {
	t.Helper()
	var verdicts []verdict
	for _, f := range readManifest(t, j.folder) {
		v := j.judge(t.Context(), f)
		if v.fault != "" {
			t.Errorf("%s (%s, %s): %s", f.Name, f.Group, f.What, v.fault)
		}
		verdicts = append(verdicts, v)
	}
	return verdicts
}
