package hub

import (
	"path/filepath"
	"strings"
	"testing"
)

const listed = `{"sha":"` + commit + `","siblings":[{"rfilename":"config.json","size":9,"blobId":"` + commit + `"},
	{"rfilename":"model.safetensors","size":130,"blobId":"` + commit + `","lfs":{"sha256":"` + commit + "0123456789abcdef01234567" + `","size":4000000000}},
	{"rfilename":"onnx/model.onnx"}]}`

func TestParseListing(t *testing.T) {
	list, err := parseListing([]byte(listed))
	if err != nil || list.Commit != commit || len(list.Files) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	small, large, bare := list.Files[0], list.Files[1], list.Files[2]
	if small.Blob != commit || small.SHA256 != "" || small.Bytes != 9 {
		t.Errorf("a small file is %+v", small)
	}
	if large.Blob != "" || large.SHA256 == "" || large.Bytes != 4_000_000_000 {
		t.Errorf("a large file is %+v", large)
	}
	if bare.hash() != "" || bare.Bytes != -1 {
		t.Errorf("a file of which nothing is known is %+v", bare)
	}
	for _, broken := range []string{
		``, `[]`, `null`, `{}`, strings.Replace(listed, commit, "main", 1), strings.Replace(listed, `"size":9`, `"size":-9`, 1),
		strings.Replace(listed, `"size":9`, `"size":99999999999999999`, 1), strings.Replace(listed, "0123456789abcdef01234567", "", 1),
		strings.Replace(listed, "config.json", "../config.json", 1), strings.Replace(listed, "onnx/model", "onnx/./model", 1),
	} {
		if list, err := parseListing([]byte(broken)); err == nil {
			t.Errorf("%.80s is read as %+v", broken, list)
		}
	}
}

func FuzzParseListing(f *testing.F) {
	f.Add([]byte(listed))
	f.Fuzz(func(t *testing.T, content []byte) {
		list, err := parseListing(content)
		if err != nil {
			return
		}
		for _, file := range list.Files {
			if !filepath.IsLocal(file.Name) || strings.ContainsAny(file.Name, "\\\x00") || file.Bytes < -1 {
				t.Errorf("a file is %+v", file)
			}
		}
		if chosen, err := choose(list.Files, ""); err == nil && len(chosen) == 0 {
			t.Error("a model of no files")
		}
	})
}
