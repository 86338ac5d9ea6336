package doctor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/app/folder"
	"polylens/app/setup"
	"polylens/encoder"
	"polylens/encoder/hub"
	"polylens/encoder/ort"
	"polylens/encoder/ort/tune"
	"polylens/internal/needs"
	"polylens/search/milvus"
)

func TestMain(m *testing.M) {
	milvus.MaybeRunChild()
	os.Exit(needs.Main(m))
}

var errNoModel = errors.New("no such model")

// newDoctor is a doctor for a machine where nothing is set up.
func newDoctor(t *testing.T) *Doctor {
	t.Helper()
	cache := t.TempDir()
	return &Doctor{
		Setup: setup.New(setup.Options{Cache: cache}), Data: filepath.Join(t.TempDir(), "data"), Cache: cache, Catalogue: "catalogue.db",
		FindModel: func(string) (string, error) { return "", errNoModel },
	}
}

// TestNothingSetUp: each thing that is missing is a problem with a remedy and a
// cause, and mere consequences are not reported again.
func TestNothingSetUp(t *testing.T) {
	found := slices.Collect(newDoctor(t).Examine(t.Context()))
	missing := map[string]bool{}
	for _, finding := range found {
		if (finding.State == Problem) != (finding.Cause != nil) || finding.State == Problem && finding.Remedy == "" {
			t.Errorf("%+v", finding)
		}
		if errors.Is(finding.Cause, setup.ErrMissing) {
			missing[finding.Check] = true
		}
		if finding.Check == "runtime" || finding.Check == "device" {
			t.Errorf("the missing runtime is told again: %+v", finding)
		}
	}
	if !missing[setup.OnnxRuntime] || !missing[setup.Milvus] {
		t.Errorf("missing are %v", missing)
	}
	for range newDoctor(t).Examine(t.Context()) { // may be left early
		break
	}
}

// TestData: a data folder that is new, free, open to others, or held.
func TestData(t *testing.T) {
	d := newDoctor(t)
	expect := func(state, words string) {
		t.Helper()
		if found := d.checkData(t.Context())[0]; found.State != state || !strings.Contains(found.Detail, words) {
			t.Errorf("%+v, want %s: %s", found, state, words)
		}
	}
	expect(OK, "will be created")
	if err := os.Mkdir(d.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	expect(OK, "free")
	if err := os.Chmod(d.Data, 0o755); err != nil {
		t.Fatal(err)
	}
	expect(Warning, "read by other users")
	held, _, err := folder.Take(d.Data, "index")
	if err != nil {
		t.Fatal(err)
	}
	expect(Warning, "polylens index")
	if err := held.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestCatalogue: a file is named, a server is asked.
func TestCatalogue(t *testing.T) {
	d := newDoctor(t)
	if found := d.checkCatalogue(t.Context())[0]; found.State != OK || !strings.Contains(found.Detail, "catalogue.db") {
		t.Errorf("a file: %+v", found)
	}
	d.Catalogue = "postgres://user@127.0.0.1:1/pictures"
	if found := d.checkCatalogue(t.Context())[0]; found.State != Problem || !strings.Contains(found.Remedy, "--database") {
		t.Errorf("a server that is down: %+v", found)
	}
}

// TestMilvusElsewhere: only a server that was named is asked.
func TestMilvusElsewhere(t *testing.T) {
	d := newDoctor(t)
	if found := d.checkMilvus(t.Context()); found != nil {
		t.Errorf("without an address: %+v", found)
	}
	refused := errors.New("connection refused")
	d.Milvus, d.Connect = "127.0.0.1:1", func(context.Context) error { return refused }
	if found := d.checkMilvus(t.Context()); found[0].State != Problem || !errors.Is(found[0].Cause, refused) {
		t.Errorf("one that is down: %+v", found)
	}
	d.Connect = func(context.Context) error { return nil }
	if found := d.checkMilvus(t.Context()); found[0].State != OK {
		t.Errorf("one that answers: %+v", found)
	}
	if found := d.checkIsolation(t.Context()); found != nil {
		t.Errorf("the embedded one is judged where another is used: %+v", found)
	}
}

func TestThreadsComeFromTheFlagOrAMeasurement(t *testing.T) {
	needs.ONNXRuntime(t)
	cache := t.TempDir()
	dir, err := hub.Bundled(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d := newDoctor(t)
	d.Setup = setup.New(setup.Options{Cache: cache, Given: map[string]string{setup.OnnxRuntime: needs.ONNXRuntime(t)}})
	d.Cache, d.FindModel = cache, func(string) (string, error) { return dir, nil }
	expect := func(want string) {
		t.Helper()
		if got := d.checkThreads(t.Context())[0].Detail; !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
	expect("not measured yet")
	fingerprint, err := hub.Fingerprint(dir)
	if err != nil {
		t.Fatal(err)
	}
	environment, err := ort.Open(needs.ONNXRuntime(t))
	if err != nil {
		t.Fatal(err)
	}
	key := tune.KeyOf(environment, ort.Options{}, fingerprint, encoder.FP32)
	if err := tune.Save(d.Cache, key, ort.Options{Threads: 7, Spin: 200_000}); err != nil {
		t.Fatal(err)
	}
	expect("7, which wait busily for 200 µs: measured on this machine")
	d.Precision = encoder.INT8
	expect("not measured yet")
	d.Threads = 5
	expect("5: asked for")
}
