package indexer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io/fs"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"polylens/indexer/catalog"
	"polylens/indexer/decode"
	"polylens/indexer/source"
)

// sum adds up what a report says of the entries of folders.
func sum(report Report) int {
	total := report.Encoded + report.Reused + report.Skipped + report.Failed + report.Files.Metadata
	for _, n := range report.Files.Others {
		total += n
	}
	for _, n := range report.Files.Excluded {
		total += n
	}
	for _, n := range report.Files.Unusable {
		total += n
	}
	return total
}

// wantSums checks that a report adds up to what lies in the folder, that the catalogue
// agrees, and that the lists and the counts do.
func (b *bench) wantSums(t *testing.T, step string, report Report) {
	t.Helper()
	lies := 0
	err := filepath.WalkDir(b.folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && entry.Name() == "@eaDir" {
			lies++
			return fs.SkipDir
		}
		if err == nil && !entry.IsDir() {
			lies++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := sum(report); got != lies || report.Files.Seen != lies {
		t.Errorf("%s: %d entries lie there, %d were seen, and %d are accounted for: %+v", step, lies, report.Files.Seen, got, report.Progress)
	}
	collection, err := b.store.Collection(t.Context(), "c")
	if err != nil || collection.Images != report.Encoded+report.Reused+report.Skipped {
		t.Errorf("%s: the catalogue has %d images, the report %+v; %v", step, collection.Images, report.Progress, err)
	}
	noted := make(map[catalog.FailureKind]int)
	failures, err := b.store.Failures(t.Context(), "c", "", 100_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, failure := range failures {
		noted[failure.Kind]++
	}
	others := 0
	for _, n := range report.Files.Others {
		others += n
	}
	want := map[catalog.FailureKind]int{catalog.FailurePicture: report.Failed, catalog.FailureOther: others}
	for _, groups := range []map[catalog.FailureKind]int{report.Files.Unusable, report.Files.Warnings} {
		for kind, n := range groups {
			want[kind] = n
		}
	}
	for _, kind := range catalog.FailureKinds {
		if noted[kind] != want[kind] {
			t.Errorf("%s: %d failures of kind %s are kept, %d were counted", step, noted[kind], kind, want[kind])
		}
	}
	if collection.Failures != len(failures)-others {
		t.Errorf("%s: the collection counts %d failures, of %d with %d others", step, collection.Failures, len(failures), others)
	}
	if len(report.Failures) != min(report.Failed, MaxReported) {
		t.Errorf("%s: %d failures are listed, %d counted", step, len(report.Failures), report.Failed)
	}
}

func jpegFile(t *testing.T) []byte {
	t.Helper()
	var data bytes.Buffer
	if err := jpeg.Encode(&data, image.NewGray(image.Rect(0, 0, 9, 9)), nil); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

// TestSumsAgree: over random folders with everything in them, again when nothing has
// changed, and after random changes.
func TestSumsAgree(t *testing.T) {
	contents := [][]byte{
		picture(1), picture(2), picture(3), jpegFile(t), picture(4)[:30], {}, []byte("a text"), []byte("{}"), []byte("\x00\x01\x02\x03"),
		[]byte("\x00\x00\x00\x14ftypqt  "), []byte("II*\x00\x08\x00\x00\x00"), []byte("\x00\x05\x16\x07\x00\x02\x00\x00"),
	}
	names := []string{
		"a.png", "b.JPG", "c.HEIC", "d", "e.txt", "f.mov", "g.json", "a.png.json", "gone.jpg.json", "h.nef", "._i.jpg", ".j.png", ".DS_Store",
		"k\n.png", "l\xff.png", "m.svs", "metadata.csv", "@eaDir/n.png", "deep/o.png", "deep/p", "deep/metadata.jsonl", "deep/" + strings.Repeat("写", 80) + "/" + strings.Repeat("写", 80) + "/" + strings.Repeat("写", 80) + "/q.png",
	}
	for seed := range int64(8) {
		random := rand.New(rand.NewSource(seed))
		b := newBench(t, Options{})
		for round := range 3 {
			for _, name := range names {
				switch path := filepath.Join(b.folder, name); random.Intn(3) {
				case 0:
					if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
						t.Fatal(err)
					}
				default:
					write(t, b.folder, map[string][]byte{name: contents[random.Intn(len(contents))]})
				}
			}
			if round == 1 {
				link(t, b.folder, map[string]string{"la.png": "a.png", "lb": "deep", "lc.jpg": "/nowhere/at/all.jpg", "ld.json": "a.png"})
				if err := syscall.Mkfifo(filepath.Join(b.folder, "pipe.png"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			confirm := func(r *Request) { r.ConfirmRemoval = true }
			b.wantSums(t, fmt.Sprint("seed ", seed, ", round ", round), b.runAs(t, confirm))
			again := b.runAs(t, confirm)
			b.wantSums(t, fmt.Sprint("seed ", seed, ", round ", round, ", again"), again)
			if again.Encoded+again.Reused+again.Removed != 0 {
				t.Errorf("seed %d, round %d: unchanged, and did %+v", seed, round, again.Progress)
			}
		}
	}
}

func link(t *testing.T, folder string, targets map[string]string) {
	t.Helper()
	for name, target := range targets {
		if err := os.Symlink(target, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKnownFilesAreNotLookedAtAgain: a walk opens only what is not known.
func TestKnownFilesAreNotLookedAtAgain(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"blob": picture(1), "clip": []byte("\x00\x00\x00\x14ftypqt  "), "broken": picture(2)[:40]})
	wantCounts(t, "first", b.run(t), counts{encoded: 1, failed: 1})
	request := b.request(t)
	asked := &asking{Source: request.Source}
	request.Source = asked
	report, err := b.Run(t.Context(), request, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantCounts(t, "again", report, counts{skipped: 1, failed: 1})
	if want := "blob:picture broken:picture clip:video"; strings.Join(asked.answers, " ") != want {
		t.Errorf("known are %q, want %s", asked.answers, want)
	}
	// Its kind changes with its content.
	write(t, b.folder, map[string][]byte{"clip": picture(3), "blob": []byte("a text that is no picture")})
	b.touch(t, "clip")
	b.touch(t, "blob")
	after := b.run(t)
	wantCounts(t, "changed", after, counts{encoded: 1, failed: 1, removed: 1})
	if after.Files.Others["text"] != 1 {
		t.Errorf("others %v", after.Files.Others)
	}
	asked.answers = nil
	request.RetryFailed = true
	if _, err := b.Run(t.Context(), request, nil); err != nil {
		t.Fatal(err)
	}
	if want := "blob: broken: clip:picture"; strings.Join(asked.answers, " ") != want {
		t.Errorf("asked to try again: known are %q, want %s", asked.answers, want)
	}
}

// asking keeps what is known of files whose names do not tell.
type asking struct {
	source.Source
	answers []string
}

func (a *asking) Walk(ctx context.Context, visitor source.Visitor) error {
	known := visitor.Known
	visitor.Known = func(ctx context.Context, items []source.Item) ([]string, error) {
		kinds, err := known(ctx, items)
		for i, item := range items {
			a.answers = append(a.answers, filepath.Base(item.Path)+":"+kinds[i])
		}
		return kinds, err
	}
	return a.Source.Walk(ctx, visitor)
}

// warning decodes some pictures with a warning.
type warning struct{ Decoder }

func (d warning) Decode(ctx context.Context, content decode.Content, target decode.Target) (Picture, error) {
	picture, err := d.Decoder.Decode(ctx, content, target)
	if strings.Contains(content.Name, "cut") {
		picture.Warnings = []string{"the file ends early"}
	}
	return picture, err
}

// TestIncompletePictures: they are indexed, and their warning stays with their content.
func TestIncompletePictures(t *testing.T) {
	b := newBench(t, Options{})
	b.decoder = warning{testDecoder}
	write(t, b.folder, map[string][]byte{"cut.png": picture(1), "whole.png": picture(2)})
	want := func(step string, report Report, names ...string) {
		t.Helper()
		if report.Files.Warnings[catalog.FailureIncomplete] != len(names) || len(report.Warnings) != len(names) || report.Failed != 0 {
			t.Errorf("%s: %+v with %v, want %d warnings", step, report.Progress, report.Warnings, len(names))
		}
		kept, err := b.store.Failures(t.Context(), "c", "", 10, catalog.FailureIncomplete)
		if err != nil || len(kept) != len(names) {
			t.Errorf("%s: kept %v, %v", step, kept, err)
		}
		for i, failure := range kept {
			if !strings.HasSuffix(failure.URI, names[i]) || failure.Reason != "the file ends early" {
				t.Errorf("%s: %+v, want %s", step, failure, names[i])
			}
		}
	}
	first := b.run(t)
	want("first", first, "cut.png")
	wantCounts(t, "first", first, counts{encoded: 2})
	want("again", b.run(t), "cut.png")
	write(t, b.folder, map[string][]byte{"cut.png.json": []byte(`{"n":1}`), "copy.png": picture(1)})
	want("a copy, and other metadata", b.run(t), "copy.png", "cut.png")
	b.remove(t, "cut.png")
	b.remove(t, "cut.png.json")
	b.remove(t, "copy.png")
	want("gone", b.run(t))
	write(t, b.folder, map[string][]byte{"back.png": picture(1)})
	want("back", b.run(t), "back.png")
	write(t, b.folder, map[string][]byte{"back.png": picture(5)})
	b.touch(t, "back.png")
	want("mended", b.run(t))
}

// TestRulesTakePicturesOut: what a new rule leaves out goes, without a question: it has
// not vanished.
func TestRulesTakePicturesOut(t *testing.T) {
	b := newBench(t, Options{})
	files := make(map[string][]byte)
	for i := range 30 {
		files[fmt.Sprintf("drafts/%d.png", i)] = picture(i)
	}
	files["kept.png"] = picture(100)
	write(t, b.folder, files)
	b.run(t)
	directory, err := source.NewDirectoryWith(b.folder, source.Rules{Exclude: []string{"drafts/"}})
	if err != nil {
		t.Fatal(err)
	}
	report := b.runAs(t, func(r *Request) { r.Source = directory })
	wantCounts(t, "left out", report, counts{skipped: 1, removed: 30})
	collection, err := b.store.Collection(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	if rules, err := b.RulesOf(t.Context(), collection.ID, directory.Name()); err != nil || len(rules.Exclude) != 1 || rules.Exclude[0] != "drafts/" {
		t.Errorf("the rules kept are %+v, %v", rules, err)
	}
	if rules, err := b.RulesOf(t.Context(), collection.ID, "file:///elsewhere"); err != nil || rules.Exclude != nil {
		t.Errorf("the rules of a folder that was never indexed: %+v, %v", rules, err)
	}
}

// TestFollowedPicturesCanBeOpened: only in sources that are indexed with links followed.
func TestFollowedPicturesCanBeOpened(t *testing.T) {
	b := newBench(t, Options{})
	elsewhere := t.TempDir()
	write(t, elsewhere, map[string][]byte{"far.png": picture(1)})
	link(t, b.folder, map[string]string{"away": elsewhere})
	directory, err := source.NewDirectoryWith(b.folder, source.Rules{FollowLinks: true})
	if err != nil {
		t.Fatal(err)
	}
	wantCounts(t, "followed", b.runAs(t, func(r *Request) { r.Source = directory }), counts{encoded: 1})
	id := b.image(t, "away/far.png").ID
	pictures := b.pictures(t)
	original, err := pictures.open(t.Context(), "c", id)
	if err != nil {
		t.Fatal(err)
	}
	original.Close()
	collection, err := b.store.Collection(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.store.SaveRules(t.Context(), collection.ID, directory.Name(), []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := pictures.open(t.Context(), "c", id); err == nil {
		t.Error("a picture behind a link was opened though links are not followed")
	}
}
