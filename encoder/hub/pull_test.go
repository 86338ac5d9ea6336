package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestPull(t *testing.T) {
	h, store := newFakeHub(t), newStore(t)
	var events []Event
	options := h.options()
	options.Progress = func(e Event) { events = append(events, e) }
	info, err := store.Pull(t.Context(), Reference{Name: name, Revision: "v1"}, options)
	if err != nil {
		t.Fatal(err)
	}
	h.checkPulled(t, store)
	if info.Name != name || info.Revision != commit || info.Licence != "apache-2.0" || strings.Join(info.Languages, " ") != "de en" || info.Dimension != 8 {
		t.Errorf("described as %+v", info)
	}
	if last := events[len(events)-1]; last.Stage != StageReady || last.Bytes != last.Total || last.Total == 0 {
		t.Errorf("the last event is %+v", last)
	}
	manifest, err := VerifyDir(t.Context(), info.Dir)
	if err != nil || manifest.Source != name || manifest.Requested != "v1" || manifest.Fingerprint != fingerprint(t, info.Dir) || len(manifest.Files) != 4 {
		t.Errorf("manifest %+v, %v", manifest, err)
	}
	for _, model := range []string{name, name + "@v1", name + "@" + commit, name + "@" + commit[:8]} {
		if dir, err := store.Find(model); err != nil || dir != info.Dir {
			t.Errorf("Find(%s) = %s, %v", model, dir, err)
		}
	}
	if _, err := store.Find(name + "@v2"); !errors.Is(err, ErrUnknownModel) || !strings.Contains(err.Error(), "model pull "+name+"@v2") {
		t.Errorf("another revision is found: %v", err)
	}
}

func TestTokenStaysWithTheHub(t *testing.T) {
	h, store := newFakeHub(t), newStore(t)
	h.mustPull(t, store)
	if h.tokens[strings.TrimPrefix(h.URL, "http://")] == 0 {
		t.Error("the hub saw no token")
	}
	if got := h.tokens[strings.TrimPrefix(h.content.URL, "http://")]; got != 0 {
		t.Errorf("the content network saw the token %d times", got)
	}
}

// Hosts below the hub's are other hosts too, which net/http sees differently.
func TestTokenStaysWithTheHubNotHostsBelow(t *testing.T) {
	request := func(address string) *http.Request {
		r, err := http.NewRequest(http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+secret)
		return r
	}
	hub := request("https://hub.example/model")
	below, same := request("https://content.hub.example/blob"), request("https://hub.example/other")
	if err := checkRedirect(below, []*http.Request{hub}); err != nil || below.Header.Get("Authorization") != "" {
		t.Errorf("a host below gets the token: %v", err)
	}
	if err := checkRedirect(same, []*http.Request{hub}); err != nil || same.Header.Get("Authorization") == "" {
		t.Errorf("the hub itself gets no token: %v", err)
	}
	if err := checkRedirect(request("http://hub.example/model"), []*http.Request{hub}); err == nil {
		t.Error("encryption may be dropped")
	}
}

func TestPullAgainFetchesNothing(t *testing.T) {
	h, store := newFakeHub(t), newStore(t)
	h.mustPull(t, store)
	dir := filepath.Join(store.Models, name)
	before, _ := os.ReadFile(filepath.Join(dir, ManifestFile))
	file := "/blob/model.safetensors"
	h.mustPull(t, store)
	if got := h.requests(file); got != 1 {
		t.Errorf("the weights were fetched %d times", got)
	}
	if after, _ := os.ReadFile(filepath.Join(dir, ManifestFile)); string(after) != string(before) {
		t.Error("the manifest has changed")
	}
	flip(t, filepath.Join(dir, "model.safetensors"))
	h.mustPull(t, store)
	if got := h.requests(file); got != 2 {
		t.Errorf("damaged weights were fetched %d times", got)
	}
	if got := h.requests("/" + name + "/resolve/" + commit + "/tokenizer.json"); got != 1 {
		t.Errorf("the sound tokenizer was fetched %d times", got)
	}
}

