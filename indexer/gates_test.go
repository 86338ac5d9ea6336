package indexer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"polylens/indexer/source"
	"polylens/internal/patient"
)

// linked is a bench whose folder has a hundred pictures, and a link to a folder with five
// more.
func linked(t *testing.T) (b *bench, elsewhere string) {
	t.Helper()
	b, elsewhere = newBench(t, Options{}), t.TempDir()
	numbered(t, b.folder, "rest/%02d.png", 0, 100)
	numbered(t, elsewhere, "first/%d.png", 200, 5)
	link(t, b.folder, map[string]string{"away": filepath.Join(elsewhere, "first")})
	wantCounts(t, "first", b.runAs(t, b.following(t)), counts{encoded: 105})
	return b, elsewhere
}

// numbered writes pictures with numbers as names.
func numbered(t *testing.T, folder, format string, seed, count int) {
	t.Helper()
	for i := range count {
		write(t, folder, map[string][]byte{fmt.Sprintf(format, i): picture(seed + i)})
	}
}

// following lets a request follow links.
func (b *bench) following(t *testing.T) func(*Request) {
	t.Helper()
	directory, err := source.NewDirectoryWith(b.folder, source.Rules{FollowLinks: true})
	if err != nil {
		t.Fatal(err)
	}
	return func(r *Request) { r.Source = directory }
}

// lead lets a link lead to another place.
func lead(t *testing.T, link, target string) {
	t.Helper()
	removeAll(t, link)
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
}

// wantWithheld runs, which must withhold so many, twice: the next run finds the same.
func (b *bench) wantWithheld(t *testing.T, withheld int, why string, change func(*Request)) {
	t.Helper()
	for range 2 {
		request := b.request(t)
		change(&request)
		report, err := b.Run(t.Context(), request, nil)
		if errors.Is(err, ErrRemovalWithheld) != (withheld > 0) || report.Withheld != withheld || withheld == 0 && err != nil {
			t.Fatalf("got %v, %d withheld, want %d", err, report.Withheld, withheld)
		}
		if withheld > 0 && !strings.Contains(err.Error(), why) {
			t.Errorf("it does not say %q: %v", why, err)
		}
		b.wantMirror(t)
	}
}

// TestLinksThatLeadElsewhere: a link that leads to another folder than before replaces
// its pictures only when somebody says so.
func TestLinksThatLeadElsewhere(t *testing.T) {
	const elsewhere, empty = "another folder", "empty"
	for _, test := range []struct {
		what     string
		change   func(t *testing.T, b *bench, elsewhere string)
		withheld int
		why      string
		after    counts // once it is confirmed
	}{
		{"to other pictures", func(t *testing.T, b *bench, elsewhere string) {
			numbered(t, elsewhere, "second/x%d.png", 300, 9)
			lead(t, filepath.Join(b.folder, "away"), filepath.Join(elsewhere, "second"))
		}, 5, elsewhere, counts{skipped: 109, removed: 5}},
		{"to other pictures of the same names", func(t *testing.T, b *bench, elsewhere string) {
			for i := range 5 {
				write(t, elsewhere, map[string][]byte{fmt.Sprintf("second/%d.png", i): append(picture(300+i), "longer"...)})
			}
			lead(t, filepath.Join(b.folder, "away"), filepath.Join(elsewhere, "second"))
		}, 5, elsewhere, counts{skipped: 100, encoded: 5}},
		{"to a folder that is looked into already", func(t *testing.T, b *bench, _ string) {
			lead(t, filepath.Join(b.folder, "away"), "rest")
		}, 5, empty, counts{skipped: 100, removed: 5}},
		{"to the folder above", func(t *testing.T, b *bench, _ string) {
			lead(t, filepath.Join(b.folder, "away"), ".")
		}, 5, empty, counts{skipped: 100, removed: 5}},
		{"to a copy", func(t *testing.T, b *bench, elsewhere string) {
			numbered(t, elsewhere, "copy/%d.png", 200, 5)
			lead(t, filepath.Join(b.folder, "away"), filepath.Join(elsewhere, "copy"))
		}, 0, "", counts{skipped: 105}},
		{"to a copy under other names", func(t *testing.T, b *bench, elsewhere string) {
			numbered(t, elsewhere, "copy/c%d.png", 200, 5)
			lead(t, filepath.Join(b.folder, "away"), filepath.Join(elsewhere, "copy"))
		}, 0, "", counts{skipped: 105}},
		{"to a copy that grows", func(t *testing.T, b *bench, elsewhere string) {
			numbered(t, elsewhere, "copy/%d.png", 200, 40)
			lead(t, filepath.Join(b.folder, "away"), filepath.Join(elsewhere, "copy"))
		}, 0, "", counts{skipped: 140}},
		{"to another folder at the same path", func(t *testing.T, b *bench, elsewhere string) {
			first := filepath.Join(elsewhere, "first")
			if err := os.Rename(first, filepath.Join(elsewhere, "old")); err != nil {
				t.Fatal(err)
			}
			numbered(t, elsewhere, "first/x%d.png", 300, 9)
		}, 5, elsewhere, counts{skipped: 109, removed: 5}},
		{"no more, but is a folder", func(t *testing.T, b *bench, _ string) {
			removeAll(t, filepath.Join(b.folder, "away"))
			numbered(t, b.folder, "away/x%d.png", 300, 9)
		}, 5, elsewhere, counts{skipped: 109, removed: 5}},
		{"nowhere, being gone", func(t *testing.T, b *bench, _ string) { removeAll(t, filepath.Join(b.folder, "away")) }, 0, "", counts{skipped: 100}},
		{"as before, and another folder became a link", func(t *testing.T, b *bench, elsewhere string) {
			for i := 5; i < 100; i++ {
				name := fmt.Sprintf("rest/%02d.png", i)
				b.remove(t, name)
				write(t, b.folder, map[string][]byte{"more/" + name: picture(i)})
			}
			b.runAs(t, b.following(t))
			removeAll(t, filepath.Join(b.folder, "rest"))
			numbered(t, elsewhere, "third/x%d.png", 300, 9)
			lead(t, filepath.Join(b.folder, "rest"), filepath.Join(elsewhere, "third"))
		}, 5, elsewhere, counts{skipped: 109, removed: 5}},
	} {
		t.Run(test.what, func(t *testing.T) {
			b, folder := linked(t)
			test.change(t, b, folder)
			follow := b.following(t)
			b.wantWithheld(t, test.withheld, test.why, follow)
			confirmed := b.runAs(t, func(r *Request) { follow(r); r.ConfirmRemoval = true })
			wantCounts(t, "confirmed", confirmed, test.after)
			b.wantWithheld(t, 0, "", follow) // what is there now is what it is
		})
	}
}

