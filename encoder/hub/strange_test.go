package hub

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"polylens/encoder/preprocess"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/encoder/tokenizer"
)

// nowhere is a link that leads nowhere, which counts as no file.
const nowhere = "link to itself"

// strange puts something that is no ordinary file in a file's place.
var strange = map[string]func(path string) error{
	"pipe": func(path string) error { return syscall.Mkfifo(path, 0o600) },
	"link to a pipe": func(path string) error {
		return linkTo(path, func(to string) error { return syscall.Mkfifo(to, 0o600) })
	},
	"link to a device": func(path string) error { return os.Symlink("/dev/zero", path) },
	nowhere:            func(path string) error { return os.Symlink(path, path) },
	"folder":           func(path string) error { return os.Mkdir(path, 0o700) },
}

func linkTo(path string, make func(path string) error) error {
	to := filepath.Join(filepath.Dir(path), ".there")
	if err := make(to); err != nil {
		return err
	}
	return os.Symlink(to, path)
}

// TestStrangeFilesInModels: whatever stands in the place of a file of a model, nothing
// waits for it and nothing reads it for ever; and a file that decides what the model
// computes has no fingerprint then.
func TestStrangeFilesInModels(t *testing.T) {
	files := []string{
		siglip2.ConfigFile, safetensors.SingleFile, "tokenizer.json", "preprocessor_config.json", // that a fingerprint covers
		"tokenizer_config.json", "special_tokens_map.json", cardFile, ManifestFile, "processor_config.json", "adapter_config.json", safetensors.IndexFile,
		"vision_model.onnx", "spiece.model",
	}
	store := Store{Models: t.TempDir()}
	bundled, err := Bundled(store.Models)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(store.Models, "strange")
	for kind, put := range strange {
		for i, name := range files {
			t.Run(kind+" for "+name, func(t *testing.T) {
				path := filepath.Join(dir, name)
				if err := errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(bundled)), os.RemoveAll(path)); err != nil {
					t.Fatal(err)
				}
				if err := put(path); err != nil {
					t.Fatal(err)
				}
				print := ends(t, func() error { _, err := Fingerprint(dir); return err })
				if i < 4 && print == nil && kind != nowhere {
					t.Error("it has a fingerprint")
				}
				lookAtAll(t, store, dir)
			})
		}
	}
}

// lookAtAll does everything that reads a model's files here.
func lookAtAll(t *testing.T, store Store, dir string) {
	t.Helper()
	for _, look := range []func() error{
		func() error { _, err := store.List(); return err },
		func() error { _, err := store.Find("strange"); return err },
		func() error { _, err := Describe("strange", dir); return err },
		func() error { _, err := VerifyDir(t.Context(), dir); return err },
		func() error { _, err := WriteManifest(t.Context(), dir); return err },
		func() error { _, err := siglip2.ReadConfig(dir); return err },
		func() error { _, err := tokenizer.Open(dir); return err },
		func() error { _, err := preprocess.Open(dir); return err },
		func() error { _, err := safetensors.Open(dir); return err },
	} {
		_ = ends(t, look) // most files are of no concern to most of these
	}
}

// ends fails the test when a call waits.
func ends(t *testing.T, call func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		return err
	case <-time.After(time.Minute):
		t.Fatal("it waits")
		return nil
	}
}