// breakOff sends the first bytes of a file and closes the connection.
func breakOff(w http.ResponseWriter, content []byte, bytes int) {
	w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	_, _ = w.Write(content[:bytes])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func isWeightsRequest(r *http.Request) bool { return r.URL.Path == "/blob/model.safetensors" }

// faults are what the weights' server does wrong at first, after which a pull
// still succeeds.
var faults = map[string]func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool{
	"breaks off": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		if seen == 1 {
			breakOff(w, h.files["model.safetensors"], 2000)
		}
		return false
	},
	"breaks off at once": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		if seen < 4 {
			panic(http.ErrAbortHandler)
		}
		return false
	},
	"stalls": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		if seen == 1 {
			_, _ = w.Write(h.files["model.safetensors"][:2000])
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
		return seen == 1
	},
	"stalls before its answer": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		if seen == 1 {
			<-r.Context().Done()
		}
		return seen == 1
	},
	"drips": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		for seen == 1 && r.Context().Err() == nil {
			_, _ = w.Write([]byte{h.files["model.safetensors"][0]})
			_ = http.NewResponseController(w).Flush()
			time.Sleep(20 * time.Millisecond)
		}
		return seen == 1
	},
	"announces too few bytes": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		if seen == 1 {
			_, _ = w.Write(h.files["model.safetensors"][:500])
		}
		return seen == 1
	},
	"announces too many bytes": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		if seen == 1 {
			w.Header().Set("Content-Length", "1000000")
			_, _ = w.Write(h.files["model.safetensors"])
		}
		return seen == 1
	},
	"sends too much": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		_ = http.NewResponseController(w).Flush() // no length is announced
		_, _ = w.Write(h.files["model.safetensors"])
		_, _ = w.Write([]byte("more"))
		return true
	},
	"ignores ranges": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		if seen == 1 {
			breakOff(w, h.files["model.safetensors"], 2000)
		}
		_, _ = w.Write(h.files["model.safetensors"])
		return true
	},
	"answers another range": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		content := h.files["model.safetensors"]
		switch seen {
		case 1:
			breakOff(w, content, 2000)
		case 2:
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 1000-%d/%d", len(content)-1, len(content)))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(content[1000:])
		}
		return seen == 2
	},
	"refuses ranges": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		if seen == 1 {
			breakOff(w, h.files["model.safetensors"], 2000)
		}
		if r.Header.Get("Range") != "" {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return true
		}
		return false
	},
	"changes the content between attempts": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		if seen == 1 {
			other := []byte(strings.Repeat("x", len(h.files["model.safetensors"])))
			w.Header().Set("ETag", `"other"`)
			breakOff(w, other, 2000)
		}
		return false
	},
	"sends wrong content once": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		if seen == 1 {
			_, _ = io.WriteString(w, strings.Repeat("x", len(h.files["model.safetensors"])))
		}
		return seen == 1
	},
	"is ill for a while": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		codes := []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusRequestTimeout}
		if seen <= len(codes) {
			w.WriteHeader(codes[seen-1])
		}
		return seen <= len(codes)
	},
	"asks to wait": func(h *fakeHub, w http.ResponseWriter, r *http.Request, seen int) bool {
		if seen == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		}
		return seen == 1
	},
}

func TestPullRecovers(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			h, store := newFakeHub(t), newStore(t)
			h.fault = func(w http.ResponseWriter, r *http.Request, seen int) bool {
				return isWeightsRequest(r) && fault(h, w, r, seen)
			}
			h.mustPull(t, store)
		})
	}
}

func TestPullResumes(t *testing.T) {
	h, store := newFakeHub(t), newStore(t)
	h.fault = func(w http.ResponseWriter, r *http.Request, seen int) bool {
		if isWeightsRequest(r) && seen <= maxAttempts {
			breakOff(w, h.files["model.safetensors"], 1000)
		}
		return false
	}
	options := h.options()
	ctx, cancel := context.WithCancel(t.Context())
	options.Progress = func(e Event) {
		if e.Stage == StageRetry {
			cancel()
		}
	}
	if _, err := store.Pull(ctx, Reference{Name: name}, options); !errors.Is(err, context.Canceled) {
		t.Fatalf("the ended pull answers %v", err)
	}
	checkAbsent(t, store)
	h.fault = nil
	h.mustPull(t, store)
	if len(h.ranges) != 1 || h.ranges[0] != "bytes=1000-" {
		t.Errorf("ranges asked for: %v", h.ranges)
	}
	if got := h.requests("/" + name + "/resolve/" + commit + "/tokenizer.json"); got != 1 {
		t.Errorf("the tokenizer, which was whole, was fetched %d times", got)
	}
}

