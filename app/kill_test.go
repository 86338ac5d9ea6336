package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"polylens/app/folder"
	"polylens/indexer/catalog"
	"polylens/internal/needs"
	"polylens/search"
	"polylens/search/late"
)

// killRounds is how often TestKill kills, unless POLYLENS_KILL_ROUNDS says
// otherwise.
const killRounds = 8

// TestKill kills Polylens or its Milvus with SIGKILL at random moments while
// it indexes a folder that changes all the time. Afterwards one ordinary run
// leaves the same catalogue and the same Milvus as a run that nothing
// disturbed.
func TestKill(t *testing.T) {
	t.Parallel() // it waits for servers most of the time
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	if testing.Short() {
		t.Skip("takes minutes")
	}
	rounds := killRounds
	if text := os.Getenv("POLYLENS_KILL_ROUNDS"); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	f, pictures := newFolders(t), t.TempDir()
	drawFolder(t, pictures, 1, 60)
	for round := range rounds {
		f.killOnce(t, random, pictures, round)
		drawFolder(t, pictures, 100+10*round, 109+10*round)
		change(t, random, pictures, 60, 3)
	}
	if got := f.index(t, pictures); got.State != "succeeded" || got.Progress.Failed > 0 {
		t.Fatalf("the run after the kills: %+v", got)
	}
	undisturbed := newFolders(t)
	undisturbed.index(t, pictures)
	compareStates(t, f.state(t), undisturbed.state(t))
}

// killOnce indexes and kills one of the two after a random time.
func (f folders) killOnce(t *testing.T, random *rand.Rand, pictures string, round int) {
	t.Helper()
	var output bytes.Buffer
	command := f.command(context.Background(), "index", pictures, "--collection", "c", "--log-level", "info")
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	killMilvus := round%2 == 1
	if killMilvus { // it must be there to be killed
		f.waitMilvus(t, command.Process.Pid)
	}
	moment := time.Duration(random.Int64N(int64(7 * time.Second)))
	select {
	case <-time.After(moment):
	case err := <-ended:
		t.Logf("round %d: done before the kill: %v", round, err)
		return
	}
	victim := command.Process.Pid
	if killMilvus {
		victim = f.milvusPID(t, victim)
	}
	t.Logf("round %d: kill -9 %d (Milvus: %v) after %s", round, victim, killMilvus, moment)
	if victim != 0 {
		_ = syscall.Kill(victim, syscall.SIGKILL) // it may have ended
	}
	select {
	case err := <-ended:
		if killMilvus && err != nil {
			t.Errorf("round %d: Polylens did not survive the end of Milvus: %v\n%s", round, err, output.String())
		}
	case <-time.After(3 * time.Minute):
		_ = command.Process.Kill()
		t.Fatalf("round %d: Polylens hangs:\n%s", round, output.String())
	}
}

// waitMilvus waits until the server of a Polylens runs.
func (f folders) waitMilvus(t testing.TB, pid int) {
	t.Helper()
	for range 600 {
		if f.milvusPID(t, pid) != 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("no Milvus appears")
}

// milvusPID finds the server below a Polylens, 0 when there is none.
func (f folders) milvusPID(t testing.TB, pid int) int {
	for _, member := range descendants(t, pid)[1:] {
		if name, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(member), "comm")); err == nil && strings.TrimSpace(string(name)) == "milvus" {
			return member
		}
	}
	return 0
}

// change draws some of the first pictures of a folder anew, or for the first time, and
// removes two.
func change(t testing.TB, random *rand.Rand, pictures string, first, drawn int) {
	t.Helper()
	name := func() string { return fmt.Sprintf("picture-%03d.png", 1+random.IntN(first)) }
	for range drawn {
		drawPicture(t, pictures, name(), 1000+random.IntN(1000))
	}
	for range 2 {
		if err := os.RemoveAll(filepath.Join(pictures, name())); err != nil {
			t.Fatal(err)
		}
	}
}

// state is everything that the catalogue and Milvus hold of a collection.
type state struct {
	images  []catalog.Image
	vectors map[string][]float32
	ids     []string         // in Milvus, sorted
	answers [][]search.Match // of Milvus to fixed queries
	even    []search.Match   // of Milvus to one with a filter
}

