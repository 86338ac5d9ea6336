package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"polylens/app/training"
	"polylens/encoder/hub"
	"polylens/internal/needs"
	"polylens/trainer"
)

// catalogue is a folder with pictures and pairs to train on.
type catalogue struct{ folder string }

// pictured is how many pictures a catalogue has.
const pictured = 16

func newCatalogue(t *testing.T) catalogue {
	t.Helper()
	c := catalogue{t.TempDir()}
	for number := 1; number <= pictured; number++ {
		drawPicture(t, c.folder, fmt.Sprintf("%d.png", number), number)
	}
	return c
}

// line is a pair of a picture and an English text.
func line(picture, text string) string {
	return fmt.Sprintf(`{"image":%q,"captions":{"en":%q}}`+"\n", picture, text)
}

// lines are pairs of the pictures from first to last.
func lines(first, last int) string {
	var text strings.Builder
	for number := first; number <= last; number++ {
		text.WriteString(line(fmt.Sprintf("%d.png", number), fmt.Sprintf("drawing number %d", number)))
	}
	return text.String()
}

// unsplit trains on everything.
const unsplit = `{"steps":2,"optimizer":{"warmup":0},"split":{"validation":0,"test":0,"near":-1},"validation":{"every":0}}`

// arguments are those of a short run called birds. Further ones come last.
func (c catalogue) arguments(t *testing.T, pairs, config string, further ...string) []string {
	t.Helper()
	list, settings := filepath.Join(c.folder, "pairs.ndjson"), filepath.Join(c.folder, "config.json")
	writeFile(t, list, pairs)
	writeFile(t, settings, config)
	return append([]string{"train", "--name", "birds", "--preset", "tiny", "--guard", "none", "--pairs", list, "--config", settings}, further...)
}

