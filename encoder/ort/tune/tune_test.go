package tune

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"polylens/encoder/ort"
)

func TestCandidates(t *testing.T) {
	with := func(threads int, wait time.Duration) ort.Options {
		return ort.Options{Device: ort.CPU, Threads: threads, Spin: wait}
	}
	tests := []struct {
		name          string
		cores         int
		multithreaded bool
		want          []ort.Options
	}{
		{"one core", 1, false, []ort.Options{with(1, 0)}},
		{"two cores", 2, false, []ort.Options{with(2, 0), with(2, Spin)}},
		{"one core with two threads", 2, true, []ort.Options{with(1, 0), with(2, 0), with(2, Spin)}},
		{"half of five", 5, true, []ort.Options{with(3, 0), with(5, 0), with(3, Spin), with(5, Spin)}},
	}
	for _, test := range tests {
		if got := candidates(ort.Options{Device: ort.CPU}, test.cores, test.multithreaded); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
	if len(Candidates(ort.Options{})) == 0 {
		t.Error("there is nothing to measure on this machine")
	}
}

var three = []ort.Options{{Threads: 1}, {Threads: 2}, {Threads: 3}}

// timesOf answers for a candidate with the time at its place.
func timesOf(times ...time.Duration) func(context.Context, ort.Options) (time.Duration, error) {
	return func(_ context.Context, options ort.Options) (time.Duration, error) {
		return times[options.Threads-1], nil
	}
}

func TestFastest(t *testing.T) {
	tests := []struct {
		name  string
		times [3]time.Duration
		want  int
	}{
		{"the last is fastest", [3]time.Duration{300, 200, 100}, 3},
		{"the middle one is fastest", [3]time.Duration{300, 100, 200}, 2},
		{"a little faster is noise", [3]time.Duration{1000, 980, 975}, 1},
		{"clearly faster than the best so far", [3]time.Duration{1000, 960, 940}, 2},
	}
	for _, test := range tests {
		got, err := Fastest(t.Context(), three, timesOf(test.times[:]...))
		if err != nil || got.Threads != test.want {
			t.Errorf("%s: %d threads, %v; want %d", test.name, got.Threads, err, test.want)
		}
	}
	if _, err := Fastest(t.Context(), nil, timesOf()); err == nil {
		t.Error("the fastest of none was found")
	}
}

func TestFastestStops(t *testing.T) {
	broken := errors.New("broken")
	_, err := Fastest(t.Context(), three, func(context.Context, ort.Options) (time.Duration, error) { return 0, broken })
	if !errors.Is(err, broken) {
		t.Errorf("a failed run answers %v", err)
	}
	for stopAt, want := range []error{context.Canceled, nil, nil} {
		ctx, cancel := context.WithCancel(t.Context())
		got, err := Fastest(ctx, three, func(_ context.Context, options ort.Options) (time.Duration, error) {
			if options.Threads == stopAt+1 {
				cancel()
				return 0, ctx.Err()
			}
			return 100, nil
		})
		if !errors.Is(err, want) || (want == nil && (err != nil || got.Threads != 1)) {
			t.Errorf("stopped at candidate %d: %d threads, %v", stopAt, got.Threads, err)
		}
		cancel()
	}
}

func TestStore(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "cache")
	key := Key{Processor: "P", Cores: 2, Library: "1.32.0", Device: ort.CPU, Model: "abc", Precision: "fp32"}
	asked := ort.Options{Device: ort.CPU, Half: true}
	if got, found := Load(folder, key, asked); found || got != asked {
		t.Errorf("an empty folder holds %+v", got)
	}
	chosen := ort.Options{Threads: 2, Spin: Spin, Device: ort.CUDA}
	if err := Save(folder, key, chosen); err != nil {
		t.Fatal(err)
	}
	want := ort.Options{Threads: 2, Spin: Spin, Device: ort.CPU, Half: true}
	if got, found := Load(folder, key, asked); !found || got != want {
		t.Errorf("stored %+v, want %+v", got, want)
	}
	other := key
	other.Library = "1.33.0"
	if _, found := Load(folder, other, asked); found {
		t.Error("an answer for one library holds for another")
	}
	if files, err := os.ReadDir(filepath.Dir(key.path(folder))); err != nil || len(files) != 1 {
		t.Errorf("the folder holds %v, %v; want one file", files, err)
	}
	if err := os.WriteFile(key.path(folder), []byte(`{"threads": 0}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, found := Load(folder, key, asked); found {
		t.Error("no threads at all were accepted")
	}
	if err := Save(key.path(folder), key, chosen); err == nil {
		t.Error("a file was taken for a folder")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"processor":"P","cores":2,"library":"1.32.0","device":"cpu","model":"abc","precision":"fp32","threads":2,"spin_microseconds":200}`))
	f.Add([]byte(`{"threads":-1}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, content []byte) {
		kept, err := parse(content)
		if err == nil && (kept.Threads < 1 || kept.Threads > maxThreads || kept.SpinMicroseconds < 0) {
			t.Errorf("%q was accepted as %+v", content, kept)
		}
	})
}
