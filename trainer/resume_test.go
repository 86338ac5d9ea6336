package trainer_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"polylens/trainer"
	"polylens/trainer/checkpoint"
)

// Variables of the test program started again as a run that will be killed.
const (
	roleMode    = "POLYLENS_TRAINER_MODE"
	roleFixture = "POLYLENS_TRAINER_FIXTURE"
	roleFolder  = "POLYLENS_TRAINER_FOLDER"
)

// kills is how often TestKilled kills in each of three modes, unless
// POLYLENS_KILL_ROUNDS says otherwise.
const kills = 7

// resumed are runs in which everything is in play that a resumed run must take
// up: parts that are added up, several texts and languages, augmentation,
// recomputation, checkpoints beside evaluations, and an end by early stopping
// whose best weights are of an earlier step.
func resumed(t *testing.T, mode string) trainer.Config {
	t.Helper()
	config, err := trainer.Preset(mode)
	if err != nil {
		t.Fatal(err)
	}
	config.Steps, config.Optimizer.Warmup, config.Optimizer.LearningRate = 300, 4, 3e-3
	config.Batch.Pictures, config.Batch.Texts = 6, 2
	config.Split = trainer.Split{Validation: 0.3, Near: -1}
	config.Validation = trainer.Validation{Every: 4, Metric: "mrr", Patience: 3}
	config.Checkpoint.Every = 3
	switch mode {
	case "full":
		config.Batch.Augmentation, config.Batch.Accumulate = "photo", 2
	case "lora":
		config.LoRA.Rank, config.Batch.Recompute = 4, true
	}
	return config
}

var resumedModes = []string{"full", "lora", "text-only"}

// TestKilled kills a run at random moments and starts it again until it ends:
// with the same weights, moments, curves and model as a run that nothing
// disturbed.
func TestKilled(t *testing.T) {
	if mode := os.Getenv(roleMode); mode != "" {
		_, err := fixture{os.Getenv(roleFixture)}.train(t.Context(), t, resumed(t, mode), os.Getenv(roleFolder))
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	environment(t)
	f, seed := newFixture(t), uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for _, mode := range resumedModes {
		t.Run(mode, func(t *testing.T) { f.killOften(t, random, mode) })
	}
}

func (f fixture) killOften(t *testing.T, random *rand.Rand, mode string) {
	undisturbed, disturbed := t.TempDir(), t.TempDir()
	began := time.Now()
	f.mustEnd(t, mode, undisturbed)
	takes := time.Since(began)
	checkStoppedEarly(t, undisturbed, resumed(t, mode).Steps)
	ended := 0
	for killed := 0; killed < rounds(t); {
		if f.kill(t, mode, disturbed, time.Duration(random.Int64N(int64(takes)))) {
			killed++
			continue
		}
		ended++
		compareRuns(t, disturbed, undisturbed)
		disturbed = t.TempDir()
	}
	f.mustEnd(t, mode, disturbed)
	compareRuns(t, disturbed, undisturbed)
	t.Logf("%d kills, %d runs that ended, one undisturbed in %s", rounds(t), ended+1, takes.Round(time.Millisecond))
}

func rounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("POLYLENS_KILL_ROUNDS")
	if text == "" {
		return kills
	}
	count, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// child is this program as a run.
func (f fixture) child(t *testing.T, mode, folder string) (*exec.Cmd, *strings.Builder) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
	command.Env = append(os.Environ(), roleMode+"="+mode, roleFixture+"="+f.folder, roleFolder+"="+folder)
	output := new(strings.Builder)
	command.Stdout, command.Stderr = output, output
	return command, output
}

func (f fixture) mustEnd(t *testing.T, mode, folder string) {
	t.Helper()
	if command, output := f.child(t, mode, folder); command.Run() != nil {
		t.Fatalf("the run failed: %s", output)
	}
}

// kill starts a run and kills it after a time, unless it ends before.
func (f fixture) kill(t *testing.T, mode, folder string, after time.Duration) (killed bool) {
	t.Helper()
	command, output := f.child(t, mode, folder)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { command.Process.Kill() })
	defer timer.Stop()
	err := command.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return false
	case errors.As(err, &exit) && exit.ExitCode() == -1: // by a signal
		return true
	default:
		t.Fatalf("the run failed: %v: %s", err, output)
		return false
	}
}