// TestPlaceThatIsAnother: the folder itself may be a link, or be exchanged, while the
// names in it stay what they were.
func TestPlaceThatIsAnother(t *testing.T) {
	b := newBench(t, Options{})
	b.fill(t, 20)
	if err := os.Rename(b.folder, b.folder+"-away"); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		write(t, b.folder, map[string][]byte{fmt.Sprintf("%02d.png", i): append(picture(i+100), "longer"...)})
	}
	write(t, b.folder, map[string][]byte{"new.png": picture(300)})
	b.wantWithheld(t, 20, "another folder", func(*Request) {})
	if b.image(t, "00.png").Size != int64(len(picture(0))) || b.image(t, "new.png").ID == "" {
		t.Error("what was known has changed, or what is new is not there")
	}
	all := 1.0
	report := b.runAs(t, func(r *Request) { r.MaxRemovedShare = &all; r.ConfirmRemoval = true })
	wantCounts(t, "confirmed", report, counts{encoded: 20, skipped: 1})
}

// TestPlaceThatIsAnotherForANewModel: for which everything is encoded anew.
func TestPlaceThatIsAnotherForANewModel(t *testing.T) {
	b := newBench(t, Options{})
	b.fill(t, 20)
	if err := os.Rename(b.folder, b.folder+"-away"); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		write(t, b.folder, map[string][]byte{fmt.Sprintf("%02d.png", i): append(picture(i+100), "longer"...)})
	}
	b.encoder.fingerprint = "f2"
	report, err := b.Run(t.Context(), b.request(t), nil)
	if !errors.Is(err, ErrRemovalWithheld) || report.Withheld != 20 || report.Encoded != 0 {
		t.Errorf("got %v, %d withheld, %d encoded", err, report.Withheld, report.Encoded)
	}
}

// TestChangedInPlace: files that change in a folder that is the same are not suspect.
func TestChangedInPlace(t *testing.T) {
	b := newBench(t, Options{})
	b.fill(t, 20)
	for i := range 20 {
		write(t, b.folder, map[string][]byte{fmt.Sprintf("%02d.png", i): append(picture(i+100), "longer"...)})
	}
	wantCounts(t, "changed", b.run(t), counts{encoded: 20})
}

// TestGatesOutOfSight: what could not be looked into stays as it was known.
func TestGatesOutOfSight(t *testing.T) {
	b, elsewhere := linked(t)
	follow := b.following(t)
	request := b.request(t)
	follow(&request)
	request.Source = unreadableFolder{request.Source, "/away", source.ProblemFolder, syscall.EIO}
	if _, err := b.Run(t.Context(), request, nil); err != nil {
		t.Fatal(err)
	}
	b.wantMirror(t)
	numbered(t, elsewhere, "second/x%d.png", 300, 9)
	lead(t, filepath.Join(b.folder, "away"), filepath.Join(elsewhere, "second"))
	b.wantWithheld(t, 5, "another folder", follow)
}

// unreadableFolder is a source of which one folder, or a link to one, cannot be looked into.
type unreadableFolder struct {
	source.Source
	name string
	kind source.ProblemKind
	err  error
}

