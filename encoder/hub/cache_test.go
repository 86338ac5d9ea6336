package hub

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"polylens/encoder/safetensors"
)

// fill puts the hub's model into a Hugging Face cache as its programs do, with
// other files of the hub too.
func (h *fakeHub) fill(t *testing.T, cache string) snapshot {
	t.Helper()
	s := snapshot{Name: name, Commit: commit, repo: filepath.Join(cache, "models--owner--small-model")}
	for _, folder := range []string{"blobs", "refs/refs/pr", "snapshots/" + commit + "/onnx", ".no_exist/" + commit} {
		if err := os.MkdirAll(filepath.Join(s.repo, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(s.repo, "refs"), "main", commit+"\n")
	write(t, filepath.Join(s.repo, "refs/refs/pr"), "1", commit)
	for name, content := range h.files {
		hash := blobOf(content)
		if isLarge(name) {
			hash = sha256Of(content)
		}
		write(t, filepath.Join(s.repo, "blobs"), hash, string(content))
		if err := os.Symlink(filepath.Join("../../blobs", hash), filepath.Join(s.dir(), name)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func newStoreWithCache(t *testing.T) (*fakeHub, Store, snapshot) {
	t.Helper()
	h, store := newFakeHub(t), newStore(t)
	store.Cache = filepath.Join(filepath.Dir(store.Models), "cache [of] others")
	return h, store, h.fill(t, store.Cache)
}

func TestFindInCache(t *testing.T) {
	_, store, cached := newStoreWithCache(t)
	var dir string
	for _, model := range []string{name, name + "@main", name + "@refs/pr/1", name + "@" + commit, name + "@" + commit[:10], cached.dir()} {
		found, err := store.Find(model)
		if err != nil || dir != "" && found != dir {
			t.Fatalf("Find(%s) = %s, %v", model, found, err)
		}
		dir = found
	}
	if _, err := safetensors.Open(dir); err != nil {
		t.Errorf("the view cannot be opened: %v", err)
	}
	for _, file := range []string{"model.safetensors", "tokenizer.json", "README.md"} {
		blob, _ := os.Stat(filepath.Join(cached.dir(), file))
		if shown, err := os.Lstat(filepath.Join(dir, file)); err != nil || !os.SameFile(shown, blob) {
			t.Errorf("%s takes space of its own: %v", file, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "pytorch_model.bin")); err == nil {
		t.Error("the view shows a pickle")
	}
	info, err := store.Describe(name)
	if err != nil || info.Name != name || !info.Cached || info.Revision != commit || info.Licence != "apache-2.0" {
		t.Errorf("described as %+v, %v", info, err)
	}
	for _, model := range []string{"owner/other", name + "@v9", name + "@012345"} {
		if _, err := store.Find(model); !errors.Is(err, ErrUnknownModel) {
			t.Errorf("Find(%s) answers %v", model, err)
		}
	}
}

func TestListWithCache(t *testing.T) {
	h, store, cached := newStoreWithCache(t)
	other := filepath.Join(store.Cache, "models--google--gemma", "snapshots", commit)
	if err := os.MkdirAll(other, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, other, "config.json", `{"model_type":"gemma"}`)
	names := func() string {
		list, err := store.List()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, info := range list {
			if info.Problem != "" {
				t.Errorf("listed as %+v", info)
			}
			if info.Cached {
				info.Name += " cached"
			}
			names = append(names, info.Name)
		}
		return strings.Join(names, ", ")
	}
	if got := names(); got != name+" cached, "+BundledName {
		t.Errorf("listed are %s", got)
	}
	view, _ := store.Find(name)
	if err := os.RemoveAll(cached.repo); err != nil {
		t.Fatal(err)
	}
	if got := names(); got != BundledName {
		t.Errorf("after the cache was cleared, listed are %s", got)
	}
	if _, err := os.Stat(view); err == nil {
		t.Error("the view holds space that was cleared")
	}
	h.fill(t, store.Cache)
	h.mustPull(t, store)
	if got := names(); got != name+", "+BundledName {
		t.Errorf("with the model pulled, listed are %s", got)
	}
}

func TestViewFollowsTheCache(t *testing.T) {
	_, store, cached := newStoreWithCache(t)
	dir, err := store.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "tokenizer.json")); err != nil {
		t.Fatal(err)
	}
	if again, err := store.Find(name); err != nil || again != dir || !has(dir, "tokenizer.json") {
		t.Errorf("a view that lost a file: %s, %v", again, err)
	}
	if files, err := store.Verify(t.Context(), name); err != nil || files != 4 {
		t.Errorf("verified as %d files, %v", files, err)
	}
	real, err := cached.real("model.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	flip(t, real)
	if _, err := store.Verify(t.Context(), name); err == nil || !strings.Contains(err.Error(), "model.safetensors") {
		t.Errorf("a damaged blob: %v", err)
	}
}

func TestCacheLinksAreConfined(t *testing.T) {
	_, store, cached := newStoreWithCache(t)
	secret := t.TempDir()
	write(t, secret, "tokenizer.json", "{}")
	for _, target := range []string{
		filepath.Join(secret, "tokenizer.json"), "../../../../cache [of] others/models--owner--small-model/refs/main", "../../blobs", "nowhere",
	} {
		link := filepath.Join(cached.dir(), "tokenizer.json")
		if err := errors.Join(os.Remove(link), os.Symlink(target, link)); err != nil {
			t.Fatal(err)
		}
		if dir, err := store.Find(name); err == nil {
			t.Errorf("a link to %s is shown in %s", target, dir)
		}
	}
}

// Where no links can be made, the user is told the one command that helps.
func TestViewNeedsOneDisk(t *testing.T) {
	_, store, _ := newStoreWithCache(t)
	if err := os.MkdirAll(store.Models, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, store.Models, views, "a file in the way")
	_, err := store.Find(name)
	if err == nil || !strings.Contains(err.Error(), "polylens model pull "+name+"@"+commit) || errors.Is(err, ErrUnknownModel) {
		t.Errorf("answers %v", err)
	}
}

// A cache may hold files in place of links, and no name for its only commit.
func TestCacheWithoutLinks(t *testing.T) {
	h, store, cached := newStoreWithCache(t)
	for name, content := range h.files {
		if err := os.Remove(filepath.Join(cached.dir(), name)); err != nil {
			t.Fatal(err)
		}
		write(t, cached.dir(), name, string(content))
	}
	if err := errors.Join(os.RemoveAll(filepath.Join(cached.repo, "blobs")), os.RemoveAll(filepath.Join(cached.repo, "refs"))); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Find(name); err != nil {
		t.Fatal(err)
	}
	options := PullOptions{Access: Access{Endpoint: "http://127.0.0.1:1", Offline: true}}
	if _, err := store.Pull(t.Context(), Reference{Name: name}, options); err != nil {
		t.Fatal(err)
	}
	h.checkPulled(t, store)
}

func TestPullTakesFromCache(t *testing.T) {
	h, store, _ := newStoreWithCache(t)
	h.mustPull(t, store)
	if got := h.requests("/blob/model.safetensors"); got != 0 {
		t.Errorf("the weights were fetched %d times", got)
	}
}

func TestPullOffline(t *testing.T) {
	h, store, cached := newStoreWithCache(t)
	options := PullOptions{Access: Access{Endpoint: "http://127.0.0.1:1", Offline: true}}
	pull := func(text string) error {
		reference, err := ParseReference(text)
		if err == nil {
			_, err = store.Pull(t.Context(), reference, options)
		}
		return err
	}
	if err := pull("owner/other"); !errors.Is(err, ErrUnknownModel) || !strings.Contains(err.Error(), "HF_HUB_OFFLINE is set") || !strings.Contains(err.Error(), "copy its folder") {
		t.Errorf("a model that is nowhere: %v", err)
	}
	real, err := cached.real("model.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	flip(t, real)
	if err := pull(name); err == nil || !strings.Contains(err.Error(), "model.safetensors is not whole") {
		t.Errorf("a damaged cache: %v", err)
	}
	flip(t, real)
	if err := pull(name); err != nil {
		t.Fatal(err)
	}
	h.checkPulled(t, store)
	if err := errors.Join(os.RemoveAll(store.Cache), pull(name), pull(name+"@main"), pull(name+"@"+commit)); err != nil {
		t.Errorf("a model that is here: %v", err)
	}
	if err := pull(name + "@v2"); err == nil {
		t.Error("another revision is taken for it")
	}
	damaged := filepath.Join(store.Models, name, "model.safetensors")
	if err := os.WriteFile(damaged, []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := pull(name); err == nil || !strings.Contains(err.Error(), "not whole") {
		t.Errorf("a damaged model: %v", err)
	}
	if len(h.seen) > 0 {
		t.Errorf("the hub was asked: %v", h.seen)
	}
}
