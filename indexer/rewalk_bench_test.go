package indexer

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

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
			least := time.Hour
			for b.Loop() {
				before := processorTime(b)
				run()
				least = min(least, processorTime(b)-before)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*folders*files), "µs/picture")
			b.ReportMetric(float64(least.Nanoseconds())/1e3/(folders*files), "least-cpu-µs/picture")
		})
	}
}

// processorTime is what this process has used. The least of several runs is that which
// other programs on the machine have disturbed least.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func put(b *testing.B, path string, data []byte) {
	b.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		b.Fatal(err)
	}
}
