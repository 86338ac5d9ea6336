package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"polylens/indexer"
	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/internal/needs"
	"polylens/search"
)

// tampered is a data folder with a collection of pictures of a folder and of pictures that
// were sent, all its rooms opened in this process, and what tampers with it.
type tampered struct {
	*parts
	folders
	pictures string
	sql      *sql.DB // of somebody who keeps to no rules
	key      search.Key
	gone     string // name of the file of the first picture that was sent
}

const sent = 6 // pictures

func newTampered(t *testing.T) *tampered {
	t.Helper()
	f := newFolders(t)
	h := &tampered{folders: f, pictures: t.TempDir()}
	drawFolder(t, h.pictures, 1, 6)
	f.index(t, h.pictures)
	g := globals{
		Data: f.data, Cache: t.TempDir(), Model: bundledModel, Onnxruntime: needs.ONNXRuntime(t), Milvus: needs.Milvus(t),
		DecodeMiB: 64, MaxBytes: 1 << 28, MaxPixels: 1 << 24, MaxSide: 1 << 14, DecodeTime: time.Minute,
	}
	p := newProgram(g, terminal{in: os.Stdin, out: io.Discard, err: io.Discard}, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		if err := p.close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	x, err := p.openParts(t.Context())
	if err == nil {
		err = x.connect(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	h.parts = x
	if h.sql, err = sql.Open("sqlite", "file:"+filepath.Join(f.data, "catalogue.db")+"?_pragma=busy_timeout(15000)"); err != nil {
		t.Fatal(err)
	}
	h.sql.SetMaxOpenConns(1)
	t.Cleanup(func() { h.sql.Close() })
	for n := range sent {
		h.send(t, n)
	}
	found, err := x.store.Collection(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	h.key = search.Key{Collection: found.ID, Fingerprint: found.Fingerprint}
	h.gone = blob.ContentName(h.image(t, 0).SHA256)
	return h
}

// send sends a picture, as a client does.
func (h *tampered) send(t *testing.T, n int) {
	t.Helper()
	document := indexer.Document{
		Operation: catalog.OperationUpsert, ID: fmt.Sprint("sent ", n), Data: sentPicture(t, n),
		Metadata: fmt.Appendf(nil, `{"n":%d}`, n), Captions: fmt.Appendf(nil, `{"en":"sent %d"}`, n),
	}
	if _, _, err := h.documents.Apply(t.Context(), "c", document); err != nil {
		t.Fatal(err)
	}
}

func sentPicture(t *testing.T, n int) []byte {
	t.Helper()
	folder := t.TempDir()
	drawPicture(t, folder, "a.png", 100+n)
	data, err := os.ReadFile(filepath.Join(folder, "a.png"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// image is a picture that was sent.
func (h *tampered) image(t *testing.T, n int) catalog.Image {
	t.Helper()
	image, err := h.store.Image(t.Context(), "c", fmt.Sprint("sent ", n))
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// file is the file of a picture that was sent.
func (h *tampered) file(t *testing.T, n int) string {
	return filepath.Join(h.data, "pictures", filepath.FromSlash(blob.ContentName(h.image(t, n).SHA256)))
}

// do changes the catalogue behind its back. $1 of the statement is the argument.
func (h *tampered) do(t *testing.T, statement string, args ...any) {
	t.Helper()
	if _, err := h.sql.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// upsert puts rows into the index behind the catalogue's back.
func (h *tampered) upsert(t *testing.T, row search.Row) {
	t.Helper()
	if err := h.parts.index.Upsert(t.Context(), h.key, []search.Row{row}); err != nil {
		t.Fatal(err)
	}
}

// row is what the index holds of a picture that was sent.
func (h *tampered) row(t *testing.T, n int) search.Row {
	t.Helper()
	rows, err := h.parts.index.Rows(t.Context(), h.key, []string{h.image(t, n).ID})
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	return rows[0]
}

// rewrite puts a file in the place of another, with an age.
func rewrite(t *testing.T, path string, data []byte, age time.Duration) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-age)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

// corruption is one way in which what is kept can be damaged.
type corruption struct {
	plant func(t *testing.T, h *tampered)
	// What is found: a kind, or a count of the report.
	kind  indexer.FindingKind
	count func(indexer.CheckReport) int
	read  bool // only with --read-data
	many  bool // more than once
	// What a repair leaves, by kind; none for what it mends. What it has lost is said once.
	lost   bool
	leaves indexer.FindingKind
	remedy func(t *testing.T, h *tampered) // what the finding says that helps then
}

// TestCheckFindsCorruption plants every kind of damage in a real collection. The check names
// it and changes nothing; the repair mends it, or leaves what it says, and what the remedy
// says helps; then everything is well, and found.
func TestCheckFindsCorruption(t *testing.T) {
	t.Parallel()
	h := newTampered(t)
	h.wantWell(t, "at first")
	for name, c := range corruptions() {
		t.Run(name, func(t *testing.T) {
			c.plant(t, h)
			order := indexer.CheckOrder{Kind: indexer.JobCheck}
			if c.read {
				if c.found(h.examine(t, order)) > 0 {
					t.Error("found without reading: what was it?")
				}
				order.Read = indexer.Everything
			}
			for range 2 { // it changes nothing
				if found := h.examine(t, order); !c.isRight(found) {
					t.Errorf("the check finds %+v", found)
				}
			}
			order.Kind = indexer.JobRepair
			repaired := h.examine(t, order)
			if !c.isRight(repaired) {
				t.Errorf("the repair finds %+v", repaired)
			}
			if left := repaired.Findings.Faults(); (left > 0) != (c.leaves != "" || c.lost) {
				t.Errorf("the repair leaves %d: %+v", left, repaired)
			}
			if c.leaves != "" {
				left := h.examine(t, indexer.CheckOrder{Kind: indexer.JobCheck})
				if finding := findingOf(left.Findings, c.leaves); finding.Count != 1 || finding.Remedy() == "" || finding.Words() == "" {
					t.Errorf("the repair leaves %+v, want %s", left, c.leaves)
				}
			}
			if c.remedy != nil {
				c.remedy(t, h)
			}
			h.wantWell(t, "after the repair")
		})
	}
}

// examine is check without names.
func (h *tampered) examine(t *testing.T, order indexer.CheckOrder) indexer.CheckResult {
	t.Helper()
	rest, err := h.indexer.Examine(t.Context(), indexer.CheckOrder{Kind: order.Kind}, nil)
	if err != nil {
		t.Fatal(err)
	}
	order.Collection = "c"
	result, err := h.indexer.Examine(t.Context(), order, nil)
	if err != nil {
		t.Fatal(err)
	}
	result.Findings = append(result.Findings, rest.Findings...)
	return result
}

// found is how often a kind of damage was found.
func (c corruption) found(result indexer.CheckResult) int {
	if c.count != nil {
		return c.count(result.CheckReport)
	}
	return findingOf(result.Findings, c.kind).Count
}

// isRight reports whether it was found as often as it was planted.
func (c corruption) isRight(result indexer.CheckResult) bool {
	return c.found(result) == 1 || c.many && c.found(result) > 1
}

func findingOf(all indexer.Findings, kind indexer.FindingKind) indexer.Finding {
	for _, finding := range all {
		if finding.Kind == kind {
			return finding
		}
	}
	return indexer.Finding{Kind: kind}
}

// wantWell expects that nothing is wrong, and that every picture is found by its own vector.
func (h *tampered) wantWell(t *testing.T, when string) {
	t.Helper()
	found := h.examine(t, indexer.CheckOrder{Kind: indexer.JobCheck, Read: indexer.Everything})
	if found.Differs() || found.Findings.Faults() > 0 || found.Images != 6+sent {
		t.Fatalf("%s: %+v", when, found)
	}
	for n := range sent {
		image := h.image(t, n)
		vector, err := h.store.Vector(t.Context(), h.key.Collection, image.ID, h.key.Fingerprint)
		if err != nil {
			t.Fatal(err)
		}
		matches, err := h.parts.index.Search(t.Context(), h.key.Collection, search.Query{Vector: vector, Limit: 1})
		if err != nil || len(matches) != 1 || matches[0].ID != image.ID || matches[0].Score < 0.999 {
			t.Errorf("%s: picture %d is not found by its vector: %v, %v", when, n, matches, err)
		}
		if data, err := os.ReadFile(h.file(t, n)); err != nil || !bytes.Equal(data, sentPicture(t, n)) {
			t.Errorf("%s: the file of picture %d is not what was sent (%v)", when, n, err)
		}
		if len(image.Captions) != 1 || image.Captions[0].Text != fmt.Sprint("sent ", n) {
			t.Errorf("%s: picture %d has the captions %v", when, n, image.Captions)
		}
	}
}

// TestCheckSaysWhatIsLeft: the program names what is wrong, with its code.
func TestCheckSaysWhatIsLeft(t *testing.T) {
	t.Parallel()
	h := newTampered(t)
	rewrite(t, h.file(t, 1), []byte("not what was sent"), time.Hour)
	h.do(t, `UPDATE vectors SET fp16 = zeroblob(2 * dimension) WHERE sha256 = $1`, h.image(t, 2).SHA256)
	rewrite(t, filepath.Join(h.data, "thumbnails", "ab", strings.Repeat("c", 62)+"-128"), []byte("x"), time.Hour)
	if err := h.program.close(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := h.run(t, "check")
	checkFailureOf(t, got, exitFailure, "2 faults", "polylens check --repair")
	for _, words := range []string{"its length is 0 instead of 1", "push:sent 1: its size has changed", "elsewhere: 1 thumbnails of pictures that no image has"} {
		if !strings.Contains(got.stdout, words) {
			t.Errorf("check does not say %q:\n%s", words, got.stdout)
		}
	}
	got = h.run(t, "check", "--repair", "--read-data-subset", "100%")
	checkFailureOf(t, got, exitFailure, "1 faults are left")
	if !strings.Contains(got.stdout, "1 repaired") || !strings.Contains(got.stdout, "send them again") {
		t.Errorf("check --repair says\n%s", got.stdout)
	}
	got = h.run(t, "check", "c", "--json")
	if lines := objects[checkLine](t, got.stdout); got.code != exitFailure || len(lines) != 1 || len(lines[0].Findings) != 1 ||
		lines[0].Findings[0].Kind != string(indexer.OriginalMissing) || lines[0].Findings[0].Harmless || lines[0].Images != 12 {
		t.Errorf("check --json ends with %d and says %+v", got.code, lines)
	}
	for _, bad := range []string{"", "0/3", "4/3", "x/3", "3", "0%", "101%", "NaN%", "1/2000000"} {
		if got := h.run(t, "check", "--read-data-subset="+bad); bad != "" && got.code != exitUsage {
			t.Errorf("--read-data-subset=%s ends with %d", bad, got.code)
		}
	}
}

func checkFailureOf(t *testing.T, got result, code int, words ...string) {
	t.Helper()
	for _, word := range words {
		if got.code != code || !strings.Contains(got.stderr, word) {
			t.Errorf("ended with %d and says %s, want %d and %q", got.code, got.stderr, code, word)
		}
	}
}

// reopen makes the one who keeps to no rules read the schema again.
func (h *tampered) reopen(t *testing.T) {
	t.Helper()
	if err := h.sql.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	if h.sql, err = sql.Open("sqlite", "file:"+filepath.Join(h.data, "catalogue.db")+"?_pragma=busy_timeout(15000)"); err != nil {
		t.Fatal(err)
	}
	h.sql.SetMaxOpenConns(1)
}
