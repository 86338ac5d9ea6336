package data

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/language"

	"polylens/indexer/source"
)

// ReadOptions say how files that name pictures are read.
type ReadOptions struct {
	// Anywhere allows absolute paths, and relative ones that lead out of the
	// folder of the file, also through links. Leave it off for files that come
	// from somebody else.
	Anywhere bool
	// Attributes are the names of the fields to keep as attributes.
	Attributes []string
	// Cache is the folder in which compressed shards are unpacked; without one they
	// cannot be read. The Opener of their pictures needs the same.
	Cache string
}

const (
	maxRecord = 1 << 20 // bytes of a line, a row or a json or txt member
	maxURI    = 2048
	maxItem   = 512 // bytes
)

// pictureFields name the field that says where a picture is.
var pictureFields = []string{"image", "picture", "file_name", "path", "url"}

// captionFields name the fields that source.ParseSidecar takes captions from.
var captionFields = []string{"captions", "caption", "text"}

var errNoPicture = fmt.Errorf("no field says where the picture is: name it in one of %s", strings.Join(pictureFields, ", "))

// place finds the picture that fields name, relative to the folder of a file.
func (o ReadOptions) place(fields map[string]any, folder string) (Picture, error) {
	var names []string
	for _, key := range pictureFields {
		if name, ok := fields[key].(string); ok && name != "" {
			names = append(names, name)
		}
	}
	switch len(names) {
	case 0:
		return Picture{}, errNoPicture
	case 1:
		return o.locate(names[0], folder)
	}
	return Picture{}, fmt.Errorf("several fields say where the picture is: %.200q; keep one of them", names)
}

// locate makes a Picture of a path or URL.
func (o ReadOptions) locate(name, folder string) (Picture, error) {
	picture, err := o.resolve(name, folder)
	if err == nil && len(picture.URI) > maxURI {
		err = fmt.Errorf("the place of the picture has %d characters as a URI, at most %d are allowed", len(picture.URI), maxURI)
	}
	return picture, err
}

func (o ReadOptions) resolve(name, folder string) (Picture, error) {
	if strings.ContainsRune(name, 0) {
		return Picture{}, errors.New("the place of the picture holds a NUL byte")
	}
	if scheme, _, ok := strings.Cut(name, "://"); ok && isScheme(scheme) {
		return webPicture(name)
	}
	file := filepath.FromSlash(name)
	if o.Anywhere {
		if !filepath.IsAbs(file) {
			file = filepath.Join(folder, file)
		}
		return Picture{URI: fileURI(filepath.Clean(file))}, nil
	}
	if !filepath.IsLocal(file) {
		return Picture{}, fmt.Errorf("%.200q leads out of the folder of the file, which has to be allowed", name)
	}
	return Picture{URI: fileURI(filepath.Join(folder, file)), Within: fileURI(folder)}, nil
}

func isScheme(text string) bool {
	return text != "" && strings.IndexFunc(text, func(r rune) bool { return r > 'z' || !isASCIIWord(byte(r)) }) < 0
}

func isASCIIWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '+' || c == '-' || c == '.'
}

func webPicture(name string) (Picture, error) {
	address, err := url.Parse(name)
	if err != nil {
		return Picture{}, fmt.Errorf("URL %.200q cannot be read: %w", name, errors.Unwrap(err))
	}
	if address.Scheme != "http" && address.Scheme != "https" || address.Hostname() == "" {
		return Picture{}, fmt.Errorf("URL %.200q is not of http or https", name)
	}
	if address.User != nil {
		return Picture{}, fmt.Errorf("URL of host %.200q holds a name or password: leave it out", address.Host)
	}
	address.Fragment = ""
	return Picture{URI: address.String()}, nil
}

// fileURI gives the file URI (RFC 8089) of an absolute path.
func fileURI(absolute string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(absolute)}).String()
}

// describe reads everything but the picture from the JSON of one record.
func (o ReadOptions) describe(data []byte, fields map[string]any) (Record, error) {
	sidecar, err := source.ParseSidecar(data)
	if err != nil {
		return Record{}, err
	}
	r := Record{Empty: countEmpty(fields)}
	spoken, err := languageField(fields)
	if err != nil {
		return Record{}, err
	}
	for _, c := range sidecar.Captions {
		if c.Language == "" {
			c.Language = spoken
		}
		r.Captions = append(r.Captions, Caption(c))
	}
	if r.Item, err = textField(fields, "item"); err != nil {
		return Record{}, err
	}
	r.Relevance, err = relevance(fields["relevance"])
	r.Attributes = o.AttributesIn(fields)
	return r, err
}

