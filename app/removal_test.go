package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"polylens/internal/needs"
)

// TestRemovalIsConfirmedByTheFlag: the command, and the API that it speaks, withhold what a
// link that leads elsewhere would replace, and do it when they are told to.
func TestRemovalIsConfirmedByTheFlag(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	f := newFolders(t)
	base := t.TempDir()
	pictures, link := filepath.Join(base, "pictures"), filepath.Join(base, "pictures", "away")
	for i := range 20 {
		drawPicture(t, pictures, fmt.Sprintf("%d.png", i), i)
	}
	for i := range 4 {
		drawPicture(t, base, fmt.Sprintf("first/%d.png", i), 100+i)
		drawPicture(t, base, fmt.Sprintf("second/x%d.png", i), 200+i)
	}
	for _, target := range []string{"first", "second"} {
		if err := os.RemoveAll(link); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(base, target), link); err != nil {
			t.Fatal(err)
		}
		if target == "first" {
			f.succeed(t, "index", pictures, "--collection", "c", "--follow-links")
		}
	}
	for range 2 { // the second time too
		withheld := f.run(t, "index", pictures, "--collection", "c", "--follow-links")
		if withheld.code != exitFailure || !strings.Contains(withheld.stderr, "another folder than before is reached by a path, such as "+link) ||
			!strings.Contains(withheld.stderr, "--confirm-removal") {
			t.Errorf("it ends with %d: %s", withheld.code, withheld.stderr)
		}
	}
	if told := f.succeed(t, "index", pictures, "--collection", "c", "--follow-links", "--confirm-removal"); !strings.Contains(told, "4 removed") {
		t.Errorf("confirmed, it says %s", told)
	}
	if told := f.succeed(t, "index", pictures, "--collection", "c", "--follow-links"); !strings.Contains(told, "24 unchanged") {
		t.Errorf("afterwards, it says %s", told)
	}
}
