package safetensors

import (
	"os"
	"path/filepath"
	"testing"
)

const oneTensor = `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`

// cache makes a Hugging Face cache of one repository and returns its root and
// snapshot. In the snapshot stand a link to a blob, one to a file outside and
// one that leads nowhere.
func cache(t *testing.T) (root, snapshot string) {
	t.Helper()
	root = t.TempDir()
	snapshot = filepath.Join(root, "hub", "models--a--b", "snapshots", "1")
	blobs := filepath.Join(root, "hub", "models--a--b", "blobs")
	for _, dir := range []string{snapshot, blobs} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, blobs, "1234", encoded(oneTensor, 4))
	write(t, root, "secret", encoded(oneTensor, 4))
	for name, target := range map[string]string{
		SingleFile: "../../blobs/1234", "outside.safetensors": "../../../../secret",
		"nowhere.safetensors": "../../blobs/none", "folder.safetensors": "../../blobs",
	} {
		if err := os.Symlink(target, filepath.Join(snapshot, name)); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(root, "hub"), snapshot
}

func TestFollowLinksWithin(t *testing.T) {
	root, snapshot := cache(t)
	index, err := Open(snapshot, FollowLinksWithin(root))
	if err != nil {
		t.Fatal(err)
	}
	if values, err := index.Floats("a"); err != nil || len(values) != 1 {
		t.Errorf("values %v: %v", values, err)
	}
	for name, want := range map[string]string{
		"outside.safetensors": "leads out of", "nowhere.safetensors": "leads nowhere", "folder.safetensors": "no regular file",
	} {
		_, err := OpenFile(filepath.Join(snapshot, name), FollowLinksWithin(root))
		expectFileError(t, err, name, want)
	}
}

func TestLinksRefused(t *testing.T) {
	_, snapshot := cache(t)
	_, err := Open(snapshot)
	expectFileError(t, err, SingleFile, "symbolic link, which is refused")
	if err := os.Rename(filepath.Join(snapshot, SingleFile), filepath.Join(snapshot, IndexFile)); err != nil {
		t.Fatal(err)
	}
	_, err = Open(snapshot)
	expectFileError(t, err, IndexFile, "symbolic link, which is refused")
}

// TestChangedFile: values are read only from the file whose header was checked.
func TestChangedFile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "adapter_model.safetensors", encoded(oneTensor, 4))
	index, err := OpenFile(filepath.Join(dir, "adapter_model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "other", encoded(oneTensor, 4))
	if err := os.Rename(filepath.Join(dir, "other"), filepath.Join(dir, "adapter_model.safetensors")); err != nil {
		t.Fatal(err)
	}
	_, err = index.Floats("a")
	expectFileError(t, err, "adapter_model.safetensors", "was changed since it was checked")
}
