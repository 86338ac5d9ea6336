package ignore

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "ask git anew")

// excluded judges a path as a walk does, which does not look into what is excluded.
func excluded(list List, name string) bool {
	parts := strings.Split(name, "/")
	for i := range parts {
		p := list.Match(strings.Join(parts[:i+1], "/"), i < len(parts)-1)
		if p != nil && !p.Negated() {
			return true
		}
	}
	return false
}

// verdict is what git says of files that the lines of a .gitignore are asked about.
type verdict struct {
	Lines   []string
	Files   []string
	Ignored []string
}

// said are lines that people write and that the manual explains.
var said = [][]string{
	{"*.tmp", "!keep.tmp"}, {"/top.png"}, {"folder/"}, {"a/**/b"}, {"**/deep"}, {"deep/**"}, {"a/*"}, {"[!a]*"},
	{"trailing  "}, {`space\ `}, {`\#hash`}, {`\!bang`}, {"# comment"}, {"a/b/"}, {"*", "!*/", "!*.png"}, {"folder", "!folder/x.png"},
	{"[[:digit:]]*"}, {"[]-]*"}, {`[\]]`}, {"[a-"}, {`back\`}, {"a**b"}, {"/**"}, {"***/x.png"}, {"a//b"}, {"/"}, {"!"}, {"**"},
	{"[z-a]"}, {"a[/]b"}, {"a?b"}, {"[^x]1"}, {`\*.tmp`}, {"x.png/"}, {"./x.png"}, {"../x.png"}, {"[[:none:]]"}, {"[[:upper:]]"}, {`[a\-c]`}, {"a[[:punct:]]b"}, {"a[[:graph:]]b"}, {"a[+-9]b"}, {"[/]"},
}

var asked = []string{
	"x.png", "x.tmp", "keep.tmp", "top.png", "sub/top.png", "folder/x.png", "sub/folder/x.png", "folder", "a/b", "a/c/b", "a/c/d/b", "a/b/x.png",
	"deep/x.png", "c/deep/x.png", "1.png", "-", "]", "]x", "trailing", "trailing  ", "space ", "space", "#hash", "!bang", "axb", "a-b", "ab",
	"a1", "x1", "back", `back\`, "*.tmp", "X", "z", "a", "b", "c", "# comment", "[a-", "!",
}

var (
	atoms = []string{"a", "b", "ab", "*", "?", "**", "[ab]", "[!a]", "[^a]", "/", "/", "/", `\*`, `\a`, " ", `\ `, "!", "#", "a*", "*.x", ".x", "[a-c]", "[[:alpha:]]", "[]a]", "[a"}
	parts = []string{"a", "b", "ab", "a.x", "b.x", "c", "*", " ", "a ", "!", "#a", "[a", "]"}
)

// questions are what people write, and random lines about random files.
func questions() []verdict {
	random := rand.New(rand.NewSource(1))
	join := func(from []string, most int, with string) string {
		var taken []string
		for range 1 + random.Intn(most) {
			taken = append(taken, from[random.Intn(len(from))])
		}
		return strings.Join(taken, with)
	}
	var all []verdict
	for _, lines := range said {
		all = append(all, verdict{Lines: lines, Files: asked})
	}
	for range 300 {
		v := verdict{Lines: []string{join(atoms, 5, ""), join(atoms, 5, "")}}
		for range 30 {
			v.Files = append(v.Files, join(parts, 3, "/"))
		}
		all = append(all, v)
	}
	return all
}

func askGit(t *testing.T, v verdict) []string {
	t.Helper()
	folder := t.TempDir()
	if out, err := exec.Command("git", "init", "-q", folder).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.WriteFile(filepath.Join(folder, ".gitignore"), []byte(strings.Join(v.Lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("git", "-C", folder, "-c", "core.excludesFile=", "check-ignore", "--no-index", "--stdin", "-z")
	command.Stdin = strings.NewReader(strings.Join(v.Files, "\x00") + "\x00")
	out, err := command.Output()
	if exit, ok := err.(*exec.ExitError); err != nil && (!ok || exit.ExitCode() != 1) {
		t.Fatal(err)
	}
	ignored := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	return slices.DeleteFunc(ignored, func(name string) bool { return name == "" })
}

// TestGit compares with what git 2 said of the same lines and files, which is kept in
// testdata: run it with -update to ask git anew.
func TestGit(t *testing.T) {
	const golden = "testdata/git.json"
	if *update {
		all := questions()
		for i := range all {
			all[i].Ignored = askGit(t, all[i])
		}
		data, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, append(bytes.ReplaceAll(data, []byte("},"), []byte("},\n")), '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var all []verdict
	if err := json.Unmarshal(data, &all); err != nil || len(all) < 300 {
		t.Fatalf("%d questions, %v", len(all), err)
	}
	ignored := 0
	for _, v := range all {
		list, err := Parse([]byte(strings.Join(v.Lines, "\n")))
		if err != nil {
			t.Fatal(err)
		}
		ignored += len(v.Ignored)
		for _, name := range v.Files {
			if got, want := excluded(list, name), slices.Contains(v.Ignored, name); got != want {
				t.Errorf("lines %q, file %q: excluded %v, git says %v", v.Lines, name, got, want)
			}
		}
	}
	if ignored < 500 {
		t.Errorf("only %d files are ignored: the questions say little", ignored)
	}
}

func TestNamesAreCharacters(t *testing.T) {
	for _, test := range []struct{ line, name string }{
		{"gr?n.png", "grün.png"}, {"gr\u00fcn.png", "gru\u0308n.png"}, {"gru\u0308n*", "gr\u00fcn.png"}, {"[ä-ü].png", "ö.png"}, {"x\xff*", "x\xffy"},
	} {
		list, err := Parse([]byte(test.line))
		if err != nil || list.Match(test.name, false) == nil {
			t.Errorf("%q does not match %q (%v)", test.line, test.name, err)
		}
	}
	list, err := Parse([]byte("\ufeffa.png\r\nb.png\r\n"))
	if err != nil || list.Match("a.png", false) == nil || list.Match("b.png", false) == nil {
		t.Errorf("a list from Windows matches nothing: %v, %v", list, err)
	}
}

func TestLimits(t *testing.T) {
	for _, text := range []string{strings.Repeat("a", MaxPattern+1), strings.Repeat("a\n", MaxText/2) + "a"} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%d bytes in %d lines are taken", len(text), strings.Count(text, "\n")+1)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, lines := range said {
		f.Add(strings.Join(lines, "\n"), "a/b.png")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		list, err := Parse([]byte(text))
		if err != nil {
			return
		}
		if len(list) > strings.Count(text, "\n")+1 {
			t.Errorf("%d patterns in %q", len(list), text)
		}
		file, folder := list.Match(name, false), list.Match(name, true)
		if file != nil && folder == nil {
			t.Errorf("%q matches the file %q and no folder of that name", file, name)
		}
		for _, p := range list {
			again, ok, err := ParsePattern(p.String())
			if err != nil || !ok || again.Negated() != p.Negated() || (List{again}.Match(name, true) == nil) != (List{p}.Match(name, true) == nil) {
				t.Errorf("%q reads as another pattern than where it stood", p)
			}
		}
	})
}
