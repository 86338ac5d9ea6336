package preprocess

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpen(t *testing.T) {
	const (
		alone  = "preprocessor_config.json"
		nested = "processor_config.json"
	)
	tests := []struct {
		name   string
		files  map[string]string
		height int
		fault  string
	}{
		{"nothing", nil, 0, "copy preprocessor_config.json"},
		{"alone", map[string]string{alone: `{"size":[48,64]}`}, 48, ""},
		{"nested", map[string]string{nested: `{"image_processor":{"size":[32,64]}}`}, 32, ""},
		{"nested comes first", map[string]string{alone: `{"size":[48,64]}`, nested: `{"image_processor":{"size":[32,64]}}`}, 32, ""},
		{"old file about something else", map[string]string{alone: `{"size":[48,64]}`, nested: `{"processor_class":"x"}`}, 48, ""},
		{"null", map[string]string{alone: `{"size":[48,64]}`, nested: `{"image_processor":null}`}, 48, ""},
		{"only something else", map[string]string{nested: `{"processor_class":"x"}`}, 0, "copy preprocessor_config.json"},
		{"not JSON", map[string]string{nested: `{`}, 0, nested},
		{"bad value", map[string]string{nested: `{"image_processor":{"size":7}}`}, 0, nested + ": size is 7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range tt.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			p, err := Open(dir)
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) || !strings.Contains(err.Error(), dir) {
					t.Fatalf("error %v, want one that names the directory and says %q", err, tt.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if h, w := p.Size(); h != tt.height || w != 64 {
				t.Errorf("size %d x %d", h, w)
			}
		})
	}
}