// TestCanceled ends the context of a run at random moments: it says so, and
// goes on later.
func TestCanceled(t *testing.T) {
	environment(t)
	f, undisturbed, disturbed := newFixture(t), t.TempDir(), t.TempDir()
	config := resumed(t, "full")
	began := time.Now()
	if _, err := f.train(t.Context(), t, config, undisturbed); err != nil {
		t.Fatal(err)
	}
	checkStoppedEarly(t, undisturbed, config.Steps)
	seed := uint64(began.UnixNano())
	t.Logf("seed %d", seed)
	random, takes := rand.New(rand.NewPCG(seed, 0)), time.Since(began)
	errStop := errors.New("told to stop")
	stopped := 0
	for {
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Duration(random.Int64N(int64(takes)/2)), errStop)
		_, err := f.train(ctx, t, config, disturbed)
		cancel()
		if err == nil {
			break
		}
		if !errors.Is(err, errStop) && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		stopped++
	}
	t.Logf("stopped %d times", stopped)
	compareRuns(t, disturbed, undisturbed)
}

// checkStoppedEarly demands that a run ended before its last step, with the
// best weights behind it: else the test would not see whether that is resumed.
func checkStoppedEarly(t *testing.T, folder string, steps int64) {
	t.Helper()
	var progress checkpoint.Progress
	content, err := os.ReadFile(filepath.Join(lastCheckpoint(t, folder), "progress.json"))
	if err := errors.Join(err, json.Unmarshal(content, &progress)); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d steps, the best %+v", progress.Step, progress.Best)
	if progress.Step >= steps || progress.Best == nil || progress.Best.Step >= progress.Step {
		t.Fatalf("%d steps of %d, the best %+v: the run was to end early, and not at its best", progress.Step, steps, progress.Best)
	}
}

// lastCheckpoint is the folder of the one that counts.
func lastCheckpoint(t *testing.T, folder string) string {
	t.Helper()
	latest, err := os.ReadFile(filepath.Join(folder, "checkpoints", "latest"))
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, "checkpoints", strings.TrimSpace(string(latest)))
}

// compareRuns demands that two runs ended alike.
func compareRuns(t *testing.T, got, want string) {
	t.Helper()
	for _, name := range []string{"before.json", "checkpoints/latest"} {
		compareFiles(t, got, want, name)
	}
	compareFolders(t, got, want, filepath.Join("checkpoints", filepath.Base(lastCheckpoint(t, want))))
	compareFolders(t, got, want, "model")
	if got, want := curves(t, got), curves(t, want); !reflect.DeepEqual(got, want) {
		t.Errorf("%d records of curves, undisturbed %d, or not the same", len(got), len(want))
	}
	checkTidy(t, got)
	if t.Failed() {
		t.FailNow()
	}
}

func compareFolders(t *testing.T, got, want, name string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(want, name))
	if err != nil || len(entries) < 2 {
		t.Fatalf("%s holds %d files: %v", name, len(entries), err)
	}
	for _, entry := range entries {
		compareFiles(t, got, want, filepath.Join(name, entry.Name()))
	}
}

func compareFiles(t *testing.T, got, want, name string) {
	t.Helper()
	a, errA := os.ReadFile(filepath.Join(got, name))
	b, errB := os.ReadFile(filepath.Join(want, name))
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
	if string(a) != string(b) {
		t.Errorf("%s differs from that of the undisturbed run", name)
	}
}

// curves are the records of a run but for what tells the time.
func curves(t *testing.T, folder string) []map[string]any {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(folder, "curve.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var records []map[string]any
	for line := range strings.Lines(string(content)) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		delete(record, "time")
		delete(record, "images_per_second")
		records = append(records, record)
	}
	return records
}

// checkTidy demands that nothing unfinished is left.
func checkTidy(t *testing.T, folder string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasPrefix(filepath.Base(path), ".") || strings.HasSuffix(path, ".new") {
			t.Errorf("%s is left", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
