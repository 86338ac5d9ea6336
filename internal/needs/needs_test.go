package needs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/internal/needs"
)

func TestMain(m *testing.M) { os.Exit(needs.Main(m)) }

// sample runs the tests of testdata/sample as “go test ./...” would, which shows
// the output of a package only if it fails.
func sample(t *testing.T, environment ...string) (output string, passed bool) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "test", "-count=1", "./testdata/sample")
	command.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "POLYLENS_") })
	command.Env = append(command.Env, environment...)
	text, err := command.CombinedOutput()
	return string(text), err == nil
}

// complete are variables that name everything that the sample asks for.
func complete(t *testing.T) []string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"libonnxruntime.so", "milvus"} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"POLYLENS_ONNXRUNTIME=" + filepath.Join(folder, "libonnxruntime.so"), "POLYLENS_MILVUS=" + folder}
}

func expect(t *testing.T, output string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(output, word) {
			t.Errorf("%q is not in\n%s", word, output)
		}
	}
}

func refuse(t *testing.T, output string, words ...string) {
	t.Helper()
	for _, word := range words {
		if strings.Contains(output, word) {
			t.Errorf("%q is in\n%s", word, output)
		}
	}
}

func TestNothingMissing(t *testing.T) {
	if output, passed := sample(t, complete(t)...); !passed {
		t.Error(output)
	}
	if output, passed := sample(t, append(complete(t), needs.Strict+"=1")...); !passed {
		t.Error(output)
	}
}

// TestMissingFailsThePackage: with one line, and the other tests run.
func TestMissingFailsThePackage(t *testing.T) {
	output, passed := sample(t)
	if passed {
		t.Error("tests were left out and the package passes")
	}
	var said []string
	for line := range strings.Lines(output) {
		if strings.Contains(line, "missing") || strings.Contains(line, "POLYLENS_") {
			said = append(said, line)
		}
	}
	if len(said) != 1 {
		t.Errorf("it says %q, want one line", said)
	}
	expect(t, output, "tests left out: 4; missing: Milvus (POLYLENS_MILVUS is not set), ONNX Runtime (POLYLENS_ONNXRUNTIME is not set): run “make test”",
		"setup --for test --print-env", "ran what needs nothing")
	refuse(t, output, "ran with", "ran a part", "--- FAIL", "--- SKIP")
}

func TestMissingBesideAFailure(t *testing.T) {
	output, passed := sample(t, "SAMPLE_FAILS=1")
	if passed {
		t.Error("it passes")
	}
	expect(t, output, "--- FAIL: TestNeedsNothing", "tests left out: 4")
}

// TestStrictFailsTheTest: as “make test” wants it.
func TestStrictFailsTheTest(t *testing.T) {
	output, passed := sample(t, needs.Strict+"=1")
	if passed {
		t.Error("it passes")
	}
	expect(t, output, "--- FAIL: TestNeedsRuntime", "--- FAIL: TestNeedsInParts/part#02", "ran what needs nothing")
}

// TestWithoutMainFailsTheTest: nobody would report what was left out.
func TestWithoutMainFailsTheTest(t *testing.T) {
	output, passed := sample(t, "SAMPLE_WITHOUT_MAIN=1")
	if passed {
		t.Error("it passes")
	}
	expect(t, output, "--- FAIL: TestNeedsRuntime", "needs.Main(m)", "--- FAIL: TestEnds")
}

// TestNamedAndAbsentFailsTheTest: a variable that names nothing is a mistake.
func TestNamedAndAbsentFailsTheTest(t *testing.T) {
	variables := complete(t)
	variables[1] = "POLYLENS_MILVUS=" + t.TempDir()
	output, passed := sample(t, variables...)
	if passed {
		t.Error("it passes")
	}
	expect(t, output, "--- FAIL: TestNeedsInParts", "POLYLENS_MILVUS names no Milvus", "ran with")
	refuse(t, output, "left out")
}

func TestEndsInReverseAndReportsFailures(t *testing.T) {
	output, passed := sample(t, append(complete(t), "SAMPLE_END_FAILS=1")...)
	if passed {
		t.Error("it passes")
	}
	expect(t, output, "ended second\n", "second does not stop", "first does not stop")
	if strings.Index(output, "ended first") < strings.Index(output, "ended second") {
		t.Errorf("what began last ends last:\n%s", output)
	}
}

func TestNPMFileIsFoundFromTheRoot(t *testing.T) {
	if path := needs.NPMFile(t, "axe-core/axe.min.js"); !filepath.IsAbs(path) {
		t.Errorf("it is %s", path)
	}
}
