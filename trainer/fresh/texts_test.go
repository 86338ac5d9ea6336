package fresh_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/trainer/fresh"
)

// TestReadTexts reads lines of several files in their order, and names the file
// that cannot be read.
func TestReadTexts(t *testing.T) {
	folder := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	first, second, blank := write("first", "a fish\n\n  ein Fisch \n"), write("second", "魚"), write("blank", " \n\n")
	texts, err := fresh.ReadTexts([]string{first, second})
	if err != nil || !slices.Equal(texts, []string{"a fish", "ein Fisch", "魚"}) {
		t.Errorf("%q, %v", texts, err)
	}
	for path, word := range map[string]string{
		blank: "no text", first + ".gone": "no such file", write("long", strings.Repeat("x", 2<<20)): "too long",
	} {
		if _, err := fresh.ReadTexts([]string{path}); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v, want %q", path, err, word)
		}
	}
}
