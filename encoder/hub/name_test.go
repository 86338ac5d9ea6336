package hub

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestParseReference(t *testing.T) {
	for text, want := range map[string]Reference{
		"google/siglip2-base-patch16-256":    {Name: "google/siglip2-base-patch16-256"},
		"gpt2":                               {Name: "gpt2"},
		"a/b@main":                           {Name: "a/b", Revision: "main"},
		"a/b@refs/pr/1":                      {Name: "a/b", Revision: "refs/pr/1"},
		"immich-app/ViT-B-16-SigLIP2__webli": {Name: "immich-app/ViT-B-16-SigLIP2__webli"},
		"a/b@" + commit:                      {Name: "a/b", Revision: commit},
	} {
		if got, err := ParseReference(text); err != nil || got != want || got.String() != text {
			t.Errorf("%q is read as %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "/", "a/", "/a", "a/b/c", "../a", "a/..", "a/b..c", "a--b/c", ".hidden/a", "-a/b", "a b/c", "a/b@", "a/b@..", "a/b@a//b",
		"a/b@-x", "a/b@x/", "a\\b", "a/b\x00", "a/ü", "https://huggingface.co/a/b", strings.Repeat("a", 97), "a/b@" + strings.Repeat("a", 201),
	} {
		if got, err := ParseReference(text); err == nil || !strings.Contains(err.Error(), "\"") {
			t.Errorf("%q is read as %+v, %v", text, got, err)
		}
	}
}

func FuzzParseReference(f *testing.F) {
	f.Add("google/siglip2-base-patch16-256@main")
	f.Fuzz(func(t *testing.T, text string) {
		reference, err := ParseReference(text)
		if err != nil {
			return
		}
		folder := folderName(reference.Name)
		if !filepath.IsLocal(reference.Name) || strings.ContainsAny(reference.Name, "\\:") || strings.Contains(folder, "/") || folder[0] == '.' {
			t.Errorf("%q is no safe path", reference.Name)
		}
		if again, err := ParseReference(reference.String()); err != nil || again != reference {
			t.Errorf("%q is read as %+v", reference, again)
		}
	})
}