// state opens a data folder in this process and reads it all.
func (f folders) state(t testing.TB) state {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	settings := globals{Data: f.data, Model: bundledModel, Onnxruntime: needs.ONNXRuntime(t), Milvus: needs.Milvus(t), DecodeMiB: 1024}
	if err := settings.finish(); err != nil {
		t.Fatal(err)
	}
	p := newProgram(settings, terminal{out: io.Discard, err: io.Discard}, slog.New(slog.DiscardHandler))
	defer func() {
		if err := p.close(ctx); err != nil {
			t.Error(err)
		}
	}()
	hold, _, err := folder.Take(f.data, "test")
	if err != nil {
		t.Fatal(err)
	}
	p.later(hold.Release)
	parts, err := p.openParts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := parts.connect(ctx); err != nil {
		t.Fatal(err)
	}
	return parts.read(ctx, t)
}

func (x *parts) read(ctx context.Context, t testing.TB) state {
	t.Helper()
	if _, err := x.store.Collection(ctx, "c"); err != nil {
		t.Fatal(err)
	}
	images, next, err := x.store.ListImages(ctx, "c", "", 1000)
	if next != "" {
		t.Fatal("there are more images than this reads")
	}
	if err != nil {
		t.Fatal(err)
	}
	found := state{images: images, vectors: make(map[string][]float32)}
	for i, image := range images {
		if found.vectors[image.ID], err = x.store.Vector(ctx, "c", image.ID, x.encoder().PictureFingerprint()); err != nil {
			t.Fatal(err)
		}
		images[i].Created, images[i].Updated = time.Time{}, time.Time{}
	}
	key := search.Key{Collection: "c", Fingerprint: x.encoder().PictureFingerprint()}
	err = late.Patiently(ctx, func() error {
		found.ids = nil
		return x.index.IDs(ctx, key, func(id string) error {
			found.ids = append(found.ids, id)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found.ids)
	ask := func(query search.Query) []search.Match {
		var matches []search.Match
		err := late.Patiently(ctx, func() (err error) {
			matches, err = x.index.Search(ctx, "c", query)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return matches
	}
	for i := 0; i < len(images); i += 10 {
		found.answers = append(found.answers, ask(search.Query{Vector: found.vectors[images[i].ID], Limit: 1000}))
	}
	found.even = ask(search.Query{Vector: found.vectors[images[0].ID], Limit: 1000, Filter: search.Compare{Field: "parity", Op: search.Eq, Value: 0.0}})
	return found
}

// compareStates expects two states to be equal, and Milvus to hold exactly what
// the catalogue does.
func compareStates(t testing.TB, got, want state) {
	t.Helper()
	if len(got.images) != len(want.images) {
		t.Errorf("the catalogue has %d images, want %d", len(got.images), len(want.images))
	}
	for i := range min(len(got.images), len(want.images)) {
		if a, b := fmt.Sprintf("%+v", got.images[i]), fmt.Sprintf("%+v", want.images[i]); a != b {
			t.Errorf("image %d is\n%s, want\n%s", i, a, b)
		}
	}
	for id, vector := range want.vectors {
		if !sameVectors(got.vectors[id], vector) {
			t.Errorf("vector of %s differs", id)
		}
	}
	var known []string
	for id := range want.vectors {
		known = append(known, id)
	}
	slices.Sort(known)
	if !slices.Equal(got.ids, known) || !slices.Equal(want.ids, known) {
		t.Errorf("Milvus holds %d images, undisturbed %d, the catalogue %d, and not the same", len(got.ids), len(want.ids), len(known))
	}
	for i := range want.answers {
		if !sameMatches(got.answers[i], want.answers[i]) || len(want.answers[i]) != len(known) {
			t.Errorf("Milvus answers query %d with %d matches, undisturbed %d, and not the same", i, len(got.answers[i]), len(want.answers[i]))
		}
	}
	if !sameMatches(got.even, want.even) || len(want.even) == 0 || len(want.even) == len(known) {
		t.Errorf("Milvus answers the filter with %d matches, undisturbed %d, of %d", len(got.even), len(want.even), len(known))
	}
}

// sameVectors allows each number to differ by one step of fp16: the last batch
// before a kill is smaller, and a smaller product adds up in different order.
func sameVectors(a, b []float32) bool {
	const step = 1.0 / 2048 // below 1
	for i := range min(len(a), len(b)) {
		if max(a[i]-b[i], b[i]-a[i]) > step {
			return false
		}
	}
	return len(a) == len(b)
}

// sameMatches allows the scores to differ by rounding: a graph and a scan add
// up in different order, and what is equal but for that may change places.
func sameMatches(a, b []search.Match) bool {
	scores := make(map[string]float32, len(a))
	for _, match := range a {
		scores[match.ID] = match.Score
	}
	for _, match := range b {
		if score, ok := scores[match.ID]; !ok || max(score-match.Score, match.Score-score) > 1e-5 {
			return false
		}
	}
	return len(a) == len(b) && len(scores) == len(a)
}
