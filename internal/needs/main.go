package needs

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Strict is the variable with which “make test” lets a test fail that asks for
// something missing.
const Strict = "POLYLENS_TEST_STRICT"

const setupRemedy = `run “make test”, or first “make build && eval "$(bin/polylens setup --for test --print-env)"”`

// Runner is a *testing.M.
type Runner interface{ Run() int }

// Main runs the tests of a package and returns the exit code: not 0 when a
// test was left out because something is missing.
func Main(m Runner) int { return shared.run(m, os.Stderr) }

// Wrap is a Runner that does what Main does, for goleak.VerifyTestMain.
func Wrap(m Runner) Runner { return wrapped{m} }

type wrapped struct{ Runner }

func (w wrapped) Run() int { return Main(w.Runner) }

// AtEnd calls end after the last test of the package, even when tests failed.
// It is for what tests share, such as a server. The package must call Main.
func AtEnd(t testing.TB, end func() error) {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if !shared.watched {
		t.Fatal(withoutMain)
	}
	shared.ends = append(shared.ends, end)
}

const withoutMain = "this package lacks func TestMain(m *testing.M) { os.Exit(needs.Main(m)) }"

// shared is what the tests of this process lack: testing gives TestMain and
// the tests no other way to know of each other.
var shared want

// want collects what is missing.
type want struct {
	mu      sync.Mutex
	watched bool                       // Main reports at the end
	things  map[string]map[string]bool // what is missing, by the remedy
	leftOut map[string]bool            // tests, by name
	ends    []func() error
}

// missing ends the test: skipped when Main will report it, else failed.
func (w *want) missing(t testing.TB, what, remedy string) {
	t.Helper()
	w.mu.Lock()
	watched := w.watched
	w.note(t.Name(), what, remedy)
	w.mu.Unlock()
	switch {
	case !watched:
		t.Fatalf("missing: %s; %s; and %s", what, remedy, withoutMain)
	case os.Getenv(Strict) != "":
		t.Fatalf("missing: %s; %s", what, remedy)
	}
	t.Skipf("missing: %s", what)
}

// note expects its caller to hold the lock.
func (w *want) note(test, what, remedy string) {
	if w.things == nil {
		w.things, w.leftOut = make(map[string]map[string]bool), make(map[string]bool)
	}
	if w.things[remedy] == nil {
		w.things[remedy] = make(map[string]bool)
	}
	w.things[remedy][what] = true
	w.leftOut[test] = true
}

func (w *want) run(m Runner, report io.Writer) int {
	w.mu.Lock()
	w.watched = true
	w.mu.Unlock()
	code := m.Run()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, end := range slices.Backward(w.ends) {
		if err := end(); err != nil {
			fmt.Fprintln(report, err)
			code = max(code, 1)
		}
	}
	if len(w.leftOut) > 0 {
		fmt.Fprintln(report, w)
		code = max(code, 1)
	}
	return code
}

// String is one line.
func (w *want) String() string {
	var parts []string
	for _, remedy := range slices.Sorted(maps.Keys(w.things)) {
		parts = append(parts, strings.Join(slices.Sorted(maps.Keys(w.things[remedy])), ", ")+": "+remedy)
	}
	return fmt.Sprintf("tests left out: %d; missing: %s", len(w.leftOut), strings.Join(parts, "; "))
}
