package main

import (
	"archive/tar"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/app/judge"
	"polylens/internal/needs"
	"polylens/trainer/data/inspect"
	"polylens/trainer/evaluate"
)

// pairsForms writes the same three pictures in every form that pairs have.
func pairsForms(t *testing.T) map[string]string {
	t.Helper()
	folder := t.TempDir()
	drawFolder(t, folder, 1, 3)
	var lines, table strings.Builder
	table.WriteString("image,text,language\n")
	shard := filepath.Join(t.TempDir(), "0.tar")
	file, err := os.Create(shard)
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewWriter(file)
	member := func(name string, content []byte) {
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		picture := filepath.Join(folder, fmt.Sprintf("picture-%03d.png", i+1))
		fmt.Fprintf(&lines, `{"image":%q,"captions":{"en":"number %d"}}`+"\n", picture, i)
		fmt.Fprintf(&table, "%s,number %d,en\n", picture, i)
		content, err := os.ReadFile(picture)
		if err != nil {
			t.Fatal(err)
		}
		member(fmt.Sprintf("%d.png", i), content)
		member(fmt.Sprintf("%d.en.txt", i), fmt.Appendf(nil, "number %d", i))
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	file.Close()
	forms := map[string]string{"folder": folder, "shard": shard}
	for name, content := range map[string]string{"pairs.ndjson": lines.String(), "pairs.csv": table.String(), "pairs.tsv": strings.ReplaceAll(table.String(), ",", "\t")} {
		forms[name] = filepath.Join(t.TempDir(), name)
		writeFile(t, forms[name], content)
	}
	return forms
}

// TestPairsInEveryForm: eval, model gate and train read the same.
func TestPairsInEveryForm(t *testing.T) {
	f := gateFolders(t)
	for name, path := range pairsForms(t) {
		t.Run(name, func(t *testing.T) {
			if got := objects[evaluate.Quality](t, f.succeed(t, "eval", "--pairs", path, "--json")); got[0].N != 3 {
				t.Errorf("eval: %+v, want 3 queries", got[0])
			}
			outcome := objects[gateOutcome](t, f.succeed(t, "model", "gate", "--pairs", path, "--json"))[0]
			if outcome.Pairs.Source != path || !outcome.Pairs.Own || outcome.Pairs.Pictures.Count != 3 || outcome.Pairs.Recalls[0].Queries != 3 {
				t.Errorf("model gate: %+v, want 3 pictures and queries", outcome.Pairs)
			}
			report := objects[inspect.Report](t, f.succeed(t, "train", "--pairs", path, "--guard", "none", "--inspect", "--json"))[0]
			if report.Pictures != 3 || report.Pairs != 3 {
				t.Errorf("train: %d pictures, %d pairs, want 3", report.Pictures, report.Pairs)
			}
		})
	}
}

// TestPairsThatCannotBeRead: the three commands say the same about them.
func TestPairsThatCannotBeRead(t *testing.T) {
	f, folder := gateFolders(t), t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(folder, name)
		writeFile(t, path, content)
		return path
	}
	commands := map[string][]string{"eval": {"eval"}, "gate": {"model", "gate"}, "train": {"train", "--name", "bad", "--guard", "none", "--inspect"}}
	for name, test := range map[string]struct {
		path string
		code int
		want []string
	}{
		"missing":     {filepath.Join(folder, "missing.csv"), exitUsage, []string{"missing.csv", "no such file"}},
		"no columns":  {write("columns.csv", "a,b\n1,2\n"), exitFailure, []string{"columns.csv:1", "image"}},
		"no archive":  {write("no.tar", strings.Repeat("no tar", 200)), exitFailure, []string{"no.tar", "tar"}},
		"not a line":  {write("long.ndjson", strings.Repeat("x", 1<<20+1)), exitFailure, []string{"long.ndjson:1", "end each object with a line break"}},
		"not a table": {write("quotes.csv", "image,text\na.png,\"open\n"), exitFailure, []string{"quotes.csv:2"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, command := range commands {
				f.fail(t, test.code, test.want, append(slices.Clone(command), "--pairs", test.path)...)
			}
		})
	}
	// A line that is wrong is named, and the others are used.
	lines := write("one.ndjson", `{"image":"a.png","text":"a"}`+"\n"+`{"text":"no picture"}`+"\n")
	drawPicture(t, folder, "a.png", 1)
	for name, command := range commands {
		got := f.run(t, append(slices.Clone(command), "--pairs", lines)...)
		if !strings.Contains(got.stdout+got.stderr, "one.ndjson:2") || !strings.Contains(got.stdout+got.stderr, "no field says where the picture is") {
			t.Errorf("%s says nothing of line 2: %s%s", name, got.stdout, got.stderr)
		}
	}
}

// TestDemoPairs: the demo, called by its name, is judged in the languages of
// Crossmodal-3600 and does not count as the user's own.
func TestDemoPairs(t *testing.T) {
	needs.ONNXRuntime(t)
	needs.Demo(t)
	f := newFolders(t)
	f.env = []string{"POLYLENS_CACHE=" + t.TempDir()}
	for _, arguments := range [][]string{{"--pairs", "demo"}, nil} {
		outcome := objects[gateOutcome](t, f.succeed(t, append([]string{"model", "gate", "--limit", "4", "--json"}, arguments...)...))[0]
		if outcome.Pairs.Source != "the demo" || outcome.Pairs.Own || outcome.Pairs.Pictures.Count != 4 || len(outcome.Pairs.Recalls) < 30 {
			t.Errorf("%v: %+v", arguments, outcome.Pairs)
		}
	}
	f.env = append(f.env, "POLYLENS_DEMO=")
	for _, command := range [][]string{{"eval"}, {"model", "gate"}} {
		f.fail(t, exitNotSetUp, []string{"demo", "polylens setup"}, append(command, "--pairs", "demo")...)
	}
}

func TestGatePairs(t *testing.T) {
	folder := t.TempDir()
	drawFolder(t, folder, 1, 5)
	drawPicture(t, folder, "silent.png", 9)
	writeFile(t, filepath.Join(folder, "pairs.ndjson"), `{"image":"silent.png","captions":{"de":"ein Bild","en":"a picture"}}`)
	p := newProgram(globals{}, terminal{out: io.Discard, err: io.Discard}, slog.New(slog.DiscardHandler))
	for name, test := range map[string]struct {
		path      string
		limit     int
		pictures  []string
		languages []string
	}{
		"folder": {folder, 100, []string{"picture-001.png", "picture-002.png", "picture-003.png", "picture-004.png", "picture-005.png"}, []string{"und"}},
		"limit":  {folder, 2, []string{"picture-001.png", "picture-003.png"}, []string{"und"}},
		"file":   {filepath.Join(folder, "pairs.ndjson"), 100, []string{"silent.png"}, []string{"de", "en"}},
	} {
		command := modelGateCommand{Pairs: test.path, Limit: test.limit}
		pairs, err := command.pairs(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, picture := range pairs.Pictures {
			names = append(names, picture.Name())
		}
		set, err := evaluate.NewSet(judge.NewMaterial(pairs.Pictures, nil, nil).Pictures, pairs.Languages)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(names, test.pictures) || !slices.Equal(set.Languages(), test.languages) || !pairs.Own || pairs.Source != test.path {
			t.Errorf("%s: %v in %v of %q", name, names, set.Languages(), pairs.Source)
		}
	}
}
