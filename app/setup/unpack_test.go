package setup

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
)

// writerBelow writes every file of an archive below dir.
func writerBelow(ctx context.Context, dir string) func(string, io.Reader) error {
	return func(name string, content io.Reader) error {
		return writeFile(ctx, filepath.Join(dir, name), content, 0o644)
	}
}

func TestUnpackRefusesUnsafeNames(t *testing.T) {
	for _, name := range []string{"../evil", "/etc/evil", "package/../../evil"} {
		dir := t.TempDir()
		archive := filepath.Join(dir, "a.tgz")
		put(t, archive, tarball(t, map[string]string{name: "x"}), 0o644)
		out := filepath.Join(dir, "out")
		if err := eachInTarball(t.Context(), archive, writerBelow(t.Context(), out)); err == nil {
			t.Errorf("%q is accepted", name)
		}
	}
}

func TestUnpackDamagedArchives(t *testing.T) {
	whole := tarball(t, map[string]string{"package/a": strings.Repeat("abc", 1000)})
	for name, data := range map[string][]byte{"empty": nil, "no gzip": []byte("hello"), "cut": whole[:len(whole)-20]} {
		archive := filepath.Join(t.TempDir(), "a.tgz")
		put(t, archive, data, 0o644)
		if err := eachInTarball(t.Context(), archive, writerBelow(t.Context(), t.TempDir())); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestUnpackZipMember(t *testing.T) {
	dir := t.TempDir()
	archive := filepath.Join(dir, "a.whl")
	var data bytes.Buffer
	writer := zip.NewWriter(&data)
	member, err := writer.Create("onnxruntime/capi/lib.so")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := member.Write([]byte("elf")); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, archive, data.Bytes(), 0o644)
	if err := unpackZipMember(t.Context(), archive, "onnxruntime/capi/lib.so", dir); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "lib.so")); err != nil || string(got) != "elf" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := unpackZipMember(t.Context(), archive, "missing", dir); err == nil {
		t.Error("a missing member is no error")
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := unpackZipMember(canceled, archive, "onnxruntime/capi/lib.so", t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

func TestUnpackChromium(t *testing.T) {
	var libraries bytes.Buffer
	inner := tar.NewWriter(&libraries)
	if err := inner.WriteHeader(&tar.Header{Name: "lib/libnss3.so", Mode: 0o644, Size: 3, Typeflag: tar.TypeReg}); err != nil {
		t.Fatal(err)
	}
	if _, err := inner.Write([]byte("nss")); err != nil {
		t.Fatal(err)
	}
	if err := inner.Close(); err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(t.TempDir(), "a.tgz")
	put(t, archive, tarball(t, map[string]string{
		"package/bin/chromium.br":   packBrotli(t, []byte("browser")),
		"package/bin/al2023.tar.br": packBrotli(t, libraries.Bytes()),
		"package/build/index.js":    "ignored",
	}), 0o644)
	dir := t.TempDir()
	if err := unpackChromium(t.Context(), archive, dir, ""); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"chromium": "browser", "lib/libnss3.so": "nss"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s = %q, %v", name, got, err)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "chromium")); err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("chromium cannot be run: %v, %v", info, err)
	}
}

func TestUnpackPostgres(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "a.tgz")
	files := map[string]string{
		"package/native/pg-symlinks.json":                       `[{"source":"native/lib/libpq.so.5.17","target":"native/lib/libpq.so.5"}]`,
		"package/native/bin/initdb":                             "program",
		"package/native/lib/libpq.so.5.17":                      "library",
		"package/native/lib/libpq.a":                            "ignored",
		"package/native/lib/postgresql/pgxs/src/Makefile.shlib": "ignored",
		"package/scripts/hydrate-symlinks.js":                   "ignored",
		"package/LICENSE.md":                                    "licence",
	}
	put(t, archive, tarball(t, files), 0o644)
	dir := t.TempDir()
	if err := unpackPostgres(t.Context(), archive, dir, ""); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"bin/initdb": "program", "lib/libpq.so.5": "library", "LICENSE.md": "licence"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s = %q, %v", name, got, err)
		}
	}
	if count, _, err := measure(dir); err != nil || count != 3 {
		t.Errorf("%d files are unpacked, want 3: %v", count, err)
	}
	for _, link := range []string{`{"source":"native/../../evil","target":"native/lib/a"}`, `{"source":"native/lib/a","target":"native/../../evil"}`} {
		files["package/native/pg-symlinks.json"] = "[" + link + "]"
		put(t, archive, tarball(t, files), 0o644)
		if err := unpackPostgres(t.Context(), archive, t.TempDir(), ""); err == nil || !strings.Contains(err.Error(), "unsafe") {
			t.Errorf("link %s: %v", link, err)
		}
	}
}

