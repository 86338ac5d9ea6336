package source

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"polylens/indexer/metadata"
	"polylens/internal/text"
)

const (
	maxSidecar  = 1 << 20 // bytes of a sidecar file or of one manifest line
	maxMetadata = 60_000  // bytes as JSON: an index field holds 65,535
	maxCaptions = 2_000   // of one picture
	maxCaption  = 8 << 10 // bytes
)

// ParseSidecar reads a JSON object about one picture. Captions stand in
// "captions" as a list of texts or of {"language", "text"}, or as an object
// from language to text or texts; "caption" and "text" may hold a single text
// of unknown language. "tags" is a list of texts. All else is kept as metadata. Keys
// and texts are composed (NFC); see metadata.Parse. UTF-16 is read as well if it begins
// with a byte order mark.
func ParseSidecar(data []byte) (Sidecar, error) {
	if len(data) > maxSidecar {
		return Sidecar{}, fmt.Errorf("it has %d bytes, at most %d are allowed", len(data), maxSidecar)
	}
	data, err := text.Decode(data)
	if err == nil {
		err = text.CheckLines(data, 1)
	}
	if err != nil {
		return Sidecar{}, err
	}
	fields, err := metadata.Parse(data)
	if err != nil {
		return Sidecar{}, fmt.Errorf("it is not a JSON object that can be used: %w", err)
	}
	captions, err := takeCaptions(fields)
	if err != nil {
		return Sidecar{}, err
	}
	if err := checkTags(fields); err != nil {
		return Sidecar{}, err
	}
	if stored, err := json.Marshal(fields); err != nil {
		return Sidecar{}, fmt.Errorf("its metadata is not usable: %w", err)
	} else if len(stored) > maxMetadata {
		return Sidecar{}, fmt.Errorf("its metadata has %d bytes, at most %d are allowed", len(stored), maxMetadata)
	}
	return Sidecar{Metadata: fields, Captions: captions}, nil
}

// takeCaptions removes the keys that hold captions from fields.
func takeCaptions(fields map[string]any) ([]Caption, error) {
	var captions []Caption
	for _, key := range []string{"captions", "caption", "text"} {
		value, ok := fields[key]
		if !ok || key == "text" && !isText(value) {
			continue
		}
		delete(fields, key)
		found, err := captionsOf("", value)
		if err != nil {
			return nil, fmt.Errorf("its field %q: %w", key, err)
		}
		captions = append(captions, found...)
	}
	if len(captions) > maxCaptions {
		return nil, fmt.Errorf("it has %d captions, at most %d are allowed", len(captions), maxCaptions)
	}
	for _, caption := range captions {
		if err := caption.check(); err != nil {
			return nil, err
		}
	}
	return captions, nil
}

func isText(value any) bool { _, ok := value.(string); return ok }

// captionsOf reads any accepted form; language is known from outside or "".
func captionsOf(language string, value any) ([]Caption, error) {
	switch value := value.(type) {
	case nil:
		return nil, nil
	case string:
		if text := strings.TrimSpace(value); text != "" {
			return []Caption{{strings.ReplaceAll(language, "_", "-"), text}}, nil
		}
		return nil, nil
	case []any:
		return captionList(language, value)
	case map[string]any:
		if language == "" {
			return captionMap(value)
		}
	}
	return nil, fmt.Errorf("want texts, {\"language\", \"text\"} objects, or an object from language to text")
}

func captionList(language string, list []any) ([]Caption, error) {
	var captions []Caption
	for i, element := range list {
		object, isObject := element.(map[string]any)
		if isObject && isText(object["text"]) {
			element = object["text"]
			own, ok := object["language"].(string)
			if !ok && object["language"] != nil {
				return nil, fmt.Errorf("element %d: language is not a text", i)
			}
			found, err := captionsOf(own, element)
			if err != nil {
				return nil, fmt.Errorf("element %d: %w", i, err)
			}
			captions = append(captions, found...)
			continue
		}
		if !isText(element) {
			return nil, fmt.Errorf("element %d: want a text or {\"language\", \"text\"}", i)
		}
		found, err := captionsOf(language, element)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		captions = append(captions, found...)
	}
	return captions, nil
}

