package ico

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func FuzzLargest(f *testing.F) {
	for _, pattern := range []string{"../testdata/formats/*.ico", "../testdata/formats/*.cur"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			f.Fatalf("%s: %v, %v", pattern, names, err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Largest(data)
		if err != nil {
			return
		}
		if len(p.Data) == 0 || !bytes.Contains(data, p.Data) || p.PNG != bytes.HasPrefix(p.Data, []byte("\x89PNG")) {
			t.Fatalf("%+v", p)
		}
	})
}
