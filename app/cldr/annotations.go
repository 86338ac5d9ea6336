package cldr

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"polylens/internal/ordinary"
)

// Annotation is what one language says about one emoji.
type Annotation struct {
	Name     string   // the short name, "" when the language has none
	Keywords []string // further words that describe it
}

// Crossmodal3600 lists the 36 languages of the Crossmodal-3600 benchmark by
// their CLDR locales.
var Crossmodal3600 = strings.Fields("ar bn cs da de el en es fa fi fil fr hi hr hu id it he ja ko " +
	"mi nl no pl pt qu ro ru sv sw te th tr uk vi zh")

// Load reads one locale below dir, the folder that holds "annotations". The
// map is keyed by Key. A locale without annotations of its own is empty.
func Load(dir, locale string) (map[string]Annotation, error) {
	if !fs.ValidPath(locale) || strings.ContainsRune(locale, '/') {
		return nil, fmt.Errorf("CLDR locale %q: not a name", locale)
	}
	path := filepath.Join(dir, "annotations", locale, "annotations.json")
	data, err := ordinary.Read(path, 64<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("CLDR has no locale %q in %s: %w", locale, dir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("CLDR annotations: %w", err)
	}
	annotations, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return annotations, nil
}

// Locales lists the locales below dir in alphabetical order.
func Locales(dir string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(dir, "annotations"))
	if err != nil {
		return nil, fmt.Errorf("CLDR annotations: %w", err)
	}
	var locales []string
	for _, entry := range entries {
		if entry.IsDir() {
			locales = append(locales, entry.Name())
		}
	}
	return locales, nil
}

func parse(data []byte) (map[string]Annotation, error) {
	var file struct {
		Annotations struct {
			Annotations map[string]struct {
				Default []string
				TTS     []string
			}
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	annotations := make(map[string]Annotation, len(file.Annotations.Annotations))
	for emoji, entry := range file.Annotations.Annotations {
		annotation := Annotation{Keywords: entry.Default}
		if len(entry.TTS) > 0 {
			annotation.Name = entry.TTS[0]
		}
		annotations[Key(emoji)] = annotation
	}
	return annotations, nil
}
