package milvus

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"
)

// wheel writes a wheel with the given entries; those of .lzma are packed.
func wheel(t *testing.T, entries map[string]string) string {
	t.Helper()
	var archive bytes.Buffer
	writer := zip.NewWriter(&archive)
	for name, content := range entries {
		entry, err := writer.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		data := []byte(content)
		if strings.HasSuffix(name, ".lzma") {
			data = packed(t, content)
		}
		if _, err := entry.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "milvus.whl")
	if err := os.WriteFile(path, archive.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func packed(t *testing.T, content string) []byte {
	t.Helper()
	var out bytes.Buffer
	writer, err := xz.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestUnpack(t *testing.T) {
	path := wheel(t, map[string]string{
		wheelBin + "milvus.lzma":               "the server",
		wheelBin + "libx.so.1.lzma":            "a library",
		wheelBin + "../evil.lzma":              "outside",
		wheelBin + "deep/evil.lzma":            "elsewhere",
		wheelBin + "readme.txt":                "not packed",
		"milvus/__init__.py":                   "print()",
		"milvus-2.3.5.dist-info/METADATA.lzma": "not a server file",
	})
	parent := t.TempDir()
	dest := filepath.Join(parent, "new", "milvus")
	if err := Unpack(t.Context(), path, dest); err != nil {
		t.Fatal(err)
	}
	if err := CheckFolder(dest); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{"milvus": "the server", "libx.so.1": "a library"} {
		if got, err := os.ReadFile(filepath.Join(dest, name)); string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if names := list(t, dest); !slices.Equal(names, []string{"libx.so.1", "milvus"}) {
		t.Errorf("the folder holds %q", names)
	}
	if names := list(t, filepath.Dir(dest)); !slices.Equal(names, []string{"milvus"}) {
		t.Errorf("left over: %q", names)
	}
	if err := Unpack(t.Context(), "no such wheel", dest); err != nil {
		t.Errorf("a complete folder is unpacked again: %v", err)
	}
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names
}

// TestUnpackFailures: each leaves nothing behind.
func TestUnpackFailures(t *testing.T) {
	good := wheel(t, map[string]string{wheelBin + "milvus.lzma": "the server"})
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	truncated := filepath.Join(t.TempDir(), "half.whl")
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(truncated, text[:len(text)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		ctx  context.Context
		path string
	}{
		"no wheel":  {t.Context(), "nowhere.whl"},
		"truncated": {t.Context(), truncated},
		"no server": {t.Context(), wheel(t, map[string]string{"milvus/__init__.py": ""})},
		"canceled":  {canceled, good},
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			err := Unpack(test.ctx, test.path, filepath.Join(parent, "milvus"))
			if err == nil || test.ctx.Err() != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			if names := list(t, parent); len(names) > 0 {
				t.Errorf("left over: %q", names)
			}
		})
	}
	if err := Unpack(t.Context(), good, t.TempDir()); err == nil || !strings.Contains(err.Error(), "remove it") {
		t.Errorf("a folder with something else: %v", err)
	}
}