// with changes a configuration.
func with(t *testing.T, config, change string) string {
	t.Helper()
	var fields map[string]any
	for _, text := range []string{config, change} {
		if err := json.Unmarshal([]byte(text), &fields); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// checkNoModel demands that no part of a model has been written, and that the
// bundled one is whole.
func (f folders) checkNoModel(t *testing.T) {
	t.Helper()
	models := filepath.Join(f.data, "models")
	entries, err := os.ReadDir(models)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Name() != hub.BundledName && !isHidden(entry) {
			t.Errorf("%s is left in the models", entry.Name())
		}
		if strings.HasPrefix(entry.Name(), ".writing") {
			t.Errorf("%s is left in the models", entry.Name())
		}
	}
	f.succeed(t, "model", "list")
}

func isHidden(entry os.DirEntry) bool { return strings.HasPrefix(entry.Name(), ".") }

// TestTrainBadPairs trains on what nothing can be learnt from: one clear line
// before the first step, and no model.
func TestTrainBadPairs(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	for name, test := range map[string]struct {
		pairs  string
		config string
		words  []string
	}{
		"no pairs":             {"", unsplit, []string{"no pair", "0 records"}},
		"no JSON":              {"\x01\x8b\x00\x00\x00", unsplit, []string{"no pair", "pairs.ndjson:1"}},
		"gzip that is cut":     {"\x1f\x8b\x00\x00\x00", unsplit, []string{"pairs.ndjson", "cannot be unpacked"}},
		"other JSON":           {"[1,2]\n{\"picture\":1}\n", unsplit, []string{"no pair", "2 could not be used", "pairs.ndjson:1"}},
		"missing pictures":     {line("no.png", "one") + line("none.png", "two"), unsplit, []string{"none of the pictures can be read", "no.png", "no such file"}},
		"broken pictures":      {line("pairs.ndjson", "one") + line("config.json", "two"), unsplit, []string{"none of the pictures can be read", "pairs.ndjson"}},
		"empty captions":       {line("1.png", "") + line("2.png", " \t"), unsplit, []string{"no pair"}},
		"a single pair":        {lines(1, 1), unsplit, []string{"at least 2 pairs", "leaves it 1"}},
		"a single item":        {line("1.png", "one") + line("1.png", "two"), unsplit, []string{"one item", "other items"}},
		"a batch beyond it":    {lines(1, 5), unsplit, []string{"5 items", "of 8", "make batches smaller"}},
		"nothing to evaluate":  {lines(1, 12), with(t, unsplit, `{"split":{"validation":0.001,"near":-1},"validation":{"every":1}}`), []string{"0 pictures are kept aside", "split.validation"}},
		"more blocks than are": {lines(1, 12), with(t, unsplit, `{"mode":"last-3"}`), []string{`"last-3"`, "3 and 6 blocks"}},
		"diverging":            {lines(1, 12), with(t, unsplit, `{"optimizer":{"warmup":0,"learning_rate":1e30}}`), []string{"step 2", "diverged", "learning"}},
		"diverging at the end": {lines(1, 12), with(t, unsplit, `{"steps":1,"optimizer":{"warmup":0,"learning_rate":1e38}}`), []string{"diverged"}},
	} {
		t.Run(name, func(t *testing.T) {
			f, c := newFolders(t), newCatalogue(t)
			f.fail(t, exitFailure, test.words, c.arguments(t, test.pairs, test.config)...)
			f.checkNoModel(t)
		})
	}
}

// TestTrainBadUsage: command lines that make no sense.
func TestTrainBadUsage(t *testing.T) {
	for name, test := range map[string]struct {
		code    int
		words   []string
		config  string
		further []string
	}{
		"unknown field":    {exitUsage, []string{"unknown field", `"step"`}, `{"step":3}`, nil},
		"absurd value":     {exitUsage, []string{"batch.texts 1000000000"}, `{"batch":{"texts":1000000000}}`, nil},
		"no JSON":          {exitUsage, []string{"configuration of the run"}, `steps: 3`, nil},
		"unknown preset":   {exitUsage, []string{`"huge"`, "text-only"}, unsplit, []string{"--preset", "huge"}},
		"a name as a path": {exitUsage, []string{"a/b"}, unsplit, []string{"--name", "a/b"}},
		"the bundled name": {exitUsage, []string{hub.BundledName}, unsplit, []string{"--name", hub.BundledName}},
		"no pairs":         {exitUsage, []string{"/no/such/pairs.csv"}, unsplit, []string{"--pairs", "/no/such/pairs.csv"}},
		"no steps":         {exitUsage, []string{"steps"}, unsplit, []string{"--steps", "0"}},
		"no blocks":        {exitUsage, []string{"last-0"}, with(t, unsplit, `{"mode":"last-0"}`), nil},
		"no such model":    {exitNotFound, []string{"no-such-model"}, unsplit, []string{"--model", "no-such-model"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolders(t)
			f.fail(t, test.code, test.words, newCatalogue(t).arguments(t, lines(1, 12), test.config, test.further...)...)
			f.checkNoModel(t)
		})
	}
	newFolders(t).fail(t, exitUsage, []string{"--pairs", "--collection"}, "train", "--name", "birds")
	newFolders(t).fail(t, exitUsage, []string{"--name"}, "train", "--pairs", "birds.csv")
	newFolders(t).fail(t, exitUsage, []string{"/no/such/config.json"}, "train", "--name", "birds", "--config", "/no/such/config.json")
}

// TestTrainSomeBad trains where a part of the data is bad, in one language: it
// says what, and learns from the rest.
func TestTrainSomeBad(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	f, c := newFolders(t), newCatalogue(t)
	writeFile(t, filepath.Join(c.folder, "broken.png"), "no picture")
	pairs := lines(1, pictured) + line("missing.png", "missing") + line("broken.png", "broken") + line("1.png", "") + "no JSON\n"
	got := f.run(t, c.arguments(t, pairs, unsplit, "--json")...)
	if got.code != exitSuccess {
		t.Fatalf("%d: %s", got.code, got.stderr)
	}
	for _, word := range []string{"missing.png", "broken.png", "pairs.ndjson:20"} {
		if !strings.Contains(got.stderr, word) {
			t.Errorf("the report lacks %q: %s", word, got.stderr)
		}
	}
	outcome := objects[training.Outcome](t, got.stdout)
	if len(outcome) != 1 || outcome[0].Steps != 2 || outcome[0].Model != filepath.Join(f.data, "models", "birds") {
		t.Fatalf("%+v", outcome)
	}
	f.succeed(t, "model", "verify", "birds")
	f.succeed(t, "embed", "--model", "birds", "--text", "a drawing", "--image", filepath.Join(c.folder, "1.png"))
}

// TestTrainDamagedModel begins with a model that holds a value that is no
// number.
func TestTrainDamagedModel(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	f, c, dir := newFolders(t), newCatalogue(t), copyModel(t)
	path := filepath.Join(dir, "model.safetensors")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	end := 8 + binary.LittleEndian.Uint64(content)
	var header map[string]struct {
		Offsets []uint64 `json:"data_offsets"`
	}
	if err := json.Unmarshal(content[8:end], &header); err != nil {
		t.Fatal(err)
	}
	at := end + header["text_model.final_layer_norm.weight"].Offsets[0]
	binary.LittleEndian.PutUint32(content[at:], math.Float32bits(float32(math.NaN())))
	writeFile(t, path, string(content))
	f.fail(t, exitFailure, []string{"loss of step 1 is NaN", dir, "damaged"}, c.arguments(t, lines(1, 12), unsplit, "--model", dir)...)
	evaluated := with(t, unsplit, `{"batch":{"pictures":4},"split":{"validation":0.4,"near":-1},"validation":{"every":1}}`)
	f.fail(t, exitFailure, []string{"before training", "not finite", dir}, c.arguments(t, lines(1, pictured), evaluated, "--name", "other", "--model", dir)...)
	f.checkNoModel(t)
}

// TestTrainKeepsModel demands that an existing model with the name of the run is not
// touched, however often that is tried.
func TestTrainKeepsModel(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	f, c := newFolders(t), newCatalogue(t)
	earlier := filepath.Join(f.data, "models", "birds")
	if err := os.MkdirAll(filepath.Dir(earlier), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(earlier, os.DirFS(copyModel(t))); err != nil {
		t.Fatal(err)
	}
	before := f.succeed(t, "model", "info", "birds", "--json")
	for range 2 {
		f.fail(t, exitFailure, []string{earlier, "already"}, c.arguments(t, lines(1, 12), unsplit)...)
		if after := f.succeed(t, "model", "info", "birds", "--json"); after != before {
			t.Errorf("the model is %s, and was %s", after, before)
		}
	}
}

// TestTrainInterrupted interrupts a run with SIGINT. It ends with its code, and
// the same command ends it with the weights of an undisturbed one.
func TestTrainInterrupted(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	c := newCatalogue(t)
	arguments := c.arguments(t, lines(1, pictured), with(t, unsplit, `{"steps":14,"batch":{"pictures":4},"checkpoint":{"every":5}}`))
	disturbed, undisturbed := newFolders(t), newFolders(t)
	disturbed.interrupt(t, arguments)
	disturbed.checkNoModel(t)
	disturbed.succeed(t, arguments...)
	undisturbed.succeed(t, arguments...)
	var weights [2][]byte
	for i, f := range []folders{disturbed, undisturbed} {
		var err error
		if weights[i], err = os.ReadFile(filepath.Join(f.data, "models", "birds", "model.safetensors")); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(weights[0], weights[1]) {
		t.Error("the weights of the interrupted run are others")
	}
}

// interrupt starts a run and interrupts it after some steps.
func (f folders) interrupt(t *testing.T, arguments []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	command := f.command(ctx, arguments...)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	for curve := ""; strings.Count(curve, "\n") < 3 && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		content, _ := os.ReadFile(filepath.Join(f.data, "runs", "birds", "curve.jsonl")) // it may not be there yet
		curve = string(content)
	}
	_ = command.Process.Signal(syscall.SIGINT)
	_ = command.Wait() // the exit code is checked
	if code := command.ProcessState.ExitCode(); code != exitInterrupted {
		t.Fatalf("the run ended with %d: %s", code, output.String())
	}
}

// TestTrainDiskFull trains on a disk that is filled up, where the system lets a
// process mount one: the run says what it needs, and goes on once there is
// room.
func TestTrainDiskFull(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	f, c := newFolders(t), newCatalogue(t)
	if err := os.MkdirAll(f.data, 0o755); err != nil {
		t.Fatal(err)
	}
	unshare, err := exec.LookPath("unshare")
	if err != nil || exec.CommandContext(t.Context(), unshare, "-rm", "mount", "-t", "tmpfs", "none", f.data).Run() != nil {
		t.Skip("no disk can be mounted here")
	}
	arguments := c.arguments(t, lines(1, pictured), with(t, unsplit, `{"mode":"full"}`))
	command := f.command(t.Context(), arguments...)
	// The trained model takes 31 MB and a checkpoint 92 MB. Both have room at last.
	script := fmt.Sprintf(`mount -t tmpfs -o size=400m none %[1]q && head -c 300m /dev/zero > %[1]q/ballast
"$@"; echo "code $?" >&2
ls -A %[1]q/models >&2
test -e %[1]q/runs/birds/curve.jsonl && echo "a step was taken" >&2
rm %[1]q/ballast && exec "$@"`, f.data)
	command.Args = append([]string{"unshare", "-rm", "sh", "-c", script, "sh"}, command.Args...)
	command.Path = unshare
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	for _, want := range []string{"code 4\n", "bytes", "are needed in", "make room", "models/birds: 2 steps"} {
		if !strings.Contains(string(output), want) {
			t.Errorf("%q is not in %s", want, output)
		}
	}
	for _, bad := range []string{".writing", "a step was taken"} {
		if strings.Contains(string(output), bad) {
			t.Errorf("%q is in %s", bad, output)
		}
	}
}

// TestTrainPrintsConfig prints every preset as package trainer has it.
func TestTrainPrintsConfig(t *testing.T) {
	f := newFolders(t)
	for _, preset := range trainer.Presets() {
		var got, want map[string]any
		golden, err := os.ReadFile(filepath.Join("..", "trainer", "testdata", "presets", preset+".json"))
		if err != nil {
			t.Fatal(err)
		}
		printed := f.succeed(t, "train", "--name", "birds", "--preset", preset, "--print-config")
		for text, into := range map[string]*map[string]any{printed: &got, string(golden): &want} {
			if err := json.Unmarshal([]byte(text), into); err != nil {
				t.Fatal(err)
			}
		}
		for _, further := range []string{"preset", "model", "data"} {
			delete(got, further)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("the preset %s is printed as %s", preset, printed)
		}
	}
	file := filepath.Join(t.TempDir(), "config.json")
	writeFile(t, file, `{"data":{"collection":"demo","languages":["en"]}}`)
	printed := f.succeed(t, "train", "--name", "birds", "--config", file, "--languages", "de", "--field", "en={{.Field \"x\"}}", "--print-config")
	if !strings.Contains(printed, `"de"`) || !strings.Contains(printed, "Field") || !strings.Contains(printed, `"demo"`) {
		t.Errorf("languages and fields of the command line are not in %s", printed)
	}
	if _, err := os.Stat(f.data); err == nil {
		t.Error("printing has made a data folder")
	}
}
