package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/internal/needs"
	"polylens/trainer/evaluate"
)

// evalNames are demo pictures by their code points, with names and a kind.
var evalNames = []struct{ codePoints, en, de, kind string }{
	{"1f34e", "red apple", "roter Apfel", "food"},
	{"1f418", "elephant", "Elefant", "animal"},
	{"1f98b", "butterfly", "Schmetterling", "animal"},
	{"1f345", "tomato", "Tomate", "food"},
	{"2602", "umbrella", "Regenschirm", "thing"},
	{"1f68c", "bus", "Bus", "thing"},
}

// evalPictures is a folder with these pictures and their sidecar.
func evalPictures(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	var sidecar, table strings.Builder
	table.WriteString("image,text,language,kind\n")
	for i, name := range evalNames {
		found, err := filepath.Glob(filepath.Join(needs.Demo(t), name.codePoints+"-*.png"))
		if err != nil || len(found) != 1 {
			t.Fatalf("%s: %v, %v", name.codePoints, found, err)
		}
		content, err := os.ReadFile(found[0])
		if err != nil {
			t.Fatal(err)
		}
		file := fmt.Sprintf("%d.png", i)
		writeFile(t, filepath.Join(folder, file), string(content))
		fmt.Fprintf(&sidecar, `{"file_name":%q,"captions":{"en":%q,"de":%q},"kind":%q}`+"\n", file, name.en, name.de, name.kind)
		fmt.Fprintf(&table, "%s,%s,en,%s\n", file, name.en, name.kind)
	}
	writeFile(t, filepath.Join(folder, "metadata.jsonl"), sidecar.String())
	writeFile(t, filepath.Join(folder, "pairs.csv"), table.String())
	return folder
}

