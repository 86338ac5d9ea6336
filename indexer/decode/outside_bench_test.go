package decode

import (
	"flag"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"polylens/indexer/decode/turbo"
	"polylens/internal/needs"
)

var progressiveFolder = flag.String("progressive", "", "folder of progressive JPEGs for BenchmarkOutside, as testdata/progressive.py writes them")

// BenchmarkOutside compares libjpeg-turbo in this process with the same in one of its
// own, turn and turn about, on each picture of a folder. The ratio is that of the
// fastest turns, which other programs on the machine disturb least.
//
//	python indexer/decode/testdata/progressive.py DIR
//	go test -run '^$' -bench Outside -benchtime 50x ./indexer/decode -progressive DIR
func BenchmarkOutside(b *testing.B) {
	files, err := filepath.Glob(filepath.Join(*progressiveFolder, "*.jpg"))
	if err != nil || *progressiveFolder == "" {
		b.Skip("no folder is named with -progressive")
	}
	library, err := turbo.Open(needs.TurboJPEG(b))
	if err != nil {
		b.Fatal(err)
	}
	decoder := &Decoder{Outside: openTurbo(b)}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		for scale, wanted := range map[string]Target{"full": nil, "224": target(224, 224)} {
			ask := task{decoder: decoder, ctx: b.Context(), data: data, target: wanted, limits: Limits{}.withDefaults(), meta: readMetadata("jpeg", data)}
			if ask.config, err = jpegConfig(ask); err != nil {
				b.Fatal(err)
			}
			want := turbo.Want{Full: image.Pt(ask.config.Width, ask.config.Height), Points: ask.points(turbo.Points[:])}
			b.Run(strings.TrimSuffix(filepath.Base(file), ".jpg")+"/"+scale, func(b *testing.B) {
				inside, outside := time.Hour, time.Hour
				for b.Loop() {
					inside = min(inside, elapsed(b, func() error { _, _, err := library.Decode(data, want); return err }))
					outside = min(outside, elapsed(b, func() error { _, err := ask.runTurbo(); return err }))
				}
				b.ReportMetric(float64(inside.Microseconds())/1000, "ms-inside")
				b.ReportMetric(float64(outside.Microseconds())/1000, "ms-outside")
				b.ReportMetric(float64(outside)/float64(inside), "ratio")
			})
		}
	}
}

func elapsed(b *testing.B, work func() error) time.Duration {
	b.Helper()
	begun := time.Now()
	if err := work(); err != nil {
		b.Fatal(err)
	}
	return time.Since(begun)
}
