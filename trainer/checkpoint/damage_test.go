package checkpoint

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"polylens/internal/replace"
)

// twoSteps has checkpoints of the steps 1 and 2.
func twoSteps(t *testing.T) Folder {
	t.Helper()
	folder := Folder{Path: t.TempDir()}
	save(t, folder, progressAt(1))
	save(t, folder, progressAt(2))
	return folder
}

// TestDamagedIsPassed harms the newest checkpoint in every file and every way.
func TestDamagedIsPassed(t *testing.T) {
	folder := twoSteps(t)
	entries, err := os.ReadDir(folder.pathOf(2))
	if err != nil || len(entries) != 5 {
		t.Fatalf("a checkpoint has the files %v: %v", entries, err)
	}
	for _, entry := range entries {
		path := filepath.Join(folder.pathOf(2), entry.Name())
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for name, harmed := range harm(content) {
			t.Run(entry.Name()+" "+name, func(t *testing.T) {
				write(t, path, harmed)
				loaded := expect(t, folder, 1)
				if len(loaded.Passed) != 1 || !strings.Contains(loaded.Passed[0].Error(), "step-000000002 is damaged") {
					t.Errorf("passed %v", loaded.Passed)
				}
			})
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		expect(t, folder, 1)
		write(t, path, content)
	}
	if loaded := expect(t, folder, 2); len(loaded.Passed) > 0 {
		t.Errorf("once whole again, %v was passed", loaded.Passed)
	}
	write(t, filepath.Join(folder.pathOf(2), "stray"), nil)
	expect(t, folder, 1)
}

// harm is a file as a crash or a bad disk may leave it.
func harm(content []byte) map[string][]byte {
	harmed := map[string][]byte{
		"empty":   {},
		"halved":  content[:len(content)/2],
		"cut":     content[:len(content)-1],
		"grown":   append(bytes.Clone(content), 0),
		"zeroed":  make([]byte, len(content)),
		"doubled": append(bytes.Clone(content), content...),
	}
	for i := range content {
		if i < 16 || i%7 == 0 || i == len(content)-1 {
			flipped := bytes.Clone(content)
			flipped[i] ^= 1
			harmed[fmt.Sprintf("flipped at %d", i)] = flipped
		}
	}
	return harmed
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestAllDamaged(t *testing.T) {
	folder := twoSteps(t)
	for _, step := range []int64{1, 2} {
		write(t, filepath.Join(folder.pathOf(step), progressFile), nil)
	}
	_, err := folder.Load(t.Context(), run, stateAt(-1))
	if err == nil || errors.Is(err, ErrNone) {
		t.Fatalf("the error is %v", err)
	}
	for _, want := range []string{"step-000000001", "step-000000002", "progress.json", "move it away"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

func TestPointer(t *testing.T) {
	folder := twoSteps(t)
	for _, test := range []struct {
		name    string
		content string
		want    int64
	}{
		{"as written", "step-000000002\n", 2},
		{"of an older step", "step-000000001\n", 1},
		{"of a step that is gone", "step-000000003\n", 2},
		{"of a step before all", "step-000000000\n", 2},
		{"empty", "", 2},
		{"garbage", "../../etc/passwd", 2},
		{"endless", strings.Repeat("step-000000001\n", 1000), 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			write(t, filepath.Join(folder.Path, latestFile), []byte(test.content))
			expect(t, folder, test.want)
		})
	}
}

// TestCutOffBeforeItCounted loads what "latest" names although a newer
// checkpoint is there, and the newer one where the older is damaged.
func TestCutOffBeforeItCounted(t *testing.T) {
	folder := twoSteps(t)
	write(t, filepath.Join(folder.Path, latestFile), []byte("step-000000001\n"))
	expect(t, folder, 1)
	write(t, filepath.Join(folder.pathOf(1), manifestFile), nil)
	expect(t, folder, 2)
}

func TestLeftoversAreRemoved(t *testing.T) {
	folder := twoSteps(t)
	left := filepath.Join(folder.Path, replace.Unfinished+stepName(9)+"-123")
	if err := os.Mkdir(left, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(left, "weights.safetensors"), make([]byte, 100))
	expect(t, folder, 2)
	save(t, folder, progressAt(3))
	checkTidy(t, folder)
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"version":1,"files":[{"name":"a","bytes":1,"sha256":"` + strings.Repeat("0", 64) + `"}]}`))
	f.Add([]byte(`{"version":1,"files":[{"name":"../a","bytes":-1,"sha256":""}]}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		listed, err := parseManifest(content)
		if err != nil {
			return
		}
		for _, file := range listed.Files {
			if !filepath.IsLocal(file.Name) || strings.ContainsRune(file.Name, filepath.Separator) || file.Bytes < 0 {
				t.Errorf("the file %+v is accepted", file)
			}
		}
	})
}

func FuzzProgress(f *testing.F) {
	content, err := encode(progressAt(3))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Add([]byte(`{"step":1,"loss_scale":1,"best":{"step":0,"value":1e400}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		progress, err := parseProgress(content)
		if err != nil {
			return
		}
		again, err := encode(progress)
		if err != nil {
			t.Fatalf("%+v cannot be written: %v", progress, err)
		}
		if back, err := parseProgress(again); err != nil || !reflect.DeepEqual(back, progress) {
			t.Errorf("%+v comes back as %+v: %v", progress, back, err)
		}
	})
}

func FuzzStepName(f *testing.F) {
	f.Add("step-000000001")
	f.Add("step-0000000000")
	f.Fuzz(func(t *testing.T, name string) {
		if step, ok := stepOf(name); ok && stepName(step) != name {
			t.Errorf("%q is read as step %d", name, step)
		}
	})
}