// A process that dies leaves any part of its work. Each is set up here by what
// stands on the disk, and then the pull is repeated.
func TestPullAfterDeath(t *testing.T) {
	h := newFakeHub(t)
	part := func(p *pull, name string) string {
		content := h.files[name]
		return p.partPath(remoteFile{Name: name, SHA256: sha256Of(content)})
	}
	states := map[string]map[string]string{ // path below the staging folder to content
		"a part longer than the file": {"part": string(h.files["model.safetensors"]) + "more"},
		"a part that is whole":        {"part": string(h.files["model.safetensors"])},
		"a part of something else":    {"part": strings.Repeat("x", 3000)},
		"files of another choice":     {"new/onnx/model.onnx": "x", "new/tokenizer.json": "damaged"},
		"the old model":               {"old/config.json": "{}"},
		"a manifest half written":     {"new/.polylens.json.new": "{"},
	}
	for state, files := range states {
		t.Run(state, func(t *testing.T) {
			store := newStore(t)
			p := &pull{staging: store.stagingOf(name)}
			for file, content := range files {
				path := filepath.Join(p.staging, file)
				if file == "part" {
					path = part(p, "model.safetensors")
				}
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			h.mustPull(t, store)
		})
	}
}

func TestPullBetweenRenamings(t *testing.T) {
	h, store := newFakeHub(t), newStore(t)
	info := h.mustPull(t, store)
	if err := os.MkdirAll(store.stagingOf(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(info.Dir, filepath.Join(store.stagingOf(name), "new")); err != nil {
		t.Fatal(err)
	}
	h.mustPull(t, store)
	if got := h.requests("/blob/model.safetensors"); got != 1 {
		t.Errorf("the weights were fetched %d times", got)
	}
}

func TestPullsAtOnceWait(t *testing.T) {
	h, store := newFakeHub(t), newStore(t)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if _, err := h.pull(t, store); err != nil {
				t.Errorf("a pull beside others: %v", err)
			}
		})
	}
	group.Wait()
	h.checkPulled(t, store)
	if got := h.requests("/blob/model.safetensors"); got != 1 {
		t.Errorf("the weights were fetched %d times", got)
	}
}

// TestPullFailures checks that each failure is one line that holds the cause
// and the remedy, and never the token or the signature of an address.
func TestPullFailures(t *testing.T) {
	status := func(code int, headers ...string) func(*fakeHub, http.ResponseWriter, *http.Request) bool {
		return func(_ *fakeHub, w http.ResponseWriter, _ *http.Request) bool {
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(code)
			return true
		}
	}
	onWeights := func(fault func(*fakeHub, http.ResponseWriter, *http.Request) bool) func(*fakeHub, http.ResponseWriter, *http.Request) bool {
		return func(h *fakeHub, w http.ResponseWriter, r *http.Request) bool {
			return isWeightsRequest(r) && fault(h, w, r)
		}
	}
	answer := func(text string) func(*fakeHub, http.ResponseWriter, *http.Request) bool {
		return func(_ *fakeHub, w http.ResponseWriter, _ *http.Request) bool {
			_, _ = io.WriteString(w, text)
			return true
		}
	}
	tests := map[string]struct {
		fault func(*fakeHub, http.ResponseWriter, *http.Request) bool
		words []string
	}{
		"401":           {status(401, "X-Error-Code", "RepoNotFound"), []string{"401", "RepoNotFound", "HF_TOKEN", "check the name", name}},
		"403":           {status(403, "X-Error-Code", "GatedRepo"), []string{"403", "GatedRepo", "accept the licence at http", "HF_TOKEN"}},
		"404":           {status(404), []string{"there is no model " + name, "404", "check the name"}},
		"429 for hours": {status(429, "Retry-After", "7200"), []string{"429", "2h0m0s"}},
		"429 by date":   {status(429, "Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)), []string{"429", "asks to wait"}},
		"500 for ever":  {status(500), []string{"500", "try again later"}},
		"a loop": {func(h *fakeHub, w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
			return true
		}, []string{"redirected more than"}},
		"no JSON":    {answer("<html>"), []string{"no description of a model", "HF_ENDPOINT"}},
		"huge JSON":  {answer(strings.Repeat(" ", maxListing+1)), []string{"more than 16777216 bytes"}},
		"no commit":  {answer(`{"sha":"../../etc"}`), []string{"names no commit"}},
		"no weights": {answer(`{"sha":"` + commit + `","siblings":[{"rfilename":"pytorch_model.bin"}]}`), []string{"no weights as safetensors"}},
		"impossible": {answer(`{"sha":"` + commit + `","siblings":[{"rfilename":"model.safetensors","size":4398046511104,"lfs":{"sha256":"` + strings.Repeat("0", 64) + `"}}]}`), []string{"are free", "--data"}},
		"wrong content": {onWeights(func(h *fakeHub, w http.ResponseWriter, r *http.Request) bool {
			_, _ = w.Write([]byte(strings.Repeat("x", len(h.files["model.safetensors"]))))
			return true
		}), []string{"model.safetensors", "SHA-256", "instead of"}},
		"always breaks":  {onWeights(func(h *fakeHub, w http.ResponseWriter, r *http.Request) bool { panic(http.ErrAbortHandler) }), []string{"given up after 6 attempts", "EOF"}},
		"other length":   {onWeights(answer("short")), []string{"5 bytes are announced"}},
		"another commit": {onWeights(status(200, "X-Repo-Commit", strings.Repeat("f", 40))), []string{"is of commit ffff"}},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			h, store := newFakeHub(t), newStore(t)
			h.fault = func(w http.ResponseWriter, r *http.Request, _ int) bool { return test.fault(h, w, r) }
			_, err := h.pull(t, store)
			if err == nil {
				t.Fatal("it succeeded")
			}
			for _, word := range test.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("error %q lacks %q", err, word)
				}
			}
			if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "signature") || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q says too much", err)
			}
			if title == "404" != errors.Is(err, ErrUnknownModel) {
				t.Errorf("error %q: unknown model is %v", err, errors.Is(err, ErrUnknownModel))
			}
			checkAbsent(t, store)
		})
	}
}

