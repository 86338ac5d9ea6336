package indexer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/indexer/source"
)

// bench is an indexer with everything around it.
type bench struct {
	*Indexer
	folder   string // of pictures
	database string
	store    *database.Store
	encoder  *fakeEncoder
	index    *fakeIndex
}

func newBench(t *testing.T, options Options) *bench {
	t.Helper()
	b := &bench{
		folder: t.TempDir(), database: filepath.Join(t.TempDir(), "catalog.db"),
		encoder: &fakeEncoder{}, index: newFakeIndex(),
	}
	var err error
	if b.store, err = database.Open(t.Context(), b.database); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.store.Close() })
	if options.Batch == 0 {
		options.Batch = 4
	}
	b.Indexer = New(b.store, b.encoder, b.index, testDecoder, options)
	return b
}

func (b *bench) request(t *testing.T) Request {
	t.Helper()
	directory, err := source.NewDirectory(b.folder)
	if err != nil {
		t.Fatal(err)
	}
	return Request{Collection: "c", Source: directory}
}

// run is one run that must succeed, with what it did.
func (b *bench) run(t *testing.T) Report {
	t.Helper()
	return b.runAs(t, func(*Request) {})
}

// runAs is run with another request.
func (b *bench) runAs(t *testing.T, change func(*Request)) Report {
	t.Helper()
	request := b.request(t)
	change(&request)
	report, err := b.Run(t.Context(), request, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.wantMirror(t)
	return report
}

// wantMirror checks that the index holds what the catalogue says, to the bit.
func (b *bench) wantMirror(t *testing.T) {
	t.Helper()
	ids, err := b.store.IndexableIDs(t.Context(), "c", "f1")
	if err != nil {
		t.Fatal(err)
	}
	held := b.index.rows["c/f1"]
	if len(ids) != len(held) {
		t.Errorf("the index holds %d rows, the catalogue %d", len(held), len(ids))
	}
	for _, id := range ids {
		vector, err := b.store.Vector(t.Context(), "c", id, "f1")
		if err != nil {
			t.Fatal(err)
		}
		image, err := b.store.Image(t.Context(), "c", id)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(vector, held[id].Vector) || fmt.Sprint(image.Metadata) != fmt.Sprint(held[id].Metadata) {
			t.Errorf("%s: the index holds %v, the catalogue %v %v", image.URI, held[id], vector, image.Metadata)
		}
	}
}

// counts are the numbers of a report that tests look at.
type counts struct{ encoded, reused, skipped, failed, removed int }

func wantCounts(t *testing.T, step string, report Report, want counts) {
	t.Helper()
	got := counts{report.Encoded, report.Reused, report.Skipped, report.Failed, report.Removed}
	if got != want {
		t.Errorf("%s: got %+v, want %+v", step, got, want)
	}
	if report.Done != report.Total || report.State != StateDone {
		t.Errorf("%s: done %d of %d in state %s", step, report.Done, report.Total, report.State)
	}
}

func (b *bench) image(t *testing.T, name string) catalog.Image {
	t.Helper()
	uri := b.request(t).Source.Name() + "/" + name
	image, err := b.store.Image(t.Context(), "c", catalog.ImageID("c", uri))
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// touch moves a file's time without changing its content.
func (b *bench) touch(t *testing.T, name string) {
	t.Helper()
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(b.folder, name), later, later); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) remove(t *testing.T, name string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(b.folder, name)); err != nil {
		t.Fatal(err)
	}
}

func TestRunFollowsTheFolder(t *testing.T) {
	b := newBench(t, Options{})
	files := map[string][]byte{"copy.png": picture(3), "a/copy.png": picture(3)}
	for i := range 10 {
		files[fmt.Sprintf("%d.png", i)] = picture(i)
	}
	write(t, b.folder, files)
	wantCounts(t, "first", b.run(t), counts{encoded: 10, reused: 2})
	wantCounts(t, "again", b.run(t), counts{skipped: 12})

	b.touch(t, "0.png")
	wantCounts(t, "touched", b.run(t), counts{skipped: 12})
	wantCounts(t, "after touching", b.run(t), counts{skipped: 12})

	write(t, b.folder, map[string][]byte{"1.png.json": []byte(`{"tags":["red"],"captions":{"de":"Hund"}}`)})
	wantCounts(t, "metadata", b.run(t), counts{reused: 1, skipped: 11})
	if image := b.image(t, "1.png"); fmt.Sprint(image.Captions, image.Metadata) != "[{de Hund}] map[tags:[red]]" {
		t.Errorf("got %v %v", image.Captions, image.Metadata)
	}
	b.remove(t, "1.png.json")
	wantCounts(t, "metadata gone", b.run(t), counts{reused: 1, skipped: 11})

	write(t, b.folder, map[string][]byte{"2.png": picture(99)})
	b.touch(t, "2.png")
	before := b.image(t, "2.png").SHA256
	wantCounts(t, "changed", b.run(t), counts{encoded: 1, skipped: 11})
	if b.image(t, "2.png").SHA256 == before {
		t.Error("the changed picture kept its content")
	}

	b.remove(t, "5.png")
	b.remove(t, "a")
	wantCounts(t, "gone", b.run(t), counts{skipped: 10, removed: 2})

	if err := os.Rename(filepath.Join(b.folder, "6.png"), filepath.Join(b.folder, "six.png")); err != nil {
		t.Fatal(err)
	}
	wantCounts(t, "renamed", b.run(t), counts{reused: 1, skipped: 9, removed: 1})
	if got := b.encoder.encoded(); got != 11 {
		t.Errorf("encoded %d pictures in all, want 11", got)
	}
	if sizes := b.encoder.batches; slices.Max(sizes) > 4 {
		t.Errorf("batches of %v, want at most 4", sizes)
	}
}