func TestLayOutDemo(t *testing.T) {
	const table = `[
		{"unified":"1F600","image":"1f600.png","category":"Smileys & Emotion","subcategory":"face-smiling","has_img_twitter":true},
		{"unified":"1F3FB","image":"1f3fb.png","category":"Component","has_img_twitter":true},
		{"unified":"1F44D-1F3FB","image":"1f44d-1f3fb.png","category":"People & Body","has_img_twitter":true},
		{"unified":"1F601","image":"1f601.png","category":"Smileys & Emotion","has_img_twitter":false},
		{"unified":"1F602","image":"1f602.png","category":"Smileys & Emotion","has_img_twitter":true}]`
	archive := filepath.Join(t.TempDir(), "art.tgz")
	put(t, archive, tarball(t, map[string]string{
		"package/emoji.json": table, "package/img/twitter/64/1f600.png": translucent(t), "package/img/twitter/64/1f44d-1f3fb.png": translucent(t),
		"package/img/twitter/64/1f602.png": translucent(t),
	}), 0o644)
	names := t.TempDir()
	put(t, filepath.Join(names, "annotations/en/annotations.json"), []byte(`{"annotations":{"annotations":{
		"😀":{"default":["face","grin"],"tts":["Grinning face: “smile”"]},"👍🏻":{"tts":["thumbs up: light skin"]},"😁":{"tts":["unseen"]}}}}`), 0o644)
	put(t, filepath.Join(names, "annotations/de/annotations.json"), []byte(`{"annotations":{"annotations":{"😀":{"tts":["grinsendes Gesicht"]}}}}`), 0o644)
	put(t, filepath.Join(names, "annotations/de-CH/annotations.json"), []byte(`{"annotations":{"annotations":{"😀":{"tts":["regional"]}}}}`), 0o644)
	dir := t.TempDir()
	if err := layOutDemo(t.Context(), archive, dir, names); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "metadata.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var line picture
	if err := json.Unmarshal(text, &line); err != nil { // exactly one line
		t.Fatalf("%v in %s", err, text)
	}
	if line.FileName != "1f600-grinning-face-smile.png" || line.Emoji != "😀" || line.Captions["de"] != "grinsendes Gesicht" || len(line.Captions) != 2 || len(line.Tags) != 2 {
		t.Errorf("line %+v", line)
	}
	file, err := os.Open(filepath.Join(dir, line.FileName))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	flat, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	for x, want := range []color.NRGBA{{255, 255, 255, 255}, {255, 127, 127, 255}, {255, 0, 0, 255}} {
		if got := color.NRGBAModel.Convert(flat.At(x, 0)); got != want {
			t.Errorf("pixel %d = %v, want %v", x, got, want)
		}
	}
}

// translucent is a picture of three pixels: invisible, half red and red.
func translucent(t *testing.T) string {
	t.Helper()
	picture := image.NewNRGBA(image.Rect(0, 0, 3, 1))
	for x, alpha := range []uint8{0, 128, 255} {
		picture.Set(x, 0, color.NRGBA{R: 255, A: alpha})
	}
	var data bytes.Buffer
	if err := png.Encode(&data, picture); err != nil {
		t.Fatal(err)
	}
	return data.String()
}

func packBrotli(t *testing.T, data []byte) string {
	t.Helper()
	var packed bytes.Buffer
	writer := brotli.NewWriter(&packed)
	if _, err := writer.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

func FuzzTar(f *testing.F) {
	var data bytes.Buffer
	archive := tar.NewWriter(&data)
	_ = archive.WriteHeader(&tar.Header{Name: "a/b", Size: 1, Typeflag: tar.TypeReg})
	_, _ = archive.Write([]byte("x"))
	_ = archive.Close()
	f.Add(data.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = eachInTar(bytes.NewReader(data), func(name string, content io.Reader) error {
			if !filepath.IsLocal(name) {
				t.Errorf("unsafe name %q", name)
			}
			return nil
		})
	})
}
