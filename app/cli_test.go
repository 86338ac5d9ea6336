package main

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"polylens/app/doctor"
	"polylens/internal/needs"
)

var commands = []string{"serve", "index", "search", "embed", "tokenize", "eval", "model list", "model pull", "model info",
	"model verify", "model rm", "model gate", "model new", "model prune-vocabulary", "model grow-vocabulary", "bench encode", "prune", "setup", "doctor",
	"check", "collection list", "collection failures", "collection delete", "job list", "job show", "job cancel", "job pause", "job resume", "job retry"}

func TestHelp(t *testing.T) {
	f := newFolders(t)
	text := f.succeed(t, "--help")
	for _, command := range commands {
		if !strings.Contains(text, command) {
			t.Errorf("the help does not name %q", command)
		}
		help := f.succeed(t, append(strings.Fields(command), "--help")...)
		for _, want := range []string{"Examples:", "    polylens " + command, "Exit codes: 0 success", "POLYLENS_DATA"} {
			if !strings.Contains(help, want) {
				t.Errorf("%s --help lacks %q", command, want)
			}
		}
	}
	if _, err := os.Stat(f.data); err == nil {
		t.Error("help has made a data folder")
	}
}

func TestVersion(t *testing.T) {
	if got := newFolders(t).succeed(t, "--version"); got != version()+"\n" {
		t.Errorf("version %q", got)
	}
}

func TestUsageErrors(t *testing.T) {
	f := newFolders(t)
	for _, test := range []struct {
		words     []string
		arguments []string
	}{
		{[]string{"expected one of"}, nil},
		{[]string{"unexpected argument", "dance", "see polylens --help"}, []string{"dance"}},
		{[]string{"unexpected argument", "dance", "see polylens job --help"}, []string{"job", "dance", "1"}},
		{[]string{"expected one of", "see polylens model --help"}, []string{"model"}},
		{[]string{"unknown flag", "--fast", "polylens serve --help"}, []string{"serve", "--fast"}},
		{[]string{"unknown flag", "--fast", "see polylens model pull --help"}, []string{"model", "pull", "a", "--fast"}},
		{[]string{"unknown flag", "--fast", "see polylens search --help"}, []string{"--log-level", "debug", "search", "a", "--fast"}},
		{[]string{"unknown flag", "--fast", "see polylens --help"}, []string{"--fast", "serve"}},
		{[]string{"<query>"}, []string{"search", "--collection", "c"}},
		{[]string{"--collection"}, []string{"search", "a fish"}},
		{[]string{"--limit 0", "1 to 1000"}, []string{"search", "a fish", "--collection", "c", "--limit", "0"}},
		{[]string{"--limit"}, []string{"search", "a fish", "--collection", "c", "--limit", "many"}},
		{[]string{"/no/such/folder"}, []string{"index", "/no/such/folder", "--collection", "c"}},
		{[]string{"collection name"}, []string{"index", ".", "--collection", "two words"}},
		{[]string{"--text or --image"}, []string{"embed"}},
		{[]string{"--dense", "--json"}, []string{"embed", "--dense", "--image", "fish.jpg"}},
		{[]string{"--dense", "--image"}, []string{"embed", "--dense", "--json", "--text", "a fish"}},
		{[]string{"--length"}, []string{"tokenize", "--length", "0"}},
		{[]string{"--threads"}, []string{"doctor", "--threads", "-1"}},
		{[]string{"--log-level"}, []string{"doctor", "--log-level", "loud"}},
		{[]string{"no item", "onnxruntime"}, []string{"setup", "--only", "everything"}},
		{[]string{"--json", "--print-env"}, []string{"setup", "--json", "--print-env"}},
		{[]string{"--limit 1001", "1 to 1000"}, []string{"job", "list", "--limit", "1001"}},
		{[]string{"--state", "queued"}, []string{"job", "list", "--state", "sleeping"}},
		{[]string{"--kind", "rebuild"}, []string{"job", "list", "--kind", "bake"}},
		{[]string{"<id>"}, []string{"job", "show"}},
		{[]string{"--repair", "--rebuild"}, []string{"check", "--repair", "--rebuild"}},
		{[]string{"--database", "postgres://"}, []string{"job", "list", "--database", "catalogue.db"}},
		{[]string{"--addr", "missing port"}, []string{"serve", "--addr", "8080"}},
	} {
		f.fail(t, exitUsage, test.words, test.arguments...)
	}
}

