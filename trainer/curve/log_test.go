package curve

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// at is a record that depends on its step alone.
func at(step int64) Record {
	record := Record{Step: step, Epoch: float64(step) / 10, Time: begin.Add(time.Duration(step) * time.Second)}
	if step > 0 {
		record.Training = &Training{Loss: Number(1 / float64(step)), LossParts: map[string]Number{"captioning": 2}, LearningRate: 1e-4,
			GradientNorm: 3, Temperature: 10, Bias: -10, ImagesPerSecond: 7}
	}
	if step%5 == 0 {
		record.Validation = []Validation{{Language: "uk", Direction: "image_to_text", N: 3, R1: 0.5, R5: 1, R10: 1, MRR: 0.75, MedianRank: 1.5}}
	}
	return record
}

func mustAppend(t *testing.T, l *Log, from, to int64) {
	t.Helper()
	for step := from; step <= to; step++ {
		if err := l.Append(at(step)); err != nil {
			t.Fatal(err)
		}
	}
}

func mustOpen(t *testing.T, l *Log, err error) *Log {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func readLines(t *testing.T, folder string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, LinesName))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestLines(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new", "run")
	created, err := Create(folder)
	l := mustOpen(t, created, err)
	for _, record := range golden {
		if err := l.Append(record); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	want := `{"step":9,"epoch":0.5,"time":"2023-11-14T22:13:21.25Z","loss":null,"learning_rate":0.001,"gradient_norm":1.5,"temperature":10,"bias":-10,"images_per_second":12.25}
{"step":300,"epoch":1,"time":"2023-11-14T22:13:22.25Z","validation":[{"language":"de","direction":"text_to_image","n":4,"r1":0.5,"r5":0.75,"r10":1,"mrr":0.625,"median_rank":2}]}
`
	got := readLines(t, folder)
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	var first Record
	if err := json.Unmarshal([]byte(strings.SplitAfter(got, "\n")[0]), &first); err != nil {
		t.Fatal(err)
	}
	if !math.IsNaN(float64(first.Loss)) || first.Temperature != 10 {
		t.Errorf("read back as %+v", first.Training)
	}
}

// TestResumedCurvesAreThoseOfAnUndisturbedRun: whatever the moments at which a
// run is killed, and whatever piece of a record that leaves, its curves end as
// if nothing had been.
func TestResumedCurvesAreThoseOfAnUndisturbedRun(t *testing.T) {
	const steps, every = 60, 7 // a checkpoint each 7
	undisturbed := t.TempDir()
	created, err := Create(undisturbed)
	l := mustOpen(t, created, err)
	mustAppend(t, l, 0, steps)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	wantLines, wantCharts := readLines(t, undisturbed), charts(t, undisturbed)
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		folder := t.TempDir()
		step := int64(0)
		created, err := Create(folder)
		l := mustOpen(t, created, err)
		mustAppend(t, l, 0, 0)
		for step < steps {
			until := min(step+1+random.Int64N(20), steps)
			mustAppend(t, l, step+1, until)
			kill(t, l, random)
			checkpoint := until
			if until < steps {
				checkpoint -= until % every
			}
			resumed, err := Resume(folder, checkpoint)
			l, step = mustOpen(t, resumed, err), checkpoint
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if got := readLines(t, folder); got != wantLines {
			t.Errorf("seed %d: got\n%swant\n%s", seed, got, wantLines)
		}
		if got := charts(t, folder); !reflect.DeepEqual(got, wantCharts) {
			t.Errorf("seed %d: got charts\n%v\nwant\n%v", seed, got, wantCharts)
		}
	}
}

// kill leaves the files as a process does that dies while it writes.
func kill(t *testing.T, l *Log, random *rand.Rand) {
	t.Helper()
	line, err := encodeLine(at(1000))
	if err != nil {
		t.Fatal(err)
	}
	event := encodeEvent(at(1000))
	for f, piece := range map[*file][]byte{l.lines: line, l.events: event} {
		if _, err := f.WriteAt(piece[:random.IntN(len(piece))], f.size); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
}

func TestCreateDropsAnEarlierAttempt(t *testing.T) {
	folder := t.TempDir()
	for range 2 {
		created, err := Create(folder)
		l := mustOpen(t, created, err)
		mustAppend(t, l, 0, 3)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Count(readLines(t, folder), "\n"); got != 4 {
		t.Errorf("%d records, want 4", got)
	}
	if got := len(charts(t, folder)["epoch"]); got != 4 {
		t.Errorf("%d points on a chart, want 4", got)
	}
}

func TestStepsNeverDecrease(t *testing.T) {
	folder := t.TempDir()
	resumed, err := Resume(folder, 5)
	l := mustOpen(t, resumed, err)
	defer l.Close()
	mustAppend(t, l, 5, 6)
	mustAppend(t, l, 6, 6) // such as the validation of a step
	if err := l.Append(at(5)); err == nil || !strings.Contains(err.Error(), "step 5 comes after step 6") {
		t.Errorf("got %v", err)
	}
	if _, err := Resume(folder, -1); err == nil {
		t.Error("a negative step was accepted")
	}
}

func TestUnusableFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want an error that names the folder", err)
	}
}

// TestFullDisk: what did not fit leaves no trace, and once there is room the
// curves go on.
func TestFullDisk(t *testing.T) {
	folder := t.TempDir()
	created, err := Create(folder)
	l := mustOpen(t, created, err)
	defer l.Close()
	mustAppend(t, l, 1, 1)
	before := readLines(t, folder)
	limitFiles(t, l.lines.size+10, func() {
		if err := l.Append(at(2)); err == nil {
			t.Error("a record that did not fit was accepted")
		}
	})
	if got := readLines(t, folder); got != before {
		t.Errorf("left behind\n%s", got)
	}
	mustAppend(t, l, 3, 3)
	if got, want := charts(t, folder)["loss"], 2; len(got) < want || strings.Count(readLines(t, folder), "\n") != 2 {
		t.Errorf("afterwards %v and\n%s", got, readLines(t, folder))
	}
}

// limitFiles lets no file grow beyond a size while do runs.
func limitFiles(t *testing.T, size int64, do func()) {
	t.Helper()
	signal.Ignore(unix.SIGXFSZ)
	defer signal.Reset(unix.SIGXFSZ)
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: uint64(size), Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	do()
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
}

func FuzzWholeUntil(f *testing.F) {
	f.Add([]byte("{\"step\":1}\n{\"step\":2}\n{\"st"), int64(1))
	f.Add([]byte("{\"step\":1}\n\x00\x00\n{\"step\":1}\n"), int64(5))
	f.Add([]byte("{}\nnull\n{\"step\":1e3}\n"), int64(5))
	f.Fuzz(func(t *testing.T, text []byte, last int64) {
		size, err := wholeUntil(bytes.NewReader(text), last)
		if err != nil || size < 0 || size > int64(len(text)) {
			t.Fatalf("%d of %d bytes, %v", size, len(text), err)
		}
		for line := range bytes.Lines(text[:size]) {
			if step, ok := stepOf(line); !ok || step > last || line[len(line)-1] != '\n' {
				t.Errorf("kept %q", line)
			}
		}
		rest, _, whole := bytes.Cut(text[size:], []byte("\n"))
		if step, ok := stepOf(rest); whole && ok && step <= last {
			t.Errorf("cut %q", rest)
		}
	})
}
