package hub

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestFindMoved: a model is found by its path of before its data folder moved, if it
// lay in the folder of models.
func TestFindMoved(t *testing.T) {
	store := Store{Models: filepath.Join(t.TempDir(), "models")}
	bundled, err := Bundled(store.Models)
	if err != nil {
		t.Fatal(err)
	}
	birds := filepath.Join(store.Models, "birds")
	if err := os.CopyFS(birds, os.DirFS(bundled)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"birds", birds, "/gone/models/birds", "/models/gone/models/birds"} {
		if dir, err := store.FindMoved(name); err != nil || dir != birds {
			t.Errorf("%s is found in %q, %v", name, dir, err)
		}
	}
	for _, name := range []string{"/gone/models/fish", "/gone/birds", "gone/models/birds", "fish"} {
		if dir, err := store.FindMoved(name); !errors.Is(err, ErrUnknownModel) {
			t.Errorf("%s is found in %q, %v", name, dir, err)
		}
	}
}
