package checkpoint

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/safetensors"
)

var update = flag.Bool("update", false, "write the checkpoint of the present format to testdata")

var run = Identity{Config: "config-1", Data: "data-1"}

// stateAt is a small state whose every value tells its step and place.
func stateAt(step int64) []Section {
	var state []Section
	for s, name := range []string{Weights, First, Second} {
		var tensors []safetensors.Weights
		for i, shape := range [][]int64{{3, 4}, {5}, {}, {0, 2}} {
			values := make([]float32, elements(shape))
			for j := range values {
				values[j] = float32(step) + float32(s)/4 + float32(i)/16 + float32(j)/256
			}
			tensors = append(tensors, safetensors.Weights{Name: fmt.Sprintf("layer.%d", i), Shape: shape, Values: values})
		}
		state = append(state, Section{Name: name, Tensors: tensors})
	}
	return state
}

func progressAt(step int64) Progress {
	return Progress{
		Step: step, Schedule: step, Sampler: Sampler{Epoch: step / 10, Pairs: 16 * (step % 10)},
		Seed: math.MaxUint64 - 1, LossScale: 65536, LossScaleSteps: step, Run: run,
		EarlyStopping: EarlyStopping{Evaluations: step / 5, Stale: step % 3},
	}
}

func save(t *testing.T, folder Folder, progress Progress) {
	t.Helper()
	if err := folder.Save(t.Context(), progress, stateAt(progress.Step)); err != nil {
		t.Fatal(err)
	}
}

// expect loads and compares every bit with what was saved at the step.
func expect(t *testing.T, folder Folder, step int64) Loaded {
	t.Helper()
	state := stateAt(-1)
	loaded, err := folder.Load(t.Context(), run, state)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(loaded.Progress, progressAt(step)) || !reflect.DeepEqual(state, stateAt(step)) {
		t.Fatalf("loaded step %d, want the state of step %d; passed %v", loaded.Progress.Step, step, loaded.Passed)
	}
	return loaded
}

func TestSavedIsLoaded(t *testing.T) {
	folder := Folder{Path: filepath.Join(t.TempDir(), "run", "checkpoints")}
	for _, step := range []int64{0, 7, 8} {
		save(t, folder, progressAt(step))
		if loaded := expect(t, folder, step); len(loaded.Passed) > 0 || loaded.Path != folder.pathOf(step) {
			t.Errorf("step %d was loaded from %s, passing %v", step, loaded.Path, loaded.Passed)
		}
	}
}

func TestEveryBitIsKept(t *testing.T) {
	values := []float32{float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32, -math.MaxFloat32, 1.0 / 3}
	folder := Folder{Path: t.TempDir()}
	state := []Section{{Name: Weights, Tensors: []safetensors.Weights{{Name: "w", Shape: []int64{4}, Values: slices.Clone(values)}}}}
	if err := folder.Save(t.Context(), progressAt(1), state); err != nil {
		t.Fatal(err)
	}
	clear(state[0].Tensors[0].Values)
	if _, err := folder.Load(t.Context(), run, state); err != nil {
		t.Fatal(err)
	}
	for i, value := range state[0].Tensors[0].Values {
		if math.Float32bits(value) != math.Float32bits(values[i]) {
			t.Errorf("%v was saved, %v is loaded", values[i], value)
		}
	}
}

func TestWhatIsKept(t *testing.T) {
	best := func(step int64) *Best { return &Best{Step: step, Value: 0.5} }
	for _, test := range []struct {
		name  string
		keep  int
		saved []int64
		best  map[int64]*Best
		want  []int64
	}{
		{"two by default", 0, []int64{1, 2, 3, 4}, nil, []int64{3, 4}},
		{"as many as asked for", 3, []int64{1, 2, 3, 4}, nil, []int64{2, 3, 4}},
		{"the best besides", 1, []int64{1, 2, 3, 4}, map[int64]*Best{1: best(1), 2: best(2), 3: best(2), 4: best(2)}, []int64{2, 4}},
		{"the best once", 2, []int64{1, 2, 3}, map[int64]*Best{3: best(3)}, []int64{2, 3}},
		{"none of a course that was left", 3, []int64{10, 20, 30, 15}, nil, []int64{10, 15}},
		{"a step written again", 2, []int64{10, 20, 20}, nil, []int64{10, 20}},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := Folder{Path: t.TempDir(), Keep: test.keep}
			for _, step := range test.saved {
				progress := progressAt(step)
				progress.Best = test.best[step]
				save(t, folder, progress)
			}
			steps, err := folder.Steps()
			if err != nil || !slices.Equal(steps, test.want) {
				t.Errorf("kept %v, want %v: %v", steps, test.want, err)
			}
			checkTidy(t, folder)
		})
	}
}

// checkTidy demands that nothing but checkpoints and the pointer is there.
func checkTidy(t *testing.T, folder Folder) {
	t.Helper()
	entries, err := os.ReadDir(folder.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if _, ok := stepOf(entry.Name()); !ok && entry.Name() != latestFile {
			t.Errorf("%s is left", entry.Name())
		}
	}
}

func TestBestIsLoaded(t *testing.T) {
	folder := Folder{Path: t.TempDir(), Keep: 1}
	save(t, folder, progressAt(1))
	if _, err := folder.LoadBest(t.Context(), run, nil); err == nil || !strings.Contains(err.Error(), "before the first evaluation") {
		t.Errorf("without a best: %v", err)
	}
	for _, step := range []int64{2, 3, 4} {
		progress := progressAt(step)
		progress.Best = &Best{Step: 2, Value: 0.75}
		save(t, folder, progress)
	}
	state := stateAt(-1)[:1]
	loaded, err := folder.LoadBest(t.Context(), run, state)
	if err != nil || loaded.Progress.Step != 2 || !reflect.DeepEqual(state, stateAt(2)[:1]) {
		t.Errorf("the best is step %d: %v", loaded.Progress.Step, err)
	}
}