func TestPullUnsafeNames(t *testing.T) {
	for _, file := range []string{"../config.json", "/etc/passwd", `..\config.json`, "a/../../b", "a\x00b", "a//b", "./a", "C:/x", "\x1b[2J", "..", ""} {
		h, store := newFakeHub(t), newStore(t)
		h.files[file] = []byte("x")
		if _, err := h.pull(t, store); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("a file named %q: %v", file, err)
		}
		checkAbsent(t, store)
	}
	h, store := newFakeHub(t), newStore(t)
	h.fault = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		listing := h.listing()
		listing["siblings"] = append(listing["siblings"].([]any), map[string]any{"rfilename": "config.json", "size": 1, "blobId": strings.Repeat("0", 40)})
		return json.NewEncoder(w).Encode(listing) == nil
	}
	if _, err := h.pull(t, store); err == nil || !strings.Contains(err.Error(), "both config.json and config.json") {
		t.Errorf("a name twice: %v", err)
	}
}

func TestPullFromMirrorWithoutHashes(t *testing.T) {
	h, store := newFakeHub(t), newStore(t)
	h.fault = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if !strings.HasPrefix(r.URL.Path, "/api/") {
			return false
		}
		var siblings []any
		for name := range h.files {
			siblings = append(siblings, map[string]any{"rfilename": name})
		}
		return json.NewEncoder(w).Encode(map[string]any{"sha": commit, "siblings": siblings}) == nil
	}
	h.mustPull(t, store)
}

func TestPullRefusesConfigBeforeWeights(t *testing.T) {
	h, store := newFakeHub(t), newStore(t)
	h.files["config.json"] = []byte(`{"model_type":"clip"}`)
	if _, err := h.pull(t, store); err == nil || !strings.Contains(err.Error(), "cannot be used") || !strings.Contains(err.Error(), "clip") {
		t.Errorf("a model of another kind: %v", err)
	}
	if h.requests("/blob/model.safetensors") > 0 {
		t.Error("its weights were fetched")
	}
	checkAbsent(t, store)
	if _, err := os.Stat(store.stagingOf(name)); err == nil {
		t.Error("it takes space")
	}
}

func TestPullLeavesOthersAlone(t *testing.T) {
	h, store := newFakeHub(t), newStore(t)
	own := model(t, store.Models, name)
	flip(t, filepath.Join(own, "model.safetensors"))
	before := fingerprint(t, own)
	if _, err := h.pull(t, store); err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("a model made by hand: %v", err)
	}
	if fingerprint(t, own) != before {
		t.Error("it was changed")
	}
	store = newStore(t)
	model(t, store.Models, "owner")
	if _, err := h.pull(t, store); err == nil || !strings.Contains(err.Error(), "is a model itself") {
		t.Errorf("a model in the place of the owner: %v", err)
	}
}

func TestPullNewRevisionKeepsWhatIsTheSame(t *testing.T) {
	h, store := newFakeHub(t), newStore(t)
	h.mustPull(t, store)
	h.files["README.md"] = []byte("---\nlicense: mit\n---\n")
	delete(h.files, "tokenizer.json")
	h.files["tokenizer.json"] = []byte(`{"new":true}`)
	info := h.mustPull(t, store)
	if info.Licence != "mit" {
		t.Errorf("described as %+v", info)
	}
	if got := h.requests("/blob/model.safetensors"); got != 1 {
		t.Errorf("the weights were fetched %d times", got)
	}
}

func TestCheckRange(t *testing.T) {
	if err := checkRange("bytes 100-999/1000", 100, 1000); err != nil {
		t.Error(err)
	}
	for _, value := range []string{"", "bytes 0-999/1000", "bytes 100-998/1000", "bytes 100-999/1001", "bytes 100-999/*", "items 100-999/1000"} {
		if checkRange(value, 100, 1000) == nil {
			t.Errorf("%q passes", value)
		}
	}
}
