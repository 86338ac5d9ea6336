package setup

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"polylens/app/cldr"
)

// demoLayout changes whenever the folder that layOutDemo writes does.
const demoLayout = "1"

const (
	demoArt         = "img/twitter/64/"
	demoTable       = "emoji.json"
	demoLicence     = "CC-BY-4.0"
	demoAttribution = "Twemoji, © Twitter, Inc and other contributors, https://github.com/twitter/twemoji"
)

// picture is one line of the demo's metadata.jsonl, in the form that Hugging
// Face calls imagefolder.
type picture struct {
	FileName    string            `json:"file_name"`
	Emoji       string            `json:"emoji"`
	CodePoints  string            `json:"codepoints"` // cldr.Key
	Group       string            `json:"group"`
	Subgroup    string            `json:"subgroup"`
	Tags        []string          `json:"tags"`     // English keywords
	Captions    map[string]string `json:"captions"` // name by language
	Licence     string            `json:"licence"`
	Attribution string            `json:"attribution"`
}

// layOutDemo writes the pictures of every emoji that CLDR names, skin tones
// aside, as a folder that "polylens index" understands.
func layOutDemo(ctx context.Context, archive, dir, needs string) error {
	names, err := loadNames(needs)
	if err != nil {
		return err
	}
	pictures, err := choosePictures(ctx, archive, names)
	if err != nil {
		return err
	}
	err = eachInTarball(ctx, archive, func(name string, content io.Reader) error {
		chosen, ok := pictures[name]
		if !ok {
			return nil
		}
		return flatten(content, filepath.Join(dir, chosen.FileName))
	})
	if err != nil {
		return err
	}
	return writeMetadata(filepath.Join(dir, "metadata.jsonl"), pictures)
}

// loadNames reads languages without their regional variants, which differ only
// in a few words and would repeat the rest.
func loadNames(dir string) (map[string]map[string]cldr.Annotation, error) {
	locales, err := cldr.Locales(dir)
	if err != nil {
		return nil, err
	}
	names := make(map[string]map[string]cldr.Annotation)
	for _, locale := range locales {
		if strings.Contains(locale, "-") {
			continue
		}
		if names[locale], err = cldr.Load(dir, locale); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// choosePictures reads the table of emoji and returns the wanted pictures by
// their name in the archive.
func choosePictures(ctx context.Context, archive string, names map[string]map[string]cldr.Annotation) (map[string]picture, error) {
	var table []struct {
		Unified     string `json:"unified"`
		Image       string `json:"image"`
		Category    string `json:"category"`
		Subcategory string `json:"subcategory"`
		HasTwitter  bool   `json:"has_img_twitter"`
	}
	err := eachInTarball(ctx, archive, func(name string, content io.Reader) error {
		if name != demoTable {
			return nil
		}
		return json.NewDecoder(content).Decode(&table)
	})
	if err != nil {
		return nil, err
	}
	pictures := make(map[string]picture)
	for _, row := range table {
		emoji, err := cldr.Emoji(row.Unified)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", demoTable, err)
		}
		english := names["en"][cldr.Key(emoji)]
		if !row.HasTwitter || english.Name == "" || cldr.SkinToned(emoji) {
			continue
		}
		key := cldr.Key(emoji)
		pictures[demoArt+path.Base(row.Image)] = picture{
			FileName: key + "-" + slug(english.Name) + ".png",
			Emoji:    emoji, CodePoints: key,
			Group: row.Category, Subgroup: row.Subcategory,
			Tags: english.Keywords, Captions: captions(names, key),
			Licence: demoLicence, Attribution: demoAttribution,
		}
	}
	if len(pictures) == 0 {
		return nil, fmt.Errorf("no picture in %s has a name", filepath.Base(archive))
	}
	return pictures, nil
}

func captions(names map[string]map[string]cldr.Annotation, key string) map[string]string {
	found := make(map[string]string)
	for locale, annotations := range names {
		if name := annotations[key].Name; name != "" {
			found[locale] = name
		}
	}
	return found
}

// slug makes a name fit for a file: ASCII letters and digits, joined by "-".
func slug(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return strings.Join(words, "-")
}

// flatten puts a picture on white: models drop the alpha channel, and the colours
// behind it are arbitrary in such files.
func flatten(content io.Reader, name string) error {
	data, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	decoded, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return err
	}
	if opaque, ok := decoded.(interface{ Opaque() bool }); ok && opaque.Opaque() {
		return os.WriteFile(name, data, 0o644)
	}
	flat := image.NewRGBA(image.Rectangle{Max: decoded.Bounds().Size()})
	draw.Draw(flat, flat.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(flat, flat.Bounds(), decoded, decoded.Bounds().Min, draw.Over)
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, flat); err != nil {
		return err
	}
	return os.WriteFile(name, encoded.Bytes(), 0o644)
}

// writeMetadata writes one line a picture, by file name. A picture that the
// table names but the archive lacks is an error.
func writeMetadata(name string, pictures map[string]picture) error {
	lines := make([]picture, 0, len(pictures))
	for _, line := range pictures {
		lines = append(lines, line)
	}
	slices.SortFunc(lines, func(a, b picture) int { return strings.Compare(a.FileName, b.FileName) })
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	for _, line := range lines {
		if _, err := os.Stat(filepath.Join(filepath.Dir(name), line.FileName)); err != nil {
			return fmt.Errorf("the archive lacks a picture of its own table: %w", err)
		}
		if err := encoder.Encode(line); err != nil {
			return err
		}
	}
	return os.WriteFile(name, text.Bytes(), 0o644)
}
