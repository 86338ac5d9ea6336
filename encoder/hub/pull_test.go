package hub

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
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
