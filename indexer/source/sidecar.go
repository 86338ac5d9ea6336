package source

import (
	"cmp"
	"encoding/json"
	"errors"
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

// MaxMetadata is the most bytes of a picture's metadata as JSON: a field of the index
// holds 65,535.
const MaxMetadata = 60_000

const maxSidecar = 1 << 20 // bytes of a sidecar file or of one manifest line

// ParseSidecar reads a JSON object about one picture. Captions stand in
// "captions" as a list of texts or of {"language", "text"}, or as an object
// from language to text or texts; "caption" and "text" may hold a single text
// of unknown language. "tags" is a list of texts. All else is kept as metadata. Keys
// and texts are composed (NFC); see metadata.Parse. UTF-16 is read as well if it begins
// with a byte order mark. Next to a *LostError there is all that can be used.
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
	clean := metadata.WithoutNaN(data)
	fields, unusable, err := metadata.Parse(clean)
	if err != nil {
		return Sidecar{}, fmt.Errorf("it is not a JSON object that can be used: %w", err)
	}
	lost := LostError{Lost: unusable}
	if len(clean) != len(data) {
		lost.add(errors.New("NaN and Infinity, which JSON does not have, are read as null"))
	}
	sidecar := Sidecar{Metadata: fields, Captions: takeCaptions(fields, &lost)}
	lost.add(checkTags(fields))
	lost.add(fit(fields))
	return sidecar, lost.orNil()
}

// LostError says what of a sidecar cannot be used; the rest can.
type LostError struct{ Lost []error }

func (e *LostError) add(err error) {
	if err != nil {
		e.Lost = append(e.Lost, err)
	}
}

func (e *LostError) orNil() error {
	if e.Lost == nil {
		return nil
	}
	return e
}

