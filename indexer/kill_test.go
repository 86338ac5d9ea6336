package indexer

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"polylens/indexer/catalog/database"
	"polylens/indexer/decode"
	"polylens/indexer/source"
	"polylens/internal/needs"
)

// killChild, when set, makes the test binary an indexing process that is there
// to be killed. It holds the folder in which all its state lies.
const killChild = "POLYLENS_TEST_KILL_CHILD"

// killAt, when set, makes the child kill itself at a change of the index:
// "before:3" is just before the third.
const killAt = "POLYLENS_TEST_KILL_AT"

const killBatch = 4

func TestMain(m *testing.M) {
	decode.MaybeRunChild()
	if base := os.Getenv(killChild); base != "" {
		if err := indexUntilKilled(base); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if base := os.Getenv(pushChild); base != "" {
		fmt.Fprintln(os.Stderr, workUntilKilled(base))
		os.Exit(1)
	}
	goleak.VerifyTestMain(needs.Wrap(m))
}

func indexUntilKilled(base string) error {
	ctx := context.Background()
	store, err := database.Open(ctx, filepath.Join(base, "catalog.db"))
	if err != nil {
		return err
	}
	index, err := openFakeIndex(filepath.Join(base, "index.jsonl"))
	if err != nil {
		return err
	}
	index.pause = 8 * time.Millisecond
	index.change = killer(os.Getenv(killAt))
	log, err := os.OpenFile(filepath.Join(base, "encoded.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	directory, err := source.NewDirectory(filepath.Join(base, "pictures"))
	if err != nil {
		return err
	}
	encoder := &fakeEncoder{pause: 40 * time.Millisecond, log: log}
	fmt.Println("started")
	_, err = New(store, encoder, index, testDecoder, Options{Batch: killBatch}).
		Run(ctx, Request{Collection: "c", Source: directory}, nil)
	return err
}

// TestKilledRunsLoseNothing kills indexing processes at random moments while
// the folder changes between them. One undisturbed run afterwards must leave
// catalogue and index as if nothing had ever happened.
func TestKilledRunsLoseNothing(t *testing.T) {
	const kills = 20
	base := t.TempDir()
	folder := filepath.Join(base, "pictures")
	random := rand.New(rand.NewPCG(1, 2))
	contents := make(map[int]bool)
	hits := 0
	for range kills {
		change(t, folder, random, contents)
		if killOneRun(t, base, time.Duration(random.IntN(300))*time.Millisecond) {
			hits++
		}
	}
	t.Logf("%d of %d runs were killed before their end", hits, kills)
	if hits < kills/2 {
		t.Errorf("only %d of %d runs were killed before their end", hits, kills)
	}
	if most, got := len(contents)+hits*killBatch, encodedIn(t, base); got > most {
		t.Errorf("%d pictures were encoded, want at most %d: %d and one batch for each kill", got, most, len(contents))
	}
	wantUndisturbed(t, base)
}

// wantUndisturbed compares what is left after one more run with what a single
// run over the same pictures leaves.
func wantUndisturbed(t *testing.T, base string) {
	t.Helper()
	folder := filepath.Join(base, "pictures")
	disturbed := finish(t, filepath.Join(base, "catalog.db"), filepath.Join(base, "index.jsonl"), folder)
	fresh := t.TempDir()
	undisturbed := finish(t, filepath.Join(fresh, "catalog.db"), filepath.Join(fresh, "index.jsonl"), folder)
	if disturbed != undisturbed {
		t.Errorf("after kills:\n%s\nundisturbed:\n%s", onlyIn(disturbed, undisturbed), onlyIn(undisturbed, disturbed))
	}
	if strings.Count(undisturbed, "row ") < 20 {
		t.Errorf("the index holds only %d rows, the test shows little", strings.Count(undisturbed, "row "))
	}
}

// killer returns what an index calls before and after each change.
func killer(spec string) func(when string) {
	calls := make(map[string]int)
	return func(when string) {
		calls[when]++
		if spec == fmt.Sprintf("%s:%d", when, calls[when]) {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal comes at once
		}
	}
}

// TestKilledAtEveryStep kills before and after every single change of the
// index: between catalogue and index, and between index and watermark.
func TestKilledAtEveryStep(t *testing.T) {
	base := t.TempDir()
	folder := filepath.Join(base, "pictures")
	random := rand.New(rand.NewPCG(3, 4))
	step, ended := 1, false
	for ; !ended; step++ {
		for _, when := range []string{"before", "after"} {
			// Something to add, to change and to remove, new at each step.
			files := make(map[string][]byte)
			for i := range 10 {
				files[fmt.Sprintf("%d.png", (i*7+step*3)%30)] = picture(random.IntN(2000))
			}
			write(t, folder, files)
			os.Remove(filepath.Join(folder, fmt.Sprintf("%d.png", (step*3+1)%30)))
			ended = !killOneRun(t, base, time.Minute, killAt+"="+when+":"+strconv.Itoa(step))
		}
	}
	if step < 5 {
		t.Errorf("a run makes only %d changes to the index", step)
	}
	wantUndisturbed(t, base)
}

// change adds, changes, breaks and removes pictures and sidecars.
func change(t *testing.T, folder string, random *rand.Rand, contents map[int]bool) {
	t.Helper()
	for range 40 {
		name := fmt.Sprintf("%d/%d.png", random.IntN(3), random.IntN(60))
		seed := random.IntN(2000)
		switch random.IntN(10) {
		case 0:
			os.Remove(filepath.Join(folder, name))
		case 1:
			write(t, folder, map[string][]byte{name: []byte("broken " + strconv.Itoa(seed))})
		case 2:
			write(t, folder, map[string][]byte{name + ".json": fmt.Appendf(nil, `{"n":%d,"captions":{"en":"%d"}}`, seed, seed)})
		case 3:
			write(t, folder, map[string][]byte{name + ".json": []byte("{")})
		default:
			contents[seed] = true
			write(t, folder, map[string][]byte{name: picture(seed)})
		}
	}
}

// killOneRun reports whether the run was still going on when it was killed,
// by this process or by itself.
func killOneRun(t *testing.T, base string, after time.Duration, environment ...string) bool {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(append(os.Environ(), killChild+"="+base), environment...)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if !bufio.NewScanner(out).Scan() {
		t.Fatalf("the indexing process did not start: %v", child.Wait())
	}
	timer := time.AfterFunc(after, func() { child.Process.Kill() })
	defer timer.Stop()
	err = child.Wait()
	if child.ProcessState.Exited() && err != nil {
		t.Fatalf("the indexing process failed: %v", err)
	}
	return err != nil
}

func encodedIn(t *testing.T, base string) int {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(base, "encoded.log"))
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, line := range strings.Fields(string(data)) {
		n, err := strconv.Atoi(line)
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}

// finish is one undisturbed run; it returns everything it leaves.
func finish(t *testing.T, path, journal, folder string) string {
	t.Helper()
	store, err := database.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	index, err := openFakeIndex(journal)
	if err != nil {
		t.Fatal(err)
	}
	defer index.journal.Close()
	directory, err := source.NewDirectory(folder)
	if err != nil {
		t.Fatal(err)
	}
	indexer := New(store, &fakeEncoder{}, index, testDecoder, Options{Batch: killBatch})
	if _, err := indexer.Run(t.Context(), Request{Collection: "c", Source: directory}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := store.PurgeVectors(t.Context()); err != nil { // of what was there between kills only
		t.Fatal(err)
	}
	return dump(t, path, index)
}

// onlyIn returns the first lines of a that b lacks.
func onlyIn(a, b string) string {
	lines := make(map[string]bool)
	for line := range strings.Lines(b) {
		lines[line] = true
	}
	var missing []string
	for line := range strings.Lines(a) {
		if !lines[line] && len(missing) < 20 {
			missing = append(missing, line)
		}
	}
	return strings.Join(missing, "")
}