func TestNotSetUp(t *testing.T) {
	f := newFolders(t)
	f.env = []string{"POLYLENS_CACHE=" + t.TempDir(), "POLYLENS_ONNXRUNTIME=", "POLYLENS_MILVUS=", "POLYLENS_DEMO=", "POLYLENS_CLDR="}
	folder := t.TempDir()
	for _, arguments := range [][]string{
		{"embed", "--text", "a fish"}, {"search", "a fish", "--collection", "c"}, {"index", folder, "--collection", "c"},
		{"serve", "--addr", "127.0.0.1:0"}, {"eval"},
	} {
		f.fail(t, exitNotSetUp, []string{"onnxruntime", "polylens setup", "--onnxruntime"}, arguments...)
	}
	got := f.run(t, "doctor", "--json")
	if got.code != exitNotSetUp {
		t.Errorf("doctor ended with %d: %s", got.code, got.stderr)
	}
	problems := 0
	for _, found := range objects[doctor.Finding](t, got.stdout) {
		if found.State == doctor.Problem {
			problems++
			if found.Remedy == "" {
				t.Errorf("no remedy in %+v", found)
			}
		}
	}
	if problems < 4 {
		t.Errorf("the doctor found %d problems where nothing is set up: %s", problems, got.stdout)
	}
}

func TestTokenize(t *testing.T) {
	f := newFolders(t)
	got := f.runWith(t, strings.NewReader("A red fish\n\nрыба <b>&amp;\n"), "tokenize", "--json")
	type line struct {
		Text string
		IDs  []int64
	}
	lines := objects[line](t, got.stdout)
	if len(lines) != 3 || lines[0].Text != "A red fish" || lines[1].Text != "" || lines[2].Text != "рыба <b>&amp;" {
		t.Fatalf("tokenize answers %q %q", got.stdout, got.stderr)
	}
	for _, line := range lines {
		if len(line.IDs) != 64 || line.IDs[63] != 0 {
			t.Errorf("%q has ids %v", line.Text, line.IDs)
		}
	}
	short := f.runWith(t, strings.NewReader("a red fish\n"), "tokenize", "--length", "3")
	if fields := strings.Fields(short.stdout); len(fields) != 3 {
		t.Errorf("tokenize --length 3 answers %q %q", short.stdout, short.stderr)
	}
	got = f.runWith(t, strings.NewReader(strings.Repeat("x", maxLine+1)), "tokenize")
	checkFailure(t, got, exitFailure, []string{"standard input"}, []string{"tokenize"})
	for text, says := range map[string]string{"red\nbl\xfcue\n": "UTF-8", "red\nblue\x00\n": "zero character"} {
		got = f.runWith(t, strings.NewReader(text), "tokenize")
		checkFailure(t, got, exitFailure, []string{"standard input, line 2", says}, []string{"tokenize"})
	}
}

// What looks the same has the same vector, and what is no text has none.
func TestEmbedTakesTextsAsPeopleSeeThem(t *testing.T) {
	needs.ONNXRuntime(t)
	f := newFolders(t)
	lines := objects[embedLine](t, f.succeed(t, "embed", "--json", "--text", "red apple", "--text", "\ufeff\u00a0ｒｅｄ\u200b  app\u00adle\n", "--text", "green apple"))
	if same, other := cosineOf(lines[0].Embedding, lines[1].Embedding), cosineOf(lines[0].Embedding, lines[2].Embedding); same < 0.99999 || other > 0.999 {
		t.Errorf("the cosine of what looks the same is %v, of another text %v", same, other)
	}
	f.fail(t, exitUsage, []string{"argument 3", "UTF-8"}, "embed", "--text", "gr\xf6\xdfer")
	f.fail(t, exitUsage, []string{"argument 2", "UTF-8"}, "search", "gr\xf6\xdfer", "--collection", "x")
}

