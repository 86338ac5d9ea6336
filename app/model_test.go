package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"polylens/encoder/hub"
)

const (
	hubModel  = "owner/mini"
	hubCommit = "0123456789abcdef0123456789abcdef01234567"
)

// serveHub is a hub that holds the bundled model, and takes the given time for
// each part of its weights.
func serveHub(t testing.TB, delay time.Duration) string {
	t.Helper()
	files := map[string][]byte{}
	entries, err := os.ReadDir(copyModel(t))
	if err != nil {
		t.Fatal(err)
	}
	dir := copyModel(t)
	var siblings []any
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(content)
		lfs := map[string]any{"sha256": hex.EncodeToString(sum[:]), "size": len(content)}
		siblings = append(siblings, map[string]any{"rfilename": entry.Name(), "size": len(content), "lfs": lfs})
		files["/"+hubModel+"/resolve/"+hubCommit+"/"+entry.Name()] = content
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, known := files[r.URL.Path]
		switch {
		case strings.HasPrefix(r.URL.Path, "/api/models/"+hubModel+"/revision/"):
			_ = json.NewEncoder(w).Encode(map[string]any{"sha": hubCommit, "siblings": siblings})
		case !known:
			http.NotFound(w, r)
		default:
			http.ServeContent(slowWriter{w, delay}, r, "", time.Time{}, strings.NewReader(string(content)))
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

type slowWriter struct {
	http.ResponseWriter
	delay time.Duration
}

func (w slowWriter) Write(content []byte) (int, error) {
	time.Sleep(w.delay)
	return w.ResponseWriter.Write(content)
}

// hubFolders are folders whose programs know only the hub at an address.
func hubFolders(t testing.TB, address string) folders {
	f := newFolders(t)
	f.env = []string{"HF_ENDPOINT=" + address, "HF_HOME=" + t.TempDir(), "HF_HUB_CACHE=", "HUGGINGFACE_HUB_CACHE=", "HF_TOKEN=", "HUGGING_FACE_HUB_TOKEN=", "HF_HUB_OFFLINE="}
	return f
}

func TestModelPull(t *testing.T) {
	f := hubFolders(t, serveHub(t, 0))
	if got := f.succeed(t, "model", "pull", hubModel); !strings.HasPrefix(got, hubModel+": ") || !strings.Contains(got, hubCommit[:12]) || strings.Count(got, "\n") != 1 {
		t.Errorf("pull prints %q", got)
	}
	var info modelDetails
	text := f.succeed(t, "model", "info", hubModel, "--json")
	if err := json.Unmarshal([]byte(text), &info); err != nil || info.Source != hubModel || info.Revision != hubCommit || info.Requested != "main" || info.Dimension != 192 || len(info.Files) != 6 {
		t.Errorf("info prints %s, %v", text, err)
	}
	if got := f.succeed(t, "model", "info", hubModel); !strings.Contains(got, "revision     "+hubCommit) || !strings.Contains(got, "model.safetensors") {
		t.Errorf("info prints %q", got)
	}
	lines := objects[modelLine](t, f.succeed(t, "model", "list", "--json"))
	if len(lines) != 2 || lines[0].Name != hubModel || lines[0].Fingerprint != lines[1].Fingerprint || lines[0].Revision != hubCommit {
		t.Errorf("listed are %+v", lines)
	}
	if got := f.succeed(t, "model", "list"); !strings.Contains(got, "REVISION") || !strings.Contains(got, hubCommit[:12]+" ") {
		t.Errorf("list prints %q", got)
	}
	got := f.runWith(t, strings.NewReader("a fish\n"), "tokenize", "--model", hubModel+"@main", "--json")
	if got.code != exitSuccess {
		t.Errorf("the pulled model: %s", got.stderr)
	}
}

func TestModelPullJSON(t *testing.T) {
	f := hubFolders(t, serveHub(t, time.Millisecond))
	text := f.succeed(t, "model", "pull", hubModel, "--revision", "v1", "--json")
	var last struct{ Name, Stage, Fingerprint string }
	stages := map[string]bool{}
	for each := range strings.Lines(text) {
		last.Stage = ""
		if err := json.Unmarshal([]byte(each), &last); err != nil {
			t.Fatalf("%q: %v", each, err)
		}
		stages[last.Stage] = true
	}
	if last.Name != hubModel || len(last.Fingerprint) != 64 || !stages[hub.StageList] || !stages[hub.StageFetch] || !stages[hub.StageReady] {
		t.Errorf("pull prints %s", text)
	}
}

func TestModelVerifyAndRm(t *testing.T) {
	f := hubFolders(t, serveHub(t, 0))
	f.succeed(t, "model", "pull", hubModel)
	if got := f.succeed(t, "model", "verify"); !strings.Contains(got, hubModel+": 7 files, intact") || !strings.Contains(got, bundledModel+": 6 files, intact") {
		t.Errorf("verify prints %q", got)
	}
	weights := filepath.Join(f.data, "models", hubModel, "model.safetensors")
	if err := os.Truncate(weights, 1000); err != nil {
		t.Fatal(err)
	}
	f.fail(t, exitFailure, []string{hubModel, "not intact", "model.safetensors", "polylens model pull " + hubModel}, "model", "verify", hubModel)
	f.succeed(t, "model", "pull", hubModel)
	verdicts := objects[modelVerdict](t, f.succeed(t, "model", "verify", hubModel, "--json"))
	if len(verdicts) != 1 || verdicts[0] != (modelVerdict{Name: hubModel, Files: 7}) {
		t.Errorf("verdicts %+v", verdicts)
	}
	own := copyModel(t)
	f.fail(t, exitFailure, []string{own, "verify --write"}, "model", "verify", own)
	f.succeed(t, "model", "verify", "--write", own)
	f.succeed(t, "model", "verify", own)

	f.fail(t, exitFailure, []string{"is kept", "--yes"}, "model", "rm", hubModel) // nobody answers
	if got := f.runWith(t, strings.NewReader("no\n"), "model", "rm", hubModel); got.code != exitFailure || !strings.Contains(got.stderr, "is kept") {
		t.Errorf("rm ended with %+v", got)
	}
	if got := f.runWith(t, strings.NewReader("y\n"), "model", "rm", hubModel); got.code != exitSuccess || !strings.Contains(got.stderr, "[y/N]") {
		t.Errorf("rm ended with %+v", got)
	}
	if _, err := os.Stat(weights); err == nil {
		t.Error("the model is still there")
	}
	f.fail(t, exitNotFound, []string{hubModel, "polylens model pull " + hubModel}, "model", "rm", hubModel, "--yes")
	f.fail(t, exitNotFound, []string{hubModel, "polylens model pull " + hubModel}, "embed", "--model", hubModel, "--text", "a fish")
	f.fail(t, exitFailure, []string{bundledModel, "built in"}, "model", "rm", bundledModel, "--yes")
}

func TestModelErrors(t *testing.T) {
	address := serveHub(t, 0)
	f := hubFolders(t, address)
	f.fail(t, exitUsage, []string{"two words"}, "model", "pull", "two words")
	f.fail(t, exitUsage, []string{"revision", "branch"}, "model", "pull", hubModel, "--revision", "..")
	f.fail(t, exitUsage, []string{"--onnx"}, "model", "pull", hubModel, "--onnx", "fp7")
	f.fail(t, exitUsage, []string{"--write"}, "model", "verify", "--write")
	f.fail(t, exitNotFound, []string{"owner/none", "404", "check the name", address}, "model", "pull", "owner/none")
	f.fail(t, exitNotFound, []string{"no-such-model"}, "model", "info", "no-such-model")
	f.fail(t, exitNotFound, []string{"no-such-model"}, "model", "verify", "no-such-model")
	f.env = append(f.env, "HF_HUB_OFFLINE=1")
	f.fail(t, exitNotFound, []string{hubModel, "HF_HUB_OFFLINE", "copy its folder"}, "model", "pull", hubModel)
	f.env = append(f.env, "HF_ENDPOINT=mirror")
	f.fail(t, exitFailure, []string{"HF_ENDPOINT", "mirror"}, "model", "pull", hubModel)
}

// TestModelPullKilled ends the program without warning, again and again.
func TestModelPullKilled(t *testing.T) {
	f := hubFolders(t, serveHub(t, time.Millisecond))
	dir := filepath.Join(f.data, "models", hubModel)
	for i := range 6 {
		command := f.command(t.Context(), "model", "pull", hubModel)
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(250+120*i) * time.Millisecond)
		if err := command.Process.Kill(); err != nil && !strings.Contains(err.Error(), "finished") {
			t.Fatal(err)
		}
		_ = command.Wait()
		if _, err := os.Stat(dir); err == nil {
			if _, err := hub.VerifyDir(t.Context(), dir); err != nil {
				t.Fatalf("after being killed, a model that is not whole is shown: %v", err)
			}
		}
	}
	f.succeed(t, "model", "pull", hubModel)
	f.succeed(t, "model", "verify", hubModel)
	if _, err := os.Stat(filepath.Join(f.data, "models", ".pulling", "owner--mini")); err == nil {
		t.Error("the pull left its staging folder")
	}
}
