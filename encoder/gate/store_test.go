package gate

import (
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"
)

func verdictOf(pairs *Retrieval) Verdict {
	v := Verdict{Fingerprint: "f00", Precision: "int8", Runtime: "1.32.0", Time: time.Unix(1e9, 0).UTC(),
		Texts: agreed(0.995), Pictures: agreed(0.999), Pairs: pairs}
	v.Judge()
	return v
}

func TestStore(t *testing.T) {
	s := Store{Folder: filepath.Join(t.TempDir(), "not", "there", "yet")}
	if v, ok, err := s.Read("f00", "int8", "1.32.0"); ok || err != nil {
		t.Fatalf("an empty store gives %+v, %v", v, err)
	}
	for _, want := range []Verdict{verdictOf(nil), verdictOf(pairs(100, 9)), verdictOf(pairs(200, 0))} { // each in place of the one before
		if err := s.Write(want); err != nil {
			t.Fatal(err)
		}
		got, ok, err := s.Read("f00", "int8", "1.32.0")
		if err != nil || !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("wrote %+v, read %+v, %v, %v", want, got, ok, err)
		}
	}
	if files, err := os.ReadDir(s.Folder); err != nil || len(files) != 1 {
		t.Errorf("files %v, %v, want one", files, err)
	}
}

func TestStoreCovers(t *testing.T) {
	const again, kept = false, true
	for name, test := range map[string]struct {
		verdict                         Verdict
		fingerprint, precision, runtime string
		want                            bool
	}{
		"same":                       {verdictOf(nil), "f00", "int8", "1.32.0", kept},
		"other model":                {verdictOf(nil), "f01", "int8", "1.32.0", again},
		"other precision":            {verdictOf(nil), "f00", "fp16", "1.32.0", again},
		"newer runtime":              {verdictOf(nil), "f00", "int8", "1.33.0", again},
		"passed on the user's pairs": {verdictOf(pairs(100, 0)), "f00", "int8", "1.33.0", again},
		"failed on the user's pairs": {verdictOf(pairs(100, 9)), "f00", "int8", "1.33.0", kept},
		"nothing compared":           {Verdict{Fingerprint: "f00", Precision: "int8", Runtime: "1.32.0"}, "f00", "int8", "1.32.0", again},
	} {
		s := Store{Folder: t.TempDir()}
		if err := s.Write(test.verdict); err != nil {
			t.Fatal(err)
		}
		// A file under the name of another model must not speak for it.
		if err := os.Rename(s.Path(test.verdict.Fingerprint, test.verdict.Precision), s.Path(test.fingerprint, test.precision)); err != nil {
			t.Fatal(err)
		}
		got, ok, err := s.Read(test.fingerprint, test.precision, test.runtime)
		if err != nil || ok != test.want || !ok && !reflect.DeepEqual(got, Verdict{}) {
			t.Errorf("%s: %+v, %v, %v, want %v", name, got, ok, err, test.want)
		}
	}
}

// TestFiguresCount: what a file calls itself does not matter.
func TestFiguresCount(t *testing.T) {
	s := Store{Folder: t.TempDir()}
	lying := verdictOf(nil)
	lying.Texts = agreed(0.5)
	if err := s.Write(lying); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := s.Read("f00", "int8", "1.32.0"); err != nil || !ok || got.Passed() {
		t.Errorf("%+v, %v, %v: want a problem", got, ok, err)
	}
}

func TestDamagedFiles(t *testing.T) {
	s := Store{Folder: t.TempDir()}
	if err := s.Write(verdictOf(nil)); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(s.Path("f00", "int8"))
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"", "{", "null", "{}", "[]", "\x00\xff", `{"texts":7}`, string(whole[:len(whole)/2]), string(whole) + "{"} {
		if err := os.WriteFile(s.Path("f00", "int8"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if v, ok, err := s.Read("f00", "int8", "1.32.0"); ok || err != nil || !reflect.DeepEqual(v, Verdict{}) {
			t.Errorf("%.40q is read as %+v, %v, %v", content, v, ok, err)
		}
	}
	if err := s.Write(verdictOf(nil)); err != nil {
		t.Error("a damaged file stays:", err)
	}
}

func TestStoreErrors(t *testing.T) {
	s := Store{Folder: t.TempDir()}
	if err := os.Mkdir(s.Path("f00", "int8"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := s.Read("f00", "int8", "1.32.0"); ok || err == nil {
		t.Error("a folder in place of the file is read")
	}
	if err := s.Write(verdictOf(nil)); err == nil {
		t.Error("a folder in place of the file is written")
	}
	if files, err := os.ReadDir(s.Folder); err != nil || len(files) != 1 {
		t.Errorf("a failed write leaves %v, %v", files, err)
	}
}

// TestManyWriters: whoever reads meanwhile sees one of the verdicts, whole.
func TestManyWriters(t *testing.T) {
	s := Store{Folder: t.TempDir()}
	verdicts := []Verdict{verdictOf(nil), verdictOf(pairs(100, 9)), verdictOf(pairs(5000, 1))}
	if err := s.Write(verdicts[0]); err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			for range 20 {
				if err := s.Write(verdicts[i%len(verdicts)]); err != nil {
					t.Error(err)
				}
				v, ok, err := s.Read("f00", "int8", "1.32.0")
				if err != nil || !ok || !reflect.DeepEqual(v, verdicts[0]) && !reflect.DeepEqual(v, verdicts[1]) && !reflect.DeepEqual(v, verdicts[2]) {
					t.Errorf("read %+v, %v, %v", v, ok, err)
				}
			}
		})
	}
	writers.Wait()
	if files, err := os.ReadDir(s.Folder); err != nil || len(files) != 1 {
		t.Errorf("files %v, %v, want one", files, err)
	}
}