func TestEmbed(t *testing.T) {
	needs.ONNXRuntime(t)
	f := newFolders(t)
	red, blue := drawPicture(t, t.TempDir(), "red, with comma.png", 1), drawPicture(t, t.TempDir(), "blue.jpg", 2)
	type line struct {
		Kind, Input string
		Embedding   []float64
	}
	got := objects[line](t, f.succeed(t, "embed", "--json", "--text", "one, two", "--image", red, "--text=-three-", "--image", blue, "--image", red))
	want := []embedInput{{kindText, "one, two"}, {kindImage, red}, {kindText, "-three-"}, {kindImage, blue}, {kindImage, red}}
	if len(got) != len(want) {
		t.Fatalf("%d vectors, want %d", len(got), len(want))
	}
	for i, one := range got {
		if one.Kind != want[i].kind || one.Input != want[i].value {
			t.Errorf("line %d is %s %q, want %v", i, one.Kind, one.Input, want[i])
		}
		length := 0.0
		for _, x := range one.Embedding {
			length += x * x
		}
		if math.Abs(length-1) > 1e-5 {
			t.Errorf("line %d has length %f", i, math.Sqrt(length))
		}
	}
	f.fail(t, exitFailure, []string{"image", "/no/such.png"}, "embed", "--image", "/no/such.png")
}

func TestModels(t *testing.T) {
	f := newFolders(t)
	broken := filepath.Join(f.data, "models", "broken")
	writeFile(t, filepath.Join(broken, "config.json"), "{")
	lines := objects[modelLine](t, f.succeed(t, "model", "list", "--json"))
	if len(lines) != 2 || lines[0].Name != "broken" || lines[0].Problem == "" || lines[1].Name != bundledModel || len(lines[1].Fingerprint) != 64 {
		t.Errorf("models %+v", lines)
	}
	if text := f.succeed(t, "model", "list"); !strings.Contains(text, "usable") {
		t.Errorf("models %q", text)
	}
	info, err := os.Stat(f.data)
	if err != nil || info.Mode().Perm() != 0o700 && runtime.GOOS == "linux" {
		t.Logf("data folder %v, %v", info, err) // made by the test itself
	}
}

func TestSetupPrints(t *testing.T) {
	f := newFolders(t)
	library := filepath.Join(t.TempDir(), "it's here")
	writeFile(t, library, "not a library")
	got := f.succeed(t, "setup", "--only", "onnxruntime", "--onnxruntime", library, "--json")
	if want := `{"item":"onnxruntime","version":"1.32.0","path":"` + library + `","env":"POLYLENS_ONNXRUNTIME","source":"given"}` + "\n"; got != want {
		t.Errorf("setup --json prints %q, want %q", got, want)
	}
	got = f.succeed(t, "setup", "--only", "onnxruntime", "--onnxruntime", library, "--print-env")
	if want := "export POLYLENS_ONNXRUNTIME='" + strings.ReplaceAll(library, "'", `'\''`) + "'\n"; got != want {
		t.Errorf("setup --print-env prints %q, want %q", got, want)
	}
	f.fail(t, exitFailure, []string{"milvus given as /no/such/folder"}, "setup", "--only", "milvus", "--milvus", "/no/such/folder")
	if got := f.run(t, "setup", "--only", "milvus", "--milvus", "localhost:19530"); got.code != 0 || !strings.Contains(got.stderr, "using the server at localhost:19530") {
		t.Errorf("setup with an address: %+v", got)
	}
}

func TestIsAddress(t *testing.T) {
	for value, want := range map[string]bool{
		"localhost:19530": true, "10.0.0.1:1": true, "[::1]:19530": true, "https://milvus.example.org": true, "http://h:1": true,
		"": false, "/opt/milvus": false, "milvus": false, "./a:1": false, "host:0": false, "host:70000": false, "host:http": false,
		"ftp://host": false, "C:/x": false, os.TempDir(): false,
	} {
		if got := isAddress(value); got != want {
			t.Errorf("isAddress(%q) = %v", value, got)
		}
	}
}

func TestDoctor(t *testing.T) {
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	needs.Demo(t)
	f := newFolders(t)
	got := f.run(t, "doctor", "--json")
	checks := map[string]doctor.Finding{}
	for _, found := range objects[doctor.Finding](t, got.stdout) {
		checks[found.Check] = found
	}
	for _, name := range []string{"onnxruntime", "milvus", "cldr", "demo", "runtime", "model", "isolation", "data", "catalogue", "disk-data", "memory", "processor"} {
		if checks[name].State == "" {
			t.Errorf("no check %q in %s", name, got.stdout)
		}
	}
	if got.code != exitSuccess {
		t.Errorf("doctor ended with %d: %s%s", got.code, got.stdout, got.stderr)
	}
}
