package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"polylens/indexer/decode"
	"polylens/internal/hardened"
	"polylens/internal/needs"
	"polylens/search/milvus"
)

// asProgram makes this test binary behave as polylens itself, so that the
// tests run the real program as real processes without building it.
const asProgram = "POLYLENS_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	milvus.MaybeRunChild()
	decode.MaybeRunChild()
	if os.Getenv(asProgram) != "" {
		if err := hardened.Apply(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(untilSignal(terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr, clock: fakeClock(), lease: shortLease()}))
	}
	os.Exit(needs.Main(m))
}

// clockVariable names a file with the number of seconds by which the clock of the jobs is
// wrong, which may change at any time.
const clockVariable = "POLYLENS_TEST_CLOCK"

// fakeClock is the clock of a program that a test has started; nil is the ordinary one.
func fakeClock() func() time.Time {
	path := os.Getenv(clockVariable)
	if path == "" {
		return nil
	}
	return func() time.Time {
		text, err := os.ReadFile(path)
		wrong, parseErr := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil || parseErr != nil {
			wrong = 0 // it is just being written
		}
		return time.Now().Add(time.Duration(wrong) * time.Second)
	}
}

// leaseVariable gives the jobs of a program and their chunks another lease, such as 2s.
const leaseVariable = "POLYLENS_TEST_LEASE"

// shortLease is that lease; 0 is the ordinary one.
func shortLease() time.Duration {
	lease, _ := time.ParseDuration(os.Getenv(leaseVariable)) // it is a test that sets it
	return lease
}

// result is how a run of the program ended.
type result struct {
	stdout, stderr string
	code           int
}

// folders are the data folder of one test and the cache of all.
type folders struct {
	data string
	env  []string // further variables
}

func newFolders(t testing.TB) folders { return folders{data: filepath.Join(t.TempDir(), "data")} }

// command is the program with the given arguments, as a child of the test.
func (f folders) command(ctx context.Context, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, os.Args[0], arguments...)
	command.Env = append(os.Environ(), asProgram+"=1", "POLYLENS_DATA="+f.data, "HF_HUB_CACHE="+f.data+"-hub")
	command.Env = append(command.Env, f.env...)
	command.WaitDelay = 10 * time.Second
	return command
}

// run lets the program run to its end.
func (f folders) run(t testing.TB, arguments ...string) result {
	t.Helper()
	return f.runWith(t, nil, arguments...)
}

func (f folders) runWith(t testing.TB, stdin io.Reader, arguments ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	command := f.command(ctx, arguments...)
	var stdout, stderr bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = stdin, &stdout, &stderr
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("polylens %q: %v, %v\n%s", arguments, err, ctx.Err(), stderr.String())
	}
	return result{stdout.String(), stderr.String(), command.ProcessState.ExitCode()}
}

// succeed runs the program and fails the test if it fails.
func (f folders) succeed(t testing.TB, arguments ...string) string {
	t.Helper()
	got := f.run(t, arguments...)
	if got.code != exitSuccess {
		t.Fatalf("polylens %q ended with %d:\n%s%s", arguments, got.code, got.stdout, got.stderr)
	}
	return got.stdout
}

// fail runs the program and checks how it fails: with this code and one line
// that holds all of the words.
func (f folders) fail(t testing.TB, code int, words []string, arguments ...string) {
	t.Helper()
	got := f.run(t, arguments...)
	checkFailure(t, got, code, words, arguments)
}

func checkFailure(t testing.TB, got result, code int, words, arguments []string) {
	t.Helper()
	if got.code != code {
		t.Errorf("polylens %q ended with %d, want %d; it said %q", arguments, got.code, code, got.stderr)
	}
	lines := strings.Split(strings.TrimSuffix(got.stderr, "\n"), "\n")
	last := lines[len(lines)-1]
	if !strings.HasPrefix(last, "polylens: ") {
		t.Errorf("polylens %q: last line %q does not begin with the name of the program", arguments, last)
	}
	for _, word := range words {
		if !strings.Contains(last, word) {
			t.Errorf("polylens %q: error %q lacks %q", arguments, last, word)
		}
	}
	if got.stdout != "" && !strings.HasPrefix(got.stdout, "{") {
		t.Errorf("polylens %q: standard output %q beside an error", arguments, got.stdout)
	}
}

// objects reads one JSON object a line and refuses fields that T lacks.
func objects[T any](t testing.TB, text string) []T {
	t.Helper()
	var all []T
	for line := range strings.Lines(text) {
		var one T
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&one); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
			t.Fatalf("line %q holds more than one object", line)
		}
		all = append(all, one)
	}
	return all
}