func captionMap(object map[string]any) ([]Caption, error) {
	if isText(object["text"]) { // a single {"language", "text"}
		return captionList("", []any{object})
	}
	var captions []Caption
	for _, language := range slices.Sorted(maps.Keys(object)) {
		if language == "" {
			return nil, fmt.Errorf("a language is empty")
		}
		found, err := captionsOf(language, object[language])
		if err != nil {
			return nil, fmt.Errorf("language %.40q: %w", language, err)
		}
		captions = append(captions, found...)
	}
	return captions, nil
}

// languageTag is the shape of BCP 47, without its registry.
var languageTag = regexp.MustCompile(`^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,7}$`)

func (c Caption) check() error {
	switch {
	case c.Language != "" && !languageTag.MatchString(c.Language):
		return fmt.Errorf("caption language %.40q is not a language tag like en or zh-Hant", c.Language)
	case len(c.Text) > maxCaption:
		return fmt.Errorf("a caption has %d bytes, at most %d are allowed", len(c.Text), maxCaption)
	case strings.ContainsRune(c.Text, 0) || !utf8.ValidString(c.Text):
		return fmt.Errorf("a caption holds bytes that are not text")
	}
	return nil
}

func checkTags(fields map[string]any) error {
	tags, ok := fields["tags"]
	if !ok || tags == nil {
		return nil
	}
	list, ok := tags.([]any)
	if !ok || slices.ContainsFunc(list, func(tag any) bool { return !isText(tag) }) {
		return fmt.Errorf("its field \"tags\" is not a list of texts")
	}
	return nil
}

// over puts a nearer sidecar on top of a farther one: its keys win, and its captions,
// if it has any, replace the others.
func (s Sidecar) over(far Sidecar) Sidecar {
	if far.Metadata == nil {
		far.Metadata = s.Metadata
	} else {
		maps.Copy(far.Metadata, s.Metadata)
	}
	if len(s.Captions) > 0 {
		far.Captions = s.Captions
	}
	return far
}

// metadataFiles are the files in a folder that may say something about pictures, by
// name, and whether they were of use.
type metadataFiles map[string]bool

// use reports whether there is such a file, and notes that it is of use.
func (m metadataFiles) use(name string) bool {
	if _, ok := m[name]; !ok {
		return false
	}
	m[name] = true
	return true
}

func metadataNames(entries []fs.DirEntry) metadataFiles {
	names := make(metadataFiles)
	for _, entry := range entries {
		switch path.Ext(entry.Name()) {
		case ".json", ".jsonl", ".csv":
			if entry.Type().IsRegular() || entry.Type() == fs.ModeSymlink {
				names[entry.Name()] = false
			}
		}
	}
	return names
}

// sidecar collects everything said about a picture; what cannot be read is
// reported and left out.
func (w *walker) sidecar(at *place, name string) Sidecar {
	var sidecar Sidecar
	for _, m := range at.manifests {
		entry, ok := w.entryOf(m, name, at.alike)
		if !ok {
			continue
		}
		found, err := ParseSidecar(entry.data)
		if err != nil {
			w.problem(Problem{URI: m.uri + "#" + entry.place, Kind: ProblemSidecar, Err: err})
			continue
		}
		delete(found.Metadata, fileNameKey)
		sidecar = found.over(sidecar)
	}
	base := path.Base(name)
	for _, candidate := range []string{base + ".json", strings.TrimSuffix(base, path.Ext(base)) + ".json"} {
		candidate, ok := at.metadata.useAnyForm(candidate)
		if !ok || candidate == base {
			continue
		}
		file := path.Join(path.Dir(name), candidate)
		found, err := w.readSidecar(file)
		w.tellSidecarForm(name, candidate)
		if err != nil {
			w.problem(Problem{URI: w.uri(file), Kind: ProblemSidecar, Err: err})
			break
		}
		return found.over(sidecar)
	}
	return sidecar
}

func (w *walker) readSidecar(name string) (Sidecar, error) {
	data, err := w.readFile(name, maxSidecar)
	if err != nil {
		return Sidecar{}, err
	}
	return ParseSidecar(data)
}
