package indexer

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/decode"
	"polylens/indexer/source"
)

// rewrite replaces the content of a file and sets its time back.
func (b *bench) rewrite(t *testing.T, name string, data []byte) {
	t.Helper()
	path := filepath.Join(b.folder, name)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if int(before.Size()) != len(data) {
		t.Fatalf("%s has %d bytes, what it is to be has %d: the test wants equal sizes", name, before.Size(), len(data))
	}
	write(t, b.folder, map[string][]byte{name: data})
	if err := os.Chtimes(path, before.ModTime(), before.ModTime()); err != nil {
		t.Fatal(err)
	}
}

// TestEditThatKeepsTimeAndSize: exiftool -P and many cameras' tools do so.
func TestEditThatKeepsTimeAndSize(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": picture(1), "b.png": picture(2)})
	b.run(t)
	before := b.image(t, "a.png")
	b.rewrite(t, "a.png", picture(3))
	wantCounts(t, "after the edit", b.run(t), counts{encoded: 1, skipped: 1})
	if after := b.image(t, "a.png"); after.SHA256 == before.SHA256 || !after.Modified.Equal(before.Modified) {
		t.Errorf("was %+v, is %+v", before, after)
	}
	wantCounts(t, "again", b.run(t), counts{skipped: 2})
}

// TestInodeChangesAlone: what is not an edit, such as new permissions, costs a read and
// nothing else.
func TestInodeChangesAlone(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": picture(1)})
	b.run(t)
	if err := os.Chmod(filepath.Join(b.folder, "a.png"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := b.image(t, "a.png")
	wantCounts(t, "after chmod", b.run(t), counts{skipped: 1})
	if after := b.image(t, "a.png"); !after.Changed.After(before.Changed) {
		t.Errorf("its inode changed at %v, noted is %v", before.Changed, after.Changed)
	}
}

// TestRehash: where even the change time of the inode is what it was, as after
// restoring a disk image, only reading helps.
func TestRehash(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": picture(1), "b.png": picture(2)})
	b.run(t)
	b.rewrite(t, "a.png", picture(3))
	b.pretendInode(t, "a.png")
	wantCounts(t, "without", b.run(t), counts{skipped: 2})
	rehash := func(r *Request) { r.Rehash = true }
	wantCounts(t, "with", b.runAs(t, rehash), counts{encoded: 1, skipped: 1})
	wantCounts(t, "once more", b.runAs(t, rehash), counts{skipped: 2})
}

// pretendInode makes the catalogue believe that it knows the inode as it is.
func (b *bench) pretendInode(t *testing.T, name string) {
	t.Helper()
	image := b.image(t, name)
	var changed time.Time
	err := b.request(t).Source.Walk(t.Context(), source.Visitor{Item: func(item source.Item) error {
		if item.URI == image.URI {
			changed = item.Changed
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if changed.IsZero() {
		t.Skip("this system does not tell when an inode changed")
	}
	if err := b.store.NoteChanged(t.Context(), map[string]int64{image.ID: changed.UnixNano()}); err != nil {
		t.Fatal(err)
	}
}

// TestOldCatalogueLearnsInodes: rows from before change times were kept count as
// unchanged, and are guarded from then on.
func TestOldCatalogueLearnsInodes(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": picture(1)})
	b.run(t)
	if err := b.store.NoteChanged(t.Context(), map[string]int64{b.image(t, "a.png").ID: 0}); err != nil {
		t.Fatal(err)
	}
	wantCounts(t, "old row", b.run(t), counts{skipped: 1})
	b.rewrite(t, "a.png", picture(3))
	wantCounts(t, "after an edit", b.run(t), counts{encoded: 1})
}

// TestLaterDecodersTryAgain: what an earlier version could not read.
func TestLaterDecodersTryAgain(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": picture(1), "b.png": picture(2)})
	uri := b.request(t).Source.Name() + "/a.png"
	b.run(t)
	image := b.image(t, "a.png")
	for version, want := range map[int]counts{decode.Version: {failed: 1, skipped: 1}, decode.Version - 1: {skipped: 2}} {
		failure := catalog.Failure{URI: uri, Source: image.Source, Kind: catalog.FailurePicture, Reason: "unsupported",
			Size: image.Size, Modified: image.Modified, Changed: image.Changed, Decoder: version}
		if err := b.store.SaveFailures(t.Context(), "c", []catalog.Failure{failure}); err != nil {
			t.Fatal(err)
		}
		report := b.run(t)
		if report.Failed != want.failed {
			t.Errorf("version %d, now %d: %d failed, want %d", version, decode.Version, report.Failed, want.failed)
		}
	}
}

func TestIsAsRead(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		what    string
		item    source.Item
		changed int64
		want    bool
	}{
		{"the same inode", source.Item{Size: 1, Modified: now, Changed: now}, now.UnixNano(), true},
		{"a later change", source.Item{Size: 1, Modified: now, Changed: now.Add(1)}, now.UnixNano(), false},
		{"unknown now", source.Item{Size: 1, Modified: now}, now.UnixNano(), true},
		{"unknown then", source.Item{Size: 1, Modified: now, Changed: now}, 0, true},
		{"another size", source.Item{Size: 2, Modified: now, Changed: now}, now.UnixNano(), false},
		{"another time", source.Item{Size: 1, Modified: now.Add(1), Changed: now}, now.UnixNano(), false},
	} {
		if got := isAsRead(test.item, 1, now.UnixNano(), test.changed); got != test.want {
			t.Errorf("%s: got %v, want %v", test.what, got, test.want)
		}
	}
}
