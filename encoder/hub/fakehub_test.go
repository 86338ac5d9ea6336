package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	name   = "owner/small-model"
	commit = "0123456789abcdef0123456789abcdef01234567"
	secret = "hf_secret"
)

// fakeHub is the hub with one model, and a content network on another host to
// which it redirects for large files.
type fakeHub struct {
	*httptest.Server
	content *httptest.Server
	files   map[string][]byte

	// A fault may answer a request in place of the hub or the content network.
	fault func(w http.ResponseWriter, r *http.Request, seen int) bool

	mutex  sync.Mutex
	seen   map[string]int // requests by path
	ranges []string       // Range headers that arrived, in order
	tokens map[string]int // requests with the token, by host
}

// newFakeHub serves a small checkpoint and files that nobody should fetch.
func newFakeHub(t *testing.T) *fakeHub {
	t.Helper()
	h := &fakeHub{files: map[string][]byte{}, seen: map[string]int{}, tokens: map[string]int{}}
	dir := model(t, t.TempDir(), "m")
	write(t, dir, "README.md", "---\nlicense: apache-2.0\nlanguage: [en, de]\n---\nA model.\n")
	write(t, dir, "pytorch_model.bin", "a pickle")
	write(t, dir, "modeling_siglip.py", "print('code')")
	h.add(t, dir)
	h.Server = httptest.NewServer(http.HandlerFunc(h.serve))
	h.content = httptest.NewServer(http.HandlerFunc(h.serveContent))
	t.Cleanup(h.Close)
	t.Cleanup(h.content.Close)
	return h
}

func (h *fakeHub) add(t *testing.T, dir string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		h.files[name], err = os.ReadFile(filepath.Join(dir, name))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (h *fakeHub) count(r *http.Request) int {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.seen[r.URL.Path]++
	if r.Header.Get("Authorization") == "Bearer "+secret {
		h.tokens[r.Host]++
	}
	if value := r.Header.Get("Range"); value != "" && strings.HasPrefix(r.URL.Path, "/blob/") {
		h.ranges = append(h.ranges, value)
	}
	return h.seen[r.URL.Path]
}

func (h *fakeHub) requests(path string) int {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return h.seen[path]
}

func isLarge(name string) bool {
	return strings.HasSuffix(name, ".safetensors") || strings.Contains(name, ".onnx")
}

func (h *fakeHub) serve(w http.ResponseWriter, r *http.Request) {
	seen := h.count(r)
	if h.fault != nil && h.fault(w, r, seen) {
		return
	}
	prefix := "/" + name + "/resolve/" + commit + "/"
	file, isFile := strings.CutPrefix(r.URL.Path, prefix)
	content, known := h.files[file]
	switch {
	case strings.HasPrefix(r.URL.Path, "/api/models/"+name+"/revision/"):
		_ = json.NewEncoder(w).Encode(h.listing())
	case !isFile || !known:
		w.Header().Set("X-Error-Code", "EntryNotFound")
		http.Error(w, "not found", http.StatusNotFound)
	case isLarge(file):
		w.Header().Set("X-Repo-Commit", commit)
		w.Header().Set("X-Linked-Etag", `"`+sha256Of(content)+`"`)
		w.Header().Set("X-Linked-Size", fmt.Sprint(len(content)))
		http.Redirect(w, r, h.content.URL+"/blob/"+file+"?signature=private", http.StatusFound)
	default:
		w.Header().Set("X-Repo-Commit", commit)
		w.Header().Set("ETag", `"`+blobOf(content)+`"`)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(content)))
	}
}

func (h *fakeHub) serveContent(w http.ResponseWriter, r *http.Request) {
	seen := h.count(r)
	if h.fault != nil && h.fault(w, r, seen) {
		return
	}
	content := h.files[strings.TrimPrefix(r.URL.Path, "/blob/")]
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(content)))
}

// listing is the answer of the interface, with hashes.
func (h *fakeHub) listing() map[string]any {
	var siblings []any
	for name, content := range h.files {
		sibling := map[string]any{"rfilename": name, "size": len(content), "blobId": blobOf(content)}
		if isLarge(name) {
			sibling["lfs"] = map[string]any{"sha256": sha256Of(content), "size": len(content), "pointerSize": 130}
		}
		siblings = append(siblings, sibling)
	}
	return map[string]any{"id": name, "sha": commit, "siblings": siblings}
}

func sha256Of(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func blobOf(content []byte) string {
	sum := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(content)), content...))
	return hex.EncodeToString(sum[:])
}

// options are those of a user with a token, and little patience.
func (h *fakeHub) options() PullOptions {
	return PullOptions{
		Access: Access{Endpoint: h.URL, Token: secret},
		Stall:  300 * time.Millisecond, Pause: time.Millisecond,
	}
}

func (h *fakeHub) pull(t *testing.T, store Store) (Info, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return store.Pull(ctx, Reference{Name: name}, h.options())
}

// mustPull pulls and checks that the model is what the hub holds.
func (h *fakeHub) mustPull(t *testing.T, store Store) Info {
	t.Helper()
	info, err := h.pull(t, store)
	if err != nil {
		t.Fatalf("pull: %v", err)
	}
	h.checkPulled(t, store)
	return info
}

// checkPulled demands exactly the files that make the model, and nothing left over.
func (h *fakeHub) checkPulled(t *testing.T, store Store) {
	t.Helper()
	dir := filepath.Join(store.Models, name)
	var found []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || file == ManifestFile {
			return err
		}
		content, err := os.ReadFile(filepath.Join(dir, file))
		if string(content) != string(h.files[file]) {
			t.Errorf("%s is not what the hub holds", file)
		}
		found = append(found, file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(found, " "), "README.md config.json model.safetensors tokenizer.json"; got != want {
		t.Errorf("the model consists of %s, want %s", got, want)
	}
	if _, err := os.Stat(store.stagingOf(name)); err == nil {
		t.Error("the pull left its staging folder")
	}
}

// checkAbsent demands that a failed pull shows no model.
func checkAbsent(t *testing.T, store Store) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(store.Models, name)); err == nil {
		t.Error("a failed pull shows a model")
	}
}

func newStore(t *testing.T) Store {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	return Store{Models: filepath.Join(t.TempDir(), "models")}
}