// checkEval expects a line for each language and direction, and means at the end.
func checkEval(t *testing.T, text string, want ...string) []evaluate.Quality {
	t.Helper()
	for line := range strings.Lines(text) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		names := slices.Sorted(maps.Keys(fields))
		if !slices.Equal(names, []string{"direction", "language", "median_rank", "mrr", "n", "r1", "r10", "r5"}) {
			t.Errorf("fields %q", names)
		}
	}
	lines := objects[evaluate.Quality](t, text)
	var got []string
	for _, line := range lines {
		got = append(got, fmt.Sprintf("%s %s %d", line.Language, line.Direction, line.N))
		if line.Direction != evaluate.ZeroShot && (line.R5 < 0.8 || line.MRR < 0.5) {
			t.Errorf("6 pictures are not told apart: %+v", line)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("lines\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	return lines
}

func TestEvalPairs(t *testing.T) {
	needs.ONNXRuntime(t)
	needs.Demo(t)
	f, folder := newFolders(t), evalPictures(t)
	both := []string{"de text_to_image 6", "de image_to_text 6", "en text_to_image 6", "en image_to_text 6", "mean text_to_image 12", "mean image_to_text 12"}
	english := []string{"en text_to_image 6", "en image_to_text 6", "mean text_to_image 6", "mean image_to_text 6"}
	report := filepath.Join(t.TempDir(), "report.ndjson")
	folders := checkEval(t, f.succeed(t, "eval", "--pairs", folder, "--json", "--report", report), both...)
	lines := filepath.Join(folder, "lines.ndjson")
	sidecar, err := os.ReadFile(filepath.Join(folder, "metadata.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, lines, string(sidecar)+`{"file_name":"missing.png","text":"cannot be read"}`+"\n")
	if got := checkEval(t, f.succeed(t, "eval", "--pairs", lines, "--json", "--languages", "EN"), english...); got[0] != folders[2] {
		t.Errorf("a file of pairs gives %+v, a folder %+v", got[0], folders[2])
	}
	if got := checkEval(t, f.succeed(t, "eval", "--pairs", filepath.Join(folder, "pairs.csv"), "--json"), english...); got[0] != folders[2] {
		t.Errorf("a table gives %+v, a folder %+v", got[0], folders[2])
	}
	table := f.succeed(t, "eval", "--pairs", folder, "--languages", "de", "--baseline", report, "--max-drop", "1")
	if !strings.Contains(table, "+0.000 … +0.000") || strings.Contains(table, "en ") {
		t.Errorf("the same model differs from itself:\n%s", table)
	}
	differences := objects[evaluate.Difference](t, f.succeed(t, "eval", "--pairs", folder, "--baseline", report, "--json"))
	if len(differences) != 6 || differences[0].R5Interval == nil || differences[5].Language != evaluate.MeanLanguage {
		t.Errorf("differences %+v", differences)
	}
	for _, d := range differences {
		if d.R1 != 0 || d.MRR != 0 || d.MedianRank != 0 {
			t.Errorf("the same model differs from itself: %+v", d)
		}
	}
	f.fail(t, exitFailure, []string{"has a text or a label", "empty"}, "eval", "--pairs", emptyFolder(t))
	f.fail(t, exitFailure, []string{"no picture has a text in fr"}, "eval", "--pairs", folder, "--languages", "fr")
	f.fail(t, exitNotFound, []string{"no-model"}, "eval", "--pairs", folder, "--model", "no-model")
}

// TestEvalSplit: the parts of a split have every picture once.
func TestEvalSplit(t *testing.T) {
	needs.ONNXRuntime(t)
	needs.Demo(t)
	f, folder := newFolders(t), evalPictures(t)
	total := 0
	for _, part := range []string{"training", "validation", "test"} {
		lines := objects[evaluate.Quality](t, f.succeed(t, "eval", "--pairs", folder, "--languages", "en", "--split", part,
			"--split-seed", "3", "--split-shares", "0.3,0.3", "--json"))
		if n := lines[0].N; n < 1 || n > 5 {
			t.Errorf("%s has %d of 6 pictures", part, n)
		}
		total += lines[0].N
	}
	if total != len(evalNames) {
		t.Errorf("the parts have %d pictures, want %d", total, len(evalNames))
	}
	f.fail(t, exitUsage, []string{"shares"}, "eval", "--pairs", folder, "--split", "test", "--split-shares", "0.6,0.6")
}

func emptyFolder(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "empty")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	return folder
}

// TestEvalForgetting: a model that is worse than its baseline fails.
func TestEvalForgetting(t *testing.T) {
	needs.ONNXRuntime(t)
	needs.Demo(t)
	f := newFolders(t)
	report, pairs := filepath.Join(t.TempDir(), "report.ndjson"), filepath.Join(t.TempDir(), "wrong.ndjson")
	pictures, err := filepath.Glob(filepath.Join(needs.Demo(t), "1f40*.png"))
	if err != nil || len(pictures) < 10 {
		t.Fatal(pictures, err)
	}
	var wrong strings.Builder // each name is another picture's
	for i, picture := range pictures {
		fmt.Fprintf(&wrong, `{"image":%q,"captions":{"en":%q}}`+"\n", picture, filepath.Base(pictures[(i+3)%len(pictures)]))
	}
	writeFile(t, pairs, wrong.String())
	better := evaluate.Report{{Quality: evaluate.Quality{Language: "en", Direction: evaluate.TextToImage, N: len(pictures), R1: 1, R5: 1, R10: 1, MRR: 1, MedianRank: 1}}}
	var text strings.Builder
	if err := better.Write(&text); err != nil {
		t.Fatal(err)
	}
	writeFile(t, report, text.String())
	got := f.run(t, "eval", "--pairs", pairs, "--baseline", report, "--max-drop", "1")
	if got.code != exitFailure || !strings.Contains(got.stderr, "too much was forgotten: en lost") || !strings.Contains(got.stdout, "text_to_image") {
		t.Errorf("ended with %d: %s%s", got.code, got.stdout, got.stderr)
	}
	f.succeed(t, "eval", "--pairs", pairs, "--baseline", report, "--max-drop", "100")
}

func TestEvalClasses(t *testing.T) {
	needs.ONNXRuntime(t)
	needs.Demo(t)
	f, folder := newFolders(t), evalPictures(t)
	classes := filepath.Join(t.TempDir(), "classes.ndjson")
	writeFile(t, classes, `{"label":"food","prompts":{"en":["apple","tomato"],"de":["Apfel","Tomate"]}}
{"label":"animal","prompts":{"en":["elephant","butterfly"],"de":["Elefant","Schmetterling"]}}
{"label":"thing","prompts":{"en":["umbrella","bus"]}}
{"templates":{"de":["{}","ein Bild: {}"]}}
`)
	lines := checkEval(t, f.succeed(t, "eval", "--pairs", folder, "--languages", "de,en", "--classes", classes, "--label", "kind", "--json"),
		"de text_to_image 6", "de image_to_text 6", "en text_to_image 6", "en image_to_text 6", "de zero_shot 4", "en zero_shot 6",
		"mean text_to_image 12", "mean image_to_text 12", "mean zero_shot 10")
	if en := lines[5]; en.R1 < 0.6 || en.R5 != 1 {
		t.Errorf("6 pictures of 3 classes: %+v", en)
	}
	plain := filepath.Join(t.TempDir(), "classes.txt")
	writeFile(t, plain, "food\nanimal\nthing\n")
	labels := filepath.Join(folder, "labels.csv")
	writeFile(t, labels, "image,label\n0.png,food\n1.png,animal\n")
	checkEval(t, f.succeed(t, "eval", "--pairs", labels, "--classes", plain, "--template", "a picture of {}, drawn", "--json"),
		"und zero_shot 2", "mean zero_shot 2")
	f.fail(t, exitFailure, []string{"no picture is labelled with one of the 3 classes"}, "eval", "--pairs", folder, "--classes", plain)
}

// TestEvalCollection: the vectors of a collection, whether compared with all or
// searched in the index, give what its pictures give when they are encoded again.
func TestEvalCollection(t *testing.T) {
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	needs.Demo(t)
	f, folder := newFolders(t), evalPictures(t)
	f.succeed(t, "index", folder, "--collection", "six")
	want := []string{"de text_to_image 6", "de image_to_text 6", "en text_to_image 6", "en image_to_text 6", "mean text_to_image 12", "mean image_to_text 12"}
	anew := checkEval(t, f.succeed(t, "eval", "--pairs", folder, "--json"), want...)
	for _, flags := range [][]string{nil, {"--through-index"}} {
		got := checkEval(t, f.succeed(t, append([]string{"eval", "--collection", "six", "--json"}, flags...)...), want...)
		if !slices.Equal(got, anew) {
			t.Errorf("%v gives %+v, pairs %+v", flags, got, anew)
		}
	}
	f.fail(t, exitNotFound, []string{`collection not found: "none"`}, "eval", "--collection", "none")
	f.fail(t, exitFailure, []string{"no picture has a text in fr"}, "eval", "--collection", "six", "--languages", "fr")
}

func TestEvalUsage(t *testing.T) {
	f := newFolders(t)
	classes := filepath.Join(t.TempDir(), "classes.txt")
	writeFile(t, classes, "one\ntwo\n")
	for _, test := range []struct {
		words     []string
		arguments []string
	}{
		{[]string{"--through-index"}, []string{"--pairs", ".", "--through-index"}},
		{[]string{"--split needs --pairs"}, []string{"--split", "test"}},
		{[]string{"--split"}, []string{"--split", "half", "--pairs", "."}},
		{[]string{"--split-shares: 1 numbers"}, []string{"--split", "test", "--pairs", ".", "--split-shares", "0.5"}},
		{[]string{"--max-drop needs --baseline"}, []string{"--max-drop", "1"}},
		{[]string{"--max-drop 101"}, []string{"--max-drop", "101", "--baseline", "x"}},
		{[]string{"--template needs --classes"}, []string{"--template", "a {}"}},
		{[]string{`"a, b" has no {}`}, []string{"--template", "a, b", "--classes", classes}},
		{[]string{"--classes", "/no/such"}, []string{"--classes", "/no/such"}},
		{[]string{"--baseline", "/no/such"}, []string{"--baseline", "/no/such"}},
		{[]string{"--pairs", "/no/such"}, []string{"--pairs", "/no/such"}},
	} {
		f.fail(t, exitUsage, test.words, append([]string{"eval"}, test.arguments...)...)
	}
	writeFile(t, classes, "one\n")
	f.fail(t, exitFailure, []string{classes, "there are 1"}, "eval", "--classes", classes)
	f.fail(t, exitFailure, []string{classes, "object 1"}, "eval", "--baseline", classes)
}