func TestRunPassesOverBrokenFiles(t *testing.T) {
	b := newBench(t, Options{})
	good := picture(1)
	write(t, b.folder, map[string][]byte{
		"good.png": good, "empty.png": {}, "cut.png": good[:40], "text.jpg": []byte("hello"),
		"good.json": []byte("{"), "locked/x.png": picture(2),
	})
	report := b.run(t)
	wantCounts(t, "first", report, counts{encoded: 2, failed: 3})
	if len(report.Warnings) != 1 || len(report.Failures) != 3 {
		t.Errorf("got %v and %v, want the sidecar and three pictures", report.Warnings, report.Failures)
	}
	collection, err := b.store.Collection(t.Context(), "c")
	if err != nil || collection.Failures != 4 || collection.Images != 2 || collection.Fingerprint != "f1" {
		t.Errorf("got %+v, %v", collection, err)
	}
	decodes := 0
	b.decoder = watchedDecoder{testDecoder, func() error { decodes++; return nil }}
	again := b.run(t)
	wantCounts(t, "again", again, counts{skipped: 2, failed: 3})
	if decodes != 0 || len(again.Failures) != 3 || len(again.Warnings) != 1 {
		t.Errorf("decoded %d broken files again, reported %d failures", decodes, len(again.Failures))
	}
	retry := b.request(t)
	retry.RetryFailed = true
	if _, err := b.Run(t.Context(), retry, nil); err != nil || decodes != 3 {
		t.Errorf("asked to try again: decoded %d, %v; want 3", decodes, err)
	}

	// One is mended, one goes, one that was good breaks.
	write(t, b.folder, map[string][]byte{"cut.png": picture(7), "good.png": []byte("no longer")})
	b.touch(t, "cut.png")
	b.remove(t, "text.jpg")
	b.remove(t, "good.json")
	wantCounts(t, "mended", b.run(t), counts{encoded: 1, skipped: 1, failed: 2, removed: 1})
	left, err := b.store.Failures(t.Context(), "c", "", 10)
	if err != nil || len(left) != 2 {
		t.Errorf("failures left: %v, %v; want empty.png and good.png", left, err)
	}
}

func TestRunKeepsWhatItCannotSee(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": picture(1), "sub/b.png": picture(2)})
	b.run(t)
	request := b.request(t)
	request.Source = hiding{request.Source, request.Source.Name() + "/sub"}
	report, err := b.Run(t.Context(), request, nil)
	if err != nil || report.Removed != 0 || len(report.Warnings) != 1 {
		t.Errorf("got %+v, %v; want nothing removed and a warning", report, err)
	}
	// A file system that fails for a moment loses nothing either.
	b.touch(t, "a.png")
	write(t, b.folder, map[string][]byte{"a.png": picture(3)})
	b.decoder = watchedDecoder{testDecoder, func() error {
		return &os.PathError{Op: "read", Path: "a.png", Err: errors.New("input/output error")}
	}}
	wantCounts(t, "file system fails", b.run(t), counts{skipped: 1, failed: 1})
	b.decoder = testDecoder
	wantCounts(t, "file system is back", b.run(t), counts{encoded: 1, skipped: 1})
}

// hiding is a source with a folder that cannot be read.
type hiding struct {
	source.Source
	folder string
}

func (h hiding) Walk(ctx context.Context, visitor source.Visitor) error {
	visitor.Problem(source.Problem{URI: h.folder, Kind: source.ProblemFolder, Err: os.ErrPermission})
	item := visitor.Item
	visitor.Item = func(i source.Item) error {
		if strings.HasPrefix(i.URI, h.folder) {
			return nil
		}
		return item(i)
	}
	return h.Source.Walk(ctx, visitor)
}

