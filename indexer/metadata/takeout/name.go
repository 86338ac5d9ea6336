package takeout

import (
	"path"
	"regexp"
	"strings"
	"unicode/utf16"

	"golang.org/x/text/unicode/norm"
)

// The names that Takeout writes, as people have found them:
//
//	IMG.jpg.json                              until 2024
//	IMG.jpg.supplemental-metadata.json        since; shortened to .supplemental-me.json, ... .s.json, ..json
//	IMG.jpg(1).json                           of IMG(1).jpg
//	IMG.jpg.supplemental-metadata(1).json     of IMG(1).jpg
//	A_NAME_OF_46_LETTERS_AT_MOST.json         of the picture whose name goes on
//
// An edited picture, IMG-edited.jpg, shares the file of IMG.jpg.
const (
	extension    = ".json"
	supplemental = "supplemental-metadata"
	longest      = 46 // letters of a name before .json, in UTF-16
)

// Names are the JSON files of one folder.
type Names struct {
	whole map[key]string // the file by what it belongs to
	cut   map[key]string // those whose name was cut
}

// key is the name of a picture, or its beginning, without the number that tells
// pictures of one name apart, and that number, "" if it has none.
type key struct{ name, number string }

// NewNames takes the names of the files of a folder; those that are no JSON files do
// not count.
func NewNames(files []string) Names {
	n := Names{whole: make(map[key]string), cut: make(map[key]string)}
	for _, file := range files {
		if !strings.EqualFold(path.Ext(file), extension) {
			continue
		}
		base := file[:len(file)-len(extension)]
		k := splitNumber(fold(base))
		if stem, ok := withoutSupplement(k.name); ok {
			n.whole[key{stem, k.number}] = file
		} else {
			n.whole[k] = file
			if len(utf16.Encode([]rune(base))) == longest {
				n.cut[k] = file
			}
		}
	}
	return n
}

// Find returns the file that belongs to a picture, "" if there is none.
func (n Names) Find(picture string) string {
	name := fold(picture)
	ext := path.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	counted := splitNumber(stem)
	candidates := []key{{name, ""}, {counted.name + ext, counted.number}}
	if original, ok := withoutEdited(counted.name); ok {
		candidates = append(candidates, key{original + ext, counted.number})
	}
	for _, k := range candidates {
		if file := n.whole[k]; file != "" {
			return file
		}
	}
	for _, k := range candidates {
		if file := n.findCut(k); file != "" {
			return file
		}
	}
	return ""
}

// findCut finds the longest name that was cut and that this one goes on from.
func (n Names) findCut(k key) string {
	if len(n.cut) == 0 {
		return ""
	}
	for end := len(k.name); end > 0; end-- {
		if file := n.cut[key{k.name[:end], k.number}]; file != "" {
			return file
		}
	}
	return ""
}

// fold makes names equal that differ in case or in how their letters are composed.
func fold(name string) string { return strings.ToLower(norm.NFC.String(name)) }

var number = regexp.MustCompile(`^(.+)\((\d{1,5})\)$`)

func splitNumber(name string) key {
	if parts := number.FindStringSubmatch(name); parts != nil {
		return key{parts[1], parts[2]}
	}
	return key{name, ""}
}

// withoutSupplement takes .supplemental-metadata off, or its beginning.
func withoutSupplement(name string) (string, bool) {
	dot := strings.LastIndexByte(name, '.')
	if dot < 1 || !strings.HasPrefix(supplemental, name[dot+1:]) {
		return name, false
	}
	return name[:dot], true
}

// edited are the endings of pictures that were changed in Google Photos, in the
// languages in which people have met them.
var edited = []string{
	"-edited", "-effects", "-smile", "-mix", "-bearbeitet", "-modifié", "-editado", "-ha editado", "-editat",
	"-modificato", //nolint:misspell // Italian
	"-bewerkt", "-edytowane", "-redigeret", "-redigert", "-redigerad", "-muokattu", "-upraveno", "-upravené", "-szerkesztett",
	"-düzenlendi", "-изменено", "-відредаговано", "-編集済み", "-已编辑", "-已編輯", "-수정됨",
}

func withoutEdited(stem string) (string, bool) {
	for _, ending := range edited {
		if original, ok := strings.CutSuffix(stem, ending); ok && original != "" {
			return original, true
		}
	}
	return stem, false
}
