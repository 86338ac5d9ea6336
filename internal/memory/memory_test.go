package memory

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

func TestAvailable(t *testing.T) {
	total, ok := Total()
	if !ok && runtime.GOOS != "linux" {
		return
	}
	available, known := Available()
	if !ok || !known || available <= 0 || available > total {
		t.Errorf("%d (%v) of %d (%v) bytes are available", available, known, total, ok)
	}
}

// Both kinds of control groups, a limit in a group around the process' own, and a
// group that is not to be seen.
func TestGroups(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"a/memory.max": "1000\n", "a/memory.current": "700\n", "a/memory.stat": "anon 5\ninactive_file 300\n",
		"a/b/memory.max": "max\n", "a/b/c/memory.max": "90\n", "a/b/c/memory.current": "95\n",
		"v1/memory.limit_in_bytes": "50\n", "v1/memory.usage_in_bytes": "20\n", "v1/memory.stat": "total_inactive_file 1\n",
	} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	new, old := hierarchies[0], hierarchies[1]
	new.root, old.root = root, root+"/v1"
	for name, test := range map[string]struct {
		of   hierarchy
		path string
		want []group
	}{
		"its own and one around it":   {new, "/a/b/c", []group{{90, 95}, {1000, 400}}},
		"one around it alone":         {new, "/a/b", []group{{1000, 400}}},
		"no limit":                    {new, "/", nil},
		"a name of the machine":       {old, "/docker/0123/x", []group{{50, 19}}},
		"a name that leads elsewhere": {new, "/../../a", []group{{1000, 400}}},
	} {
		if got := test.of.around(test.path); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}