func TestRunReportsProgress(t *testing.T) {
	b := newBench(t, Options{})
	b.encoder.pause = 60 * time.Millisecond
	files := make(map[string][]byte)
	for i := range 30 {
		files[fmt.Sprintf("%02d.png", i)] = picture(i)
	}
	write(t, b.folder, files)
	var told []Progress
	if _, err := b.Run(t.Context(), b.request(t), func(p Progress) { told = append(told, p) }); err != nil {
		t.Fatal(err)
	}
	states := make(map[State]bool)
	estimated := false
	for i, p := range told {
		states[p.State] = true
		estimated = estimated || p.Rate > 0 && p.RemainingSeconds > 0 && p.CurrentURI != ""
		if i > 0 && p.Done < told[i-1].Done {
			t.Errorf("progress went back from %+v to %+v", told[i-1], p)
		}
	}
	if !states[StateRepairing] || !states[StateIndexing] || !states[StateRemoving] || !states[StateDone] || !estimated {
		t.Errorf("states %v, estimated %v in %+v", slices.Collect(maps.Keys(states)), estimated, told)
	}
	if last := told[len(told)-1]; last.Done != 30 || last.Total != 30 || last.RemainingSeconds != 0 {
		t.Errorf("last progress %+v", last)
	}
}

func TestRunCanceled(t *testing.T) {
	b := newBench(t, Options{})
	files := make(map[string][]byte)
	for i := range 40 {
		files[fmt.Sprintf("%02d.png", i)] = picture(i)
	}
	write(t, b.folder, files)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the user left")
	batches := 0
	b.encoder.broken = func(vectors [][]float32) [][]float32 {
		if batches++; batches == 3 {
			cancel(why)
		}
		return vectors
	}
	report, err := b.Run(ctx, b.request(t), nil)
	if !errors.Is(err, why) && !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the cause", err)
	}
	if report.Done == 0 || report.Done == 40 {
		t.Errorf("canceled too early or too late: %+v", report.Progress)
	}
	after := b.run(t)
	if after.Skipped < report.Done || after.Encoded > 40-report.Encoded {
		t.Errorf("canceled after %+v, then did %+v", report.Progress, after.Progress)
	}
}

func TestRunRefusesABrokenModel(t *testing.T) {
	for name, test := range map[string]struct {
		broken func([][]float32) [][]float32
		want   string
	}{
		"count":     {func(v [][]float32) [][]float32 { return v[1:] }, "gave 1 vectors"},
		"dimension": {func(v [][]float32) [][]float32 { v[1] = v[1][1:]; return v }, "dimension 7, want 8"},
	} {
		b := newBench(t, Options{})
		write(t, b.folder, map[string][]byte{"a.png": picture(1), "b.png": picture(2)})
		b.encoder.broken = test.broken
		if _, err := b.Run(t.Context(), b.request(t), nil); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
		b.encoder.broken = nil
		wantCounts(t, name+" mended", b.run(t), counts{encoded: 2})
	}
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": picture(1), "b.png": picture(2)})
	b.encoder.broken = func(v [][]float32) [][]float32 { v[0][3] = float32(math.NaN()); clear(v[1]); return v }
	wantCounts(t, "no direction", b.run(t), counts{failed: 2})
}

func TestRunNeedsItsSource(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": picture(1)})
	b.run(t)
	request := b.request(t)
	if err := os.RemoveAll(b.folder); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Run(t.Context(), request, nil); err == nil {
		t.Error("a run over a folder that is gone ended well")
	}
	if b.index.count("c") != 1 {
		t.Error("it removed the images")
	}
	bad := request
	bad.Collection = "Not A Name"
	if _, err := b.Run(t.Context(), bad, nil); !errors.Is(err, catalog.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
}

func TestTwoModelsStandSideBySide(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": picture(1), "b.png": picture(2)})
	b.run(t)
	second := New(b.store, &fakeEncoder{fingerprint: "f2"}, b.index, testDecoder, Options{})
	report, err := second.Run(t.Context(), b.request(t), nil)
	if err != nil || report.Encoded != 2 {
		t.Fatalf("got %+v, %v; want both encoded by the new model", report, err)
	}
	if collection, err := b.store.Collection(t.Context(), "c"); err != nil || collection.Fingerprint != "f1" {
		t.Errorf("got %+v, %v; searches must stay with f1 until they are switched", collection, err)
	}
	wantCounts(t, "first model again", b.run(t), counts{skipped: 2})
	if err := b.DeleteCollection(t.Context(), "c"); err != nil {
		t.Fatal(err)
	}
	if len(b.index.rows) != 0 {
		t.Errorf("indexes left: %v", slices.Collect(maps.Keys(b.index.rows)))
	}
}

// unlucky is a picture that a fakeEncoder refuses.
func unlucky(t *testing.T) []byte {
	t.Helper()
	var data bytes.Buffer
	if err := png.Encode(&data, image.NewNRGBA(image.Rect(0, 0, 13, 1))); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

func TestRunPassesOverWhatTheModelCannotTake(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"13.png": unlucky(t), "a.png": picture(1)})
	report := b.run(t)
	wantCounts(t, "unlucky", report, counts{encoded: 1, failed: 1})
	if len(report.Failures) != 1 || !strings.Contains(report.Failures[0].Reason, "unlucky") {
		t.Errorf("got %v", report.Failures)
	}
}
