package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"polylens/app/judge"
	"polylens/encoder"
	"polylens/encoder/gate"
	"polylens/internal/needs"
)

// gateShape is what model gate --json prints, texts and numbers aside.
const gateShape = `{"model":"","file":"","fingerprint":"","precision":"","runtime":"","time":"",` +
	`"texts":{"count":0,"worst":0,"mean":0,"input":""},"pictures":{"count":0,"worst":0,"mean":0,"input":""},` +
	`"pairs":{"source":"","own":true,"texts":{"count":0,"worst":0,"mean":0,"input":""},"pictures":{"count":0,"worst":0,"mean":0,"input":""},` +
	`"lost":0,"language":"","recalls":[{"language":"","queries":0,"exact":0,"candidate":0,"mixed":0}]}}` + "\n"

// shapeOf empties the texts and numbers of a JSON object.
func shapeOf(text string) string {
	text = regexp.MustCompile(`:"(\\.|[^"\\])*"`).ReplaceAllString(text, `:""`)
	return regexp.MustCompile(`:-?[0-9][-+.eE0-9]*`).ReplaceAllString(text, `:0`)
}

// gateFolders have a cache of their own: verdicts are kept there.
func gateFolders(t *testing.T) folders {
	needs.ONNXRuntime(t)
	f := newFolders(t)
	f.env = []string{"POLYLENS_CACHE=" + t.TempDir(), "POLYLENS_PRECISION=", "POLYLENS_DEMO="}
	return f
}

func TestModelGateOfBundledModel(t *testing.T) {
	f := gateFolders(t)
	pictures := t.TempDir()
	drawFolder(t, pictures, 1, 6)
	text := f.succeed(t, "model", "gate", "--pairs", pictures, "--json")
	if got := shapeOf(text); got != gateShape {
		t.Errorf("model gate --json has the shape\n%s, want\n%s", got, gateShape)
	}
	outcome := objects[gateOutcome](t, text)[0]
	if !outcome.Passed() || outcome.Precision != encoder.INT8 || outcome.Texts.Worst < gate.LeastCosine || outcome.Pairs.Pictures.Count != 6 {
		t.Errorf("outcome %+v of %+v", outcome, outcome.Pairs)
	}
	if _, err := os.Stat(outcome.File); err != nil {
		t.Error("the verdict is not where it is said to be:", err)
	}
	// Six queries are too few, and those without a language have none.
	if recall := outcome.Pairs.Recalls[0]; recall.Language != judge.Undetermined || recall.Queries != 6 || recall.Judged() {
		t.Errorf("recall %+v", recall)
	}
	table := f.succeed(t, "model", "gate", "--pairs", pictures, "--precision", "fp16", "--limit", "4")
	for _, want := range []string{"built-in texts", "among 4 pictures", "not judged", "fp16 passed", filepath.Dir(outcome.File)} {
		if !strings.Contains(table, want) {
			t.Errorf("model gate lacks %q:\n%s", want, table)
		}
	}
}

// TestFailedGateIsHonoured: what failed on the user's own pairs is refused, with
// another ONNX Runtime too, until a run of the gate passes.
func TestFailedGateIsHonoured(t *testing.T) {
	f := gateFolders(t)
	outcome := objects[gateOutcome](t, f.succeed(t, "model", "gate", "--json"))[0]
	if outcome.Pairs != nil {
		t.Errorf("pairs %+v without a demo", outcome.Pairs)
	}
	f.succeed(t, "embed", "--precision", "int8", "--text", "a fish")
	failed := outcome.Verdict
	failed.Runtime = "0.1"
	failed.Pairs = &gate.Retrieval{Source: "photos", Own: true, Texts: failed.Texts, Pictures: failed.Pictures,
		Recalls: []gate.Recall{{Language: "en", Queries: 200, Exact: 0.5, Candidate: 0.4}}}
	failed.Judge()
	store := gate.Store{Folder: filepath.Dir(outcome.File)}
	if err := store.Write(failed); err != nil {
		t.Fatal(err)
	}
	f.fail(t, exitFailure, []string{"int8 did not pass", "photos", "10.00 points"}, "embed", "--precision", "int8", "--text", "a fish")
	f.succeed(t, "embed", "--text", "a fish")
	f.succeed(t, "model", "gate")
	f.succeed(t, "embed", "--precision", "int8", "--text", "a fish")
}

func TestModelGateUsage(t *testing.T) {
	f := newFolders(t)
	for _, test := range []struct {
		words     []string
		arguments []string
	}{
		{[]string{"--limit 0"}, []string{"--limit", "0"}},
		{[]string{"--precision fp32", "int8"}, []string{"--precision", "fp32"}},
		{[]string{"--precision"}, []string{"--precision", "int4"}},
	} {
		f.fail(t, exitUsage, test.words, append([]string{"model", "gate"}, test.arguments...)...)
	}
	help := f.succeed(t, "model", "gate", "--help")
	for _, want := range []string{"Examples:", "    polylens model gate", "at least 0.99", "at least 100 texts", "Exit codes: 0 success"} {
		if !strings.Contains(strings.Join(strings.Fields(help), " "), strings.Join(strings.Fields(want), " ")) {
			t.Errorf("model gate --help lacks %q", want)
		}
	}
	needs.ONNXRuntime(t)
	f.fail(t, exitUsage, []string{"--pairs", "/no/such"}, "model", "gate", "--pairs", "/no/such")
	f.fail(t, exitFailure, []string{"no picture in", "has a caption"}, "model", "gate", "--pairs", t.TempDir())
}
