package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"polylens/internal/needs"
	"polylens/web"
)

// TestNothingIsPassedOverInSilence indexes a folder with some of everything: the words,
// the numbers and the exit code say the same, and add up to what lies there.
func TestNothingIsPassedOverInSilence(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	f := newFolders(t)
	pictures := t.TempDir()
	empty := f.succeed(t, "index", pictures, "--collection", "c")
	if !strings.Contains(empty, pictures+" is empty") {
		t.Errorf("of an empty folder it says %q", empty)
	}
	for name, from := range map[string]string{"phone.HEIC": "orientation1.heic", "web.avif": "orientation1.avif", "no extension": "orientation1.heic", "named.jpg": "orientation1.heic", "saved.txt": "orientation1.avif"} {
		data, err := os.ReadFile(filepath.Join("../indexer/decode/testdata", from))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(pictures, name), string(data))
	}
	drawPicture(t, pictures, "drawn.PNG", 1)
	drawPicture(t, pictures, "drafts/draft.png", 2)
	for name, text := range map[string]string{
		"drawn.PNG.json": `{"tags":["a"]}`, "notes.txt": "some text", "clip.mov": "\x00\x00\x00\x14ftypqt  ", "new.jxl": "\xff\x0a", "raw.dng": "II*\x00\x08\x00\x00\x00",
		"@eaDir/drawn.PNG/thumb.jpg": "", ".DS_Store": "", "lost.jpg.json": "{}",
	} {
		writeFile(t, filepath.Join(pictures, name), text)
	}
	if err := os.Symlink("/nowhere/at/all", filepath.Join(pictures, "link.png")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(pictures, "pipe.jpg"), 0o600); err != nil {
		t.Fatal(err)
	}
	all := f.index(t, pictures)
	p := all.Progress
	if p.Indexed != 7 || p.Failed != 0 || p.Files.Seen != 17 || p.Files.Metadata != 2 || total(p.Files.Others) != 4 || total(p.Files.Excluded) != 2 || total(p.Files.Unusable) != 2 {
		t.Errorf("got %+v", p)
	}
	for _, kind := range []string{"video", "JPEG XL", "camera's raw file", "text"} {
		if p.Files.Others[kind] != 1 {
			t.Errorf("%d files are %s, want one: %v", p.Files.Others[kind], kind, p.Files.Others)
		}
	}
	if len(all.Failures) != 0 || len(all.Warnings) != 3 {
		t.Errorf("failures %v, warnings %v", all.Failures, all.Warnings)
	}

	writeFile(t, filepath.Join(pictures, "broken.jpg"), "no picture")
	drawPicture(t, pictures, ".hidden.png", 3)
	broken := f.run(t, "index", pictures, "--collection", "c")
	if broken.code != exitIncomplete || !strings.Contains(broken.stderr, "1 picture could not be read") || !strings.Contains(broken.stderr, "broken.jpg: unknown format") {
		t.Errorf("with a broken picture it ends with %d: %s", broken.code, broken.stderr)
	}
	with := f.run(t, "index", pictures, "--collection", "c", "--exclude", "drafts/", "--exclude", "!.DS_Store", "--no-hidden")
	for _, want := range []string{
		"c: 7 pictures, 0 new or changed, 6 unchanged, 2 removed, 1 could not be read", "4 files are no pictures that Polylens reads: 1 JPEG XL, 1 camera's raw file, 1 text, 1 video",
		"2 files with metadata or rules", "4 files or folders left out by rules: 2 hidden, 1 @eaDir, 1 exclude drafts/", "2 files or folders not used: 1 link not followed, 1 pipe, socket or device",
		"1 warning: 1 about metadata",
	} {
		if !strings.Contains(with.stdout, want) {
			t.Errorf("it does not say %q, but\n%s", want, with.stdout)
		}
	}
	if with.code != exitIncomplete {
		t.Errorf("exit code %d", with.code)
	}
	listed := objects[web.FileFailed](t, f.succeed(t, "collection", "failures", "c", "--kind", "other,picture", "--json"))
	if len(listed) != 5 || listed[0].Kind != "picture" || listed[1].Reason != "video" {
		t.Errorf("listed %v", listed)
	}
	f.fail(t, exitUsage, []string{"include", "matches nothing"}, "index", pictures, "--collection", "c", "--include", "# none")
	f.fail(t, exitNotFound, []string{"nothing"}, "collection", "failures", "nothing")
}