func (s unreadableFolder) Walk(ctx context.Context, visitor source.Visitor) error {
	folder, item := visitor.Folder, visitor.Item
	visitor.Folder = func(entered source.Entered) {
		if strings.HasSuffix(entered.URI, s.name) {
			visitor.Problem(source.Problem{URI: entered.URI, Kind: s.kind, Err: s.err})
			return
		}
		folder(entered)
	}
	visitor.Item = func(found source.Item) error {
		if strings.Contains(found.URI, s.name+"/") {
			return nil
		}
		return item(found)
	}
	return s.Source.Walk(ctx, visitor)
}

// TestGatesBeyondTheMost: of links that are not kept, nobody knows whether they led
// elsewhere before. What vanishes where they lie is withheld.
func TestGatesBeyondTheMost(t *testing.T) {
	b, elsewhere := newBench(t, Options{}), t.TempDir()
	b.mostGates = 3 // the folder itself, x and y
	numbered(t, b.folder, "rest/%02d.png", 0, 100)
	for i, name := range []string{"x", "y", "z"} {
		numbered(t, elsewhere, name+"/%d.png", 200+10*i, 5)
		link(t, b.folder, map[string]string{name: filepath.Join(elsewhere, name)})
	}
	follow := b.following(t)
	wantCounts(t, "first", b.runAs(t, follow), counts{encoded: 115})
	b.wantWithheld(t, 0, "", follow)
	removeAll(t, filepath.Join(b.folder, "x"))
	for i := range 5 {
		b.remove(t, fmt.Sprintf("rest/%02d.png", i))
	}
	wantCounts(t, "what is kept", b.runAs(t, follow), counts{skipped: 105, removed: 10})
	link(t, b.folder, map[string]string{"x": filepath.Join(elsewhere, "x")})
	b.runAs(t, follow)
	removeAll(t, filepath.Join(b.folder, "z"))
	b.wantWithheld(t, 5, "such as "+filepath.Join(b.folder, "z"), follow)
	confirmed := b.runAs(t, func(r *Request) { follow(r); r.ConfirmRemoval = true })
	wantCounts(t, "confirmed", confirmed, counts{skipped: 105, removed: 5})
}

// TestGatesThatDoNotAnswer: where nobody knew what a link led to, what has other pictures
// in its place is kept, and named. It needs no gate to be as it was at the end.
func TestGatesThatDoNotAnswer(t *testing.T) {
	b, elsewhere := linked(t)
	for i := range 5 {
		write(t, elsewhere, map[string][]byte{fmt.Sprintf("first/%d.png", i): append(picture(300+i), "longer"...)})
	}
	b.identityOf = func(ctx context.Context, uri string) (string, error) {
		if strings.HasSuffix(uri, "/away") {
			return "", &patient.Left{Cause: patient.ErrSilent}
		}
		return source.IdentityOf(ctx, uri)
	}
	follow := b.following(t)
	b.wantWithheld(t, 5, "did not answer at first, such as "+filepath.Join(b.folder, "away")+";", follow)
	if size := b.image(t, "away/0.png").Size; size != int64(len(picture(200))) {
		t.Errorf("what was known has changed: it has %d bytes", size)
	}
	b.identityOf = source.IdentityOf
	wantCounts(t, "it answers", b.runAs(t, follow), counts{skipped: 100, encoded: 5})
}

// TestGatesThatTurnAndTurnBack: a link that led elsewhere when the run began, and as before
// when it was walked, is named.
func TestGatesThatTurnAndTurnBack(t *testing.T) {
	b, elsewhere := linked(t)
	for i := range 5 {
		write(t, elsewhere, map[string][]byte{fmt.Sprintf("first/%d.png", i): append(picture(300+i), "longer"...)})
	}
	b.identityOf = func(context.Context, string) (string, error) { return "another", nil }
	b.wantWithheld(t, 5, "another folder than before is reached by a path, such as "+filepath.Join(b.folder, "away")+";", b.following(t))
}

// TestConfirmationWhereADiskAnswersAgain: it was not about what answers now.
func TestConfirmationWhereADiskAnswersAgain(t *testing.T) {
	b, _ := linked(t)
	request := b.request(t)
	b.following(t)(&request)
	var err error
	b.identityOf = func(context.Context, string) (string, error) {
		return "", &patient.Left{Cause: patient.ErrSilent}
	}
	if request.ConfirmedFor, err = b.confirmation(t.Context(), "c", request.Source.Name()); err != nil {
		t.Fatal(err)
	}
	request.ConfirmRemoval = true
	b.identityOf = func(context.Context, string) (string, error) { return "", nil } // there is nothing
	removeAll(t, filepath.Join(b.folder, "rest"))
	if _, err := b.Run(t.Context(), request, nil); !errors.Is(err, ErrRemovalWithheld) {
		t.Errorf("got %v", err)
	}
}
