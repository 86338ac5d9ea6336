package archive

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// TestTablesBehind: in a tar archive, what stands behind a picture comes too late for it,
// which is told; a zip archive has its tables wherever they stand.
func TestTablesBehind(t *testing.T) {
	files := []file{{"a.jpg", "x"}, {"b.jpg", "y"}, {"metadata.csv", "file_name,n\na.jpg,1\nb.jpg,2\nc.jpg,3\n"}, {"c.jpg", "z"}}
	for kind, want := range map[string][]string{
		"tar": {"a.jpg=x", "b.jpg=y map[n:2]", "metadata.csv: of this table of metadata: it: it stands behind 1 pictures", "c.jpg=z map[n:3]"},
		"zip": {"a.jpg=x map[n:1]", "b.jpg=y map[n:2]", "c.jpg=z map[n:3]"},
	} {
		content := map[string]func(testing.TB, ...file) []byte{"tar": tarOf, "zip": zipOf}[kind](t, files...)
		entries, _, err := read(t, bytes.NewReader(content), Limits{})
		got := told(entries)
		if err != nil || len(got) != len(want) || slices.ContainsFunc(want, func(w string) bool {
			return !slices.ContainsFunc(got, func(g string) bool { return strings.HasPrefix(g, w) })
		}) {
			t.Errorf("%s: got %q, %v, want %q", kind, got, err, want)
		}
	}
}

// TestTableAsParquet: Hugging Face's third form of a table.
func TestTableAsParquet(t *testing.T) {
	var table bytes.Buffer
	type row struct {
		FileName string `parquet:"file_name"`
		N        int64  `parquet:"n"`
	}
	w := parquet.NewGenericWriter[row](&table)
	if _, err := w.Write([]row{{"a.jpg", 1}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	entries, _, err := read(t, bytes.NewReader(zipOf(t, file{"train/metadata.parquet", table.String()}, file{"train/a.jpg", "x"})), Limits{})
	if got := told(entries); err != nil || len(got) != 1 || got[0] != "train/a.jpg=x map[n:1]" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestTablesAreBounded together.
func TestTablesAreBounded(t *testing.T) {
	rows := "file_name,n\n" + strings.Repeat("a.jpg,1\n", 100)
	content := zipOf(t, file{"a/metadata.csv", rows}, file{"b/metadata.csv", rows}, file{"a/a.jpg", "x"}, file{"b/a.jpg", "x"})
	entries, _, err := read(t, bytes.NewReader(content), Limits{MaxTables: 1000})
	got := told(entries)
	if err != nil || !slices.ContainsFunc(got, func(g string) bool {
		return strings.HasPrefix(g, "b/metadata.csv: as a table of metadata: it has more than")
	}) || !slices.Contains(got, "b/a.jpg=x") {
		t.Errorf("got %q, %v", got, err)
	}
}