// textField reads a field that holds a short text or a whole number.
func textField(fields map[string]any, name string) (string, error) {
	text, ok := scalar(fields[name])
	switch {
	case fields[name] != nil && !ok:
		return "", fmt.Errorf("its field %q is not a text", name)
	case len(text) > maxItem:
		return "", fmt.Errorf("its field %q has %d bytes, at most %d are allowed", name, len(text), maxItem)
	}
	return strings.TrimSpace(text), nil
}

// languageField reads the language of texts that do not name their own.
func languageField(fields map[string]any) (string, error) {
	tag, err := textField(fields, "language")
	if err != nil || tag == "" {
		return "", err
	}
	tag = strings.ReplaceAll(tag, "_", "-")
	var unknown language.ValueError // well formed, but not registered
	if _, err := language.Parse(tag); err != nil && !errors.As(err, &unknown) {
		return "", fmt.Errorf("language %.40q is not a language tag like en or zh-Hant", tag)
	}
	return tag, nil
}

// scalar writes a JSON value that is a text, a number or a truth value.
func scalar(value any) (string, bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64), true
	case bool:
		return strconv.FormatBool(value), true
	}
	return "", false
}

// AttributesIn are the fields to keep of all fields of a record: texts, numbers
// and truth values, as texts.
func (o ReadOptions) AttributesIn(fields map[string]any) map[string]string {
	var kept map[string]string
	for _, name := range o.Attributes {
		if text, ok := scalar(fields[name]); ok && text != "" {
			if kept == nil {
				kept = make(map[string]string, len(o.Attributes))
			}
			kept[name] = text
		}
	}
	return kept
}

// relevance reads a number from 0 to 1, also as a text; nothing is 1.
func relevance(value any) (float32, error) {
	var number float64
	switch value := value.(type) {
	case nil:
		return 1, nil
	case float64:
		number = value
	case string:
		if strings.TrimSpace(value) == "" {
			return 1, nil
		}
		var err error
		if number, err = strconv.ParseFloat(strings.TrimSpace(value), 64); err != nil {
			number = math.NaN()
		}
	default:
		number = math.NaN()
	}
	if !(number >= 0 && number <= 1) {
		return 0, fmt.Errorf("relevance %.40v is not a number from 0 to 1", value)
	}
	return float32(number), nil
}

// countEmpty counts the captions that hold only white space.
func countEmpty(fields map[string]any) int {
	count := 0
	for _, name := range captionFields {
		count += countBlank(fields[name])
	}
	return count
}

func countBlank(value any) int {
	count := 0
	switch value := value.(type) {
	case string:
		if strings.TrimSpace(value) == "" {
			count = 1
		}
	case []any:
		for _, element := range value {
			count += countBlank(element)
		}
	case map[string]any:
		if text, ok := value["text"].(string); ok {
			return countBlank(text)
		}
		for _, element := range value {
			count += countBlank(element)
		}
	}
	return count
}

// isPicture reports, by the extension, whether a member of a shard is a picture. Formats
// that cannot be read are so as well: they are named, and not passed over.
func isPicture(extension string) bool {
	return extension == "jp2" || extension == "jxl" || source.IsPicture("x."+extension)
}

// folderOf is the absolute folder of a file.
func folderOf(file string) (string, error) {
	absolute, err := filepath.Abs(file)
	if err != nil {
		return "", fmt.Errorf("file %s: %w", file, err)
	}
	return filepath.Dir(absolute), nil
}

// keyOf splits the name of a member of a shard into the key of its sample and
// its extension, which begins after the first dot of the last part.
func keyOf(member string) (key, extension string) {
	folder, base := path.Split(member)
	base, extension, _ = strings.Cut(base, ".")
	return folder + base, strings.ToLower(extension)
}

// namesPicture reports whether a header has a field for the picture.
func namesPicture(header []string) bool {
	return slices.ContainsFunc(pictureFields, func(name string) bool { return slices.Contains(header, name) })
}
