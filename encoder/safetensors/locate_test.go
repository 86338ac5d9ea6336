package safetensors

import (
	"os"
	"path/filepath"
	"testing"
)

const oneTensor = `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`

// snapshot makes a folder as a Hugging Face cache holds it, whose weights are a
// link to a blob.
func snapshot(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	folder := filepath.Join(root, "snapshots", "1")
	blobs := filepath.Join(root, "blobs")
	for _, dir := range []string{folder, blobs} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, blobs, "1234", encoded(oneTensor, 4))
	if err := os.Symlink("../../blobs/1234", filepath.Join(folder, SingleFile)); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestLinksRefused(t *testing.T) {
	snapshot := snapshot(t)
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