func TestNoCheckpoint(t *testing.T) {
	for _, path := range []string{t.TempDir(), filepath.Join(t.TempDir(), "missing")} {
		if _, err := (Folder{Path: path}).Load(t.Context(), run, nil); !errors.Is(err, ErrNone) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestOtherRun(t *testing.T) {
	folder := Folder{Path: t.TempDir()}
	save(t, folder, progressAt(1))
	save(t, folder, progressAt(2))
	for _, test := range []struct {
		name   string
		run    Identity
		change func(state []Section) []Section
		want   string
	}{
		{"config", Identity{"config-2", "data-1"}, nil, "the fingerprint of the configuration is config-1 there, but this run has config-2"},
		{"data", Identity{"config-1", "data-2"}, nil, "the fingerprint of the data is data-1 there, but this run has data-2"},
		{"shape", run, func(state []Section) []Section {
			state[0].Tensors[0].Shape = []int64{4, 3}
			return state
		}, `weights: tensor "layer.0" is F32 of shape [3 4] there, but this run has F32 of shape [4 3]`},
		{"tensor missing there", run, func(state []Section) []Section {
			state[1].Tensors[1].Name = "head"
			return state
		}, `first: tensor "head" is not there there`},
		{"tensor missing here", run, func(state []Section) []Section {
			state[2].Tensors = state[2].Tensors[:3]
			return state
		}, `second: tensor "layer.3" is there there`},
		{"section", run, func(state []Section) []Section {
			return append(state, Section{Name: "teacher"})
		}, "section teacher is not there there"},
	} {
		t.Run(test.name, func(t *testing.T) {
			state := stateAt(-1)
			if test.change != nil {
				state = test.change(state)
			}
			_, err := folder.Load(t.Context(), test.run, state)
			var mismatch *MismatchError
			if !errors.As(err, &mismatch) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
			if test.change == nil && !reflect.DeepEqual(state, stateAt(-1)) {
				t.Error("the state was touched")
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(progress *Progress, state []Section)
		want   string
	}{
		{"not a number", func(_ *Progress, state []Section) { state[1].Tensors[1].Values[3] = float32(math.NaN()) },
			`first: tensor "layer.1": value 3 is NaN: training has diverged`},
		{"infinite", func(_ *Progress, state []Section) { state[0].Tensors[0].Values[0] = float32(math.Inf(-1)) }, "value 0 is -Inf"},
		{"shape", func(_ *Progress, state []Section) { state[0].Tensors[0].Shape[0] = 9 }, `tensor "layer.0" has 12 values for the shape [9 4]`},
		{"section twice", func(_ *Progress, state []Section) { state[1].Name = Weights }, `section "weights" is given twice`},
		{"section name", func(_ *Progress, state []Section) { state[1].Name = "../up" }, `"../up" cannot name a section`},
		{"tensor twice", func(_ *Progress, state []Section) { state[1].Tensors[1].Name = "layer.0" }, `tensor "layer.0" is given twice`},
		{"loss scale", func(progress *Progress, _ []Section) { progress.LossScale = 0 }, "impossible loss scale 0"},
		{"metric", func(progress *Progress, _ []Section) { progress.Best = &Best{Value: math.NaN()} }, "which is no number"},
		{"best to come", func(progress *Progress, _ []Section) { progress.Best = &Best{Step: 9} }, "best metric at step 9"},
		{"negative", func(progress *Progress, _ []Section) { progress.Step = -1 }, "negative position"},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := Folder{Path: t.TempDir()}
			save(t, folder, progressAt(1))
			progress, state := progressAt(2), stateAt(2)
			test.change(&progress, state)
			err := folder.Save(t.Context(), progress, state)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "(that of step 1 stands)") {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
			expect(t, folder, 1)
			checkTidy(t, folder)
		})
	}
}

func TestCanceled(t *testing.T) {
	folder := Folder{Path: t.TempDir()}
	save(t, folder, progressAt(1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := folder.Save(ctx, progressAt(2), stateAt(2)); !errors.Is(err, context.Canceled) {
		t.Errorf("saving: %v", err)
	}
	if _, err := folder.Load(ctx, run, stateAt(0)); !errors.Is(err, context.Canceled) {
		t.Errorf("loading: %v", err)
	}
	expect(t, folder, 1)
	checkTidy(t, folder)
}

// TestFormat opens a checkpoint as the first version of this package wrote it.
func TestFormat(t *testing.T) {
	folder := Folder{Path: filepath.Join("testdata", "version1")}
	if *update {
		save(t, folder, progressAt(7))
	}
	expect(t, folder, 7)
}

func BenchmarkSave(b *testing.B) {
	const count = 32 << 20
	state := []Section{{Name: Weights, Tensors: []safetensors.Weights{{Name: "w", Shape: []int64{count}, Values: make([]float32, count)}}}}
	folder := Folder{Path: b.TempDir(), Keep: 1}
	b.SetBytes(4 * count)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if err := folder.Save(b.Context(), progressAt(int64(i)), state); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	const count = 32 << 20
	state := []Section{{Name: Weights, Tensors: []safetensors.Weights{{Name: "w", Shape: []int64{count}, Values: make([]float32, count)}}}}
	folder := Folder{Path: b.TempDir()}
	if err := folder.Save(b.Context(), progressAt(1), state); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(4 * count)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := folder.Load(b.Context(), run, state); err != nil {
			b.Fatal(err)
		}
	}
}