// Error lists what is lost.
func (e *LostError) Error() string {
	texts := make([]string, len(e.Lost))
	for i, err := range e.Lost {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap gives what is lost.
func (e *LostError) Unwrap() []error { return e.Lost }

// fit removes the largest fields until the others are small enough.
func fit(fields map[string]any) error {
	sizes, total, err := sizesOf(fields)
	if err != nil {
		clear(fields)
		return fmt.Errorf("its metadata is not usable: %w", err)
	}
	if total <= MaxMetadata {
		return nil
	}
	names := slices.SortedFunc(maps.Keys(sizes), func(a, b string) int {
		return cmp.Or(cmp.Compare(sizes[b], sizes[a]), cmp.Compare(a, b))
	})
	var left []string
	for _, name := range names {
		if total <= MaxMetadata {
			break
		}
		left = append(left, fmt.Sprintf("%.80q", name))
		total -= sizes[name]
		delete(fields, name)
	}
	return fmt.Errorf("its metadata without %s: that and the rest have more bytes than the %d of JSON, at most %d are allowed",
		firstOf(left), MaxMetadata, MaxMetadata)
}

// sizesOf is how many bytes of JSON each field takes, with what separates it from others,
// and how many all take.
func sizesOf(fields map[string]any) (sizes map[string]int, total int, err error) {
	sizes, total = make(map[string]int, len(fields)), 1
	for name, value := range fields {
		text, err := json.Marshal(map[string]any{name: value})
		if err != nil {
			return nil, 0, err
		}
		sizes[name] = len(text) - 1
		total += sizes[name]
	}
	return sizes, total, nil
}

// firstOf joins texts, of many the first ones.
func firstOf(texts []string) string {
	const most = 10
	if len(texts) <= most {
		return strings.Join(texts, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(texts[:most], ", "), len(texts)-most)
}

// takeCaptions removes the keys that hold captions from fields.
func takeCaptions(fields map[string]any, lost *LostError) []Caption {
	var captions []Caption
	for _, key := range []string{"captions", "caption", "text"} {
		value, ok := fields[key]
		if !ok || key == "text" && !isText(value) {
			continue
		}
		delete(fields, key)
		found, err := captionsOf("", value)
		if err != nil {
			lost.add(fmt.Errorf("its field %q: %w", key, err))
		}
		captions = append(captions, found...)
	}
	return usableCaptions(captions, lost)
}

func usableCaptions(captions []Caption, lost *LostError) []Caption {
	var usable []Caption
	for _, caption := range captions {
		if err := caption.check(); err != nil {
			lost.add(err)
			continue
		}
		usable = append(usable, caption)
	}
	if len(usable) > metadata.MaxCaptions {
		lost.add(fmt.Errorf("it has %d captions, at most %d are allowed: the others are left out", len(usable), metadata.MaxCaptions))
		usable = usable[:metadata.MaxCaptions]
	}
	return usable
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

// captionList gives what can be used next to an error.
func captionList(language string, list []any) ([]Caption, error) {
	var captions []Caption
	var lost []error
	for i, element := range list {
		found, err := captionElement(language, element)
		if err != nil {
			lost = append(lost, fmt.Errorf("element %d: %w", i, err))
		}
		captions = append(captions, found...)
	}
	return captions, errors.Join(lost...)
}

func captionElement(language string, element any) ([]Caption, error) {
	object, isObject := element.(map[string]any)
	if !isObject || !isText(object["text"]) {
		if !isText(element) && element != nil {
			return nil, errors.New("want a text or {\"language\", \"text\"}")
		}
		return captionsOf(language, element)
	}
	own, ok := object["language"].(string)
	if !ok && object["language"] != nil {
		return nil, errors.New("language is not a text")
	}
	return captionsOf(own, object["text"])
}

// captionMap gives what can be used next to an error.
func captionMap(object map[string]any) ([]Caption, error) {
	if isText(object["text"]) { // a single {"language", "text"}
		return captionList("", []any{object})
	}
	var captions []Caption
	var lost []error
	for _, language := range slices.Sorted(maps.Keys(object)) {
		if language == "" {
			lost = append(lost, errors.New("a language is empty"))
			continue
		}
		found, err := captionsOf(language, object[language])
		if err != nil {
			lost = append(lost, fmt.Errorf("language %.40q: %w", language, err))
		}
		captions = append(captions, found...)
	}
	return captions, errors.Join(lost...)
}

// languageTag is the shape of BCP 47, without its registry.
var languageTag = regexp.MustCompile(`^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,7}$`)

func (c Caption) check() error {
	switch {
	case c.Language != "" && !languageTag.MatchString(c.Language):
		return fmt.Errorf("caption language %.40q is not a language tag like en or zh-Hant", c.Language)
	case len(c.Text) > metadata.MaxCaption:
		return fmt.Errorf("a caption has %d bytes, at most %d are allowed", len(c.Text), metadata.MaxCaption)
	case strings.ContainsRune(c.Text, 0) || !utf8.ValidString(c.Text):
		return fmt.Errorf("a caption holds bytes that are not text")
	}
	return nil
}

// checkTags takes tags that are no texts out of fields.
func checkTags(fields map[string]any) error {
	tags, ok := fields["tags"]
	if !ok || tags == nil {
		return nil
	}
	list, ok := tags.([]any)
	if !ok {
		delete(fields, "tags")
		return errors.New("its field \"tags\" is not a list of texts")
	}
	texts := slices.DeleteFunc(slices.Clone(list), func(tag any) bool { return !isText(tag) })
	if len(texts) < len(list) {
		fields["tags"] = texts
		return errors.New("its field \"tags\" is not a list of texts alone: what is none is left out")
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

// metadataNames are the files in a folder that are named like metadata. Texts are so
// only beside a file whose name they share: most are just texts.
func metadataNames(entries []fs.DirEntry) metadataFiles {
	names := make(metadataFiles)
	var texts []string
	for _, entry := range entries {
		if !entry.Type().IsRegular() && entry.Type() != fs.ModeSymlink {
			continue
		}
		switch name := entry.Name(); strings.ToLower(path.Ext(name)) {
		case ".json", ".jsonl", ".csv", ".parquet", ".xmp":
			names[name] = false
		case ".txt", ".caption":
			texts = append(texts, name)
		}
	}
	if len(texts) == 0 {
		return names
	}
	others := stemsOf(entries)
	for _, name := range texts {
		if loose := looseName(name); others[strings.TrimSuffix(loose, path.Ext(loose))] {
			names[name] = false
		}
	}
	return names
}

// stemsOf are the names that a text may have beside a file, in their loose form and without
// its extension: that of the file, with its extension or without.
func stemsOf(entries []fs.DirEntry) map[string]bool {
	stems := make(map[string]bool, 2*len(entries))
	for _, entry := range entries {
		name := looseName(entry.Name())
		switch extension := path.Ext(name); extension {
		case ".txt", ".caption", ".json", ".jsonl", ".csv", ".parquet", ".xmp":
		default:
			stems[name], stems[strings.TrimSuffix(name, extension)] = true, true
		}
	}
	return stems
}
