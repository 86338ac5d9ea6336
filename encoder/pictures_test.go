package encoder_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/encoder"
	"polylens/encoder/internal/formula"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
)

// pictureFingerprint of a model directory, from nothing that was remembered.
func pictureFingerprint(t testing.TB, dir string) (pictures, whole string) {
	t.Helper()
	e := must(openIn(t, dir, encoder.FP32, t.TempDir()))
	defer e.Close()
	return e.PictureFingerprint(), e.Fingerprint()
}

// TestPictureFingerprint changes every tensor and setting, one at a time: those
// of texts leave it as it is, all others change it.
func TestPictureFingerprint(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := modelDir(t)
	pictures, whole := pictureFingerprint(t, dir)
	weights := filepath.Join(dir, safetensors.SingleFile)
	for i, tensor := range formula.Weights(must(siglip2.ReadConfig(dir))) {
		changed := formula.Weights(must(siglip2.ReadConfig(dir)))
		changed[i].Values = slices.Clone(tensor.Values)
		changed[i].Values[len(changed[i].Values)-1] += 0.5
		if err := safetensors.WriteFile(weights, changed); err != nil {
			t.Fatal(err)
		}
		got, other := pictureFingerprint(t, dir)
		if same, seen := got == pictures, strings.HasPrefix(tensor.Name, "vision_model."); same == seen || other == whole {
			t.Errorf("a change of %s: same picture fingerprint %v, same fingerprint %v", tensor.Name, same, other == whole)
		}
	}
	if err := safetensors.WriteFile(weights, formula.Weights(must(siglip2.ReadConfig(dir)))); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"preprocessor_config.json": {"{", `{"resample":3,`},
		"config.json":              {`"vision_config":`, `"vision_config_unused":{},"vision_config":`},
	} {
		path := filepath.Join(dir, name)
		before := must(os.ReadFile(path))
		write(t, dir, name, strings.Replace(string(before), change[0], change[1], 1))
		if got, _ := pictureFingerprint(t, dir); (got == pictures) != (name == "config.json") {
			t.Errorf("%s with %s: same picture fingerprint %v", name, change[1], got == pictures)
		}
		write(t, dir, name, string(before))
	}
}

// TestPictureFingerprintIsRemembered: for the next opening, and computed anew
// where that is damaged.
func TestPictureFingerprintIsRemembered(t *testing.T) {
	dir, cache := modelDir(t), t.TempDir()
	first := must(openIn(t, dir, encoder.FP32, cache))
	entry := filepath.Join(cache, "pictures", first.Fingerprint())
	for _, content := range []string{strings.Repeat("ab", 32), "cut"} {
		write(t, filepath.Dir(entry), filepath.Base(entry), content)
		want := first.PictureFingerprint()
		if len(content) == 64 {
			want = content
		}
		if got := must(openIn(t, dir, encoder.FP32, cache)).PictureFingerprint(); got != want {
			t.Errorf("with %q remembered it is %s, want %s", content, got, want)
		}
	}
}
