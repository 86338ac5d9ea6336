package indexer

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"polylens/indexer/catalog/database"
	"polylens/indexer/source"
)

// BenchmarkUnchanged runs over folders in which nothing has changed since the run
// before: pictures alone, and pictures with as many files that are none.
func BenchmarkUnchanged(b *testing.B) {
	const folders, files = 50, 200
	for _, others := range []bool{false, true} {
		b.Run(fmt.Sprint("others=", others), func(b *testing.B) {
			folder := b.TempDir()
			for i := range folders {
				below := filepath.Join(folder, fmt.Sprintf("%02d", i))
				if err := os.Mkdir(below, 0o755); err != nil {
					b.Fatal(err)
				}
				for j := range files {
					put(b, filepath.Join(below, fmt.Sprintf("%03d.png", j)), picture(j))
					if others {
						put(b, filepath.Join(below, fmt.Sprintf("%03d.mov", j)), []byte("\x00\x00\x00\x14ftypqt  "))
					}
				}
			}
			store, err := database.Open(b.Context(), filepath.Join(b.TempDir(), "catalog.db"))
			if err != nil {
				b.Fatal(err)
			}
			defer store.Close()
			ix := New(store, &fakeEncoder{}, newFakeIndex(), testDecoder, Options{Batch: 64})
			run := func() {
				directory, err := source.NewDirectory(folder)
				if err != nil {
					b.Fatal(err)
				}
				report, err := ix.Run(b.Context(), Request{Collection: "c", Source: directory}, nil)
				if err != nil || report.Done != folders*files {
					b.Fatalf("%+v, %v", report.Progress, err)
				}
			}
			run()
			for b.Loop() {
				run()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*folders*files), "µs/picture")
		})
	}
}

func put(b *testing.B, path string, data []byte) {
	b.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		b.Fatal(err)
	}
}
