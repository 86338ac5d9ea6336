package hub

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestRemove(t *testing.T) {
	store := newStore(t)
	dir := model(t, store.Models, "owner/one")
	model(t, store.Models, "owner/two")
	info, err := store.Removable("owner/one")
	if err != nil || info.Bytes < 1000 {
		t.Errorf("removable: %+v, %v", info, err)
	}
	if err := store.Remove(t.Context(), "owner/one"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the model is still there")
	}
	if !isModel(filepath.Join(store.Models, "owner/two")) {
		t.Error("its neighbour is gone")
	}
	if err := store.Remove(t.Context(), "owner/two"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(store.Models, "owner")); err == nil {
		t.Error("an empty folder is left")
	}
}

func TestRemoveRefuses(t *testing.T) {
	_, store, _ := newStoreWithCache(t)
	outside := model(t, t.TempDir(), "m")
	inside := model(t, store.Models, "owner/one")
	if _, err := Bundled(store.Models); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Dir(outside), filepath.Join(store.Models, "link")); err != nil {
		t.Fatal(err)
	}
	relative, err := filepath.Rel(store.Models, outside)
	if err != nil {
		t.Fatal(err)
	}
	for model, want := range map[string]error{
		BundledName: ErrBundled, name: ErrCached, "none": ErrUnknownModel, "": ErrUnknownModel, ".": ErrUnknownModel, "owner": ErrUnknownModel,
		outside: ErrUnknownModel, relative: ErrUnknownModel, "owner/../owner/one": ErrUnknownModel, inside: ErrUnknownModel, "link/m": nil,
	} {
		err := store.Remove(t.Context(), model)
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("Remove(%q) answers %v", model, err)
		}
	}
	if !isModel(outside) || !isModel(inside) {
		t.Error("something was removed")
	}
}

func TestRemovePartOfAPull(t *testing.T) {
	store := newStore(t)
	parts := filepath.Join(store.stagingOf(name), "parts")
	if err := os.MkdirAll(parts, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, parts, "model.safetensors", "half")
	if info, err := store.Removable(name); err != nil || info.Bytes != 4 {
		t.Errorf("removable: %+v, %v", info, err)
	}
	if err := store.Remove(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(store.stagingOf(name)); err == nil {
		t.Error("it still takes space")
	}
}
