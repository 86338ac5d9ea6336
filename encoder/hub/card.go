package hub

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"polylens/internal/ordinary"
)

// cardFile is the model card. The hub reads facts from its front matter, see
// https://huggingface.co/docs/hub/model-cards.
const cardFile = "README.md"

// maxCard is how much of a card is read, in bytes, and how many languages are.
const (
	maxCard      = 1 << 20
	maxLanguages = 2000
)

// card holds the facts of a model card that concern a user.
type card struct {
	Licence   string   // an SPDX-like identifier in lower case, or the name of a licence of its own
	Languages []string // as the card writes them: mostly ISO 639 codes
}

// readCard reads the card of a model directory. A model without a card has no facts.
func readCard(dir string) (card, error) {
	file, err := ordinary.Open(filepath.Join(dir, cardFile))
	if errors.Is(err, fs.ErrNotExist) {
		return card{}, nil
	}
	if err != nil {
		return card{}, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxCard))
	return parseCard(string(content)), err
}

// parseCard reads license, license_name and language from the front matter:
// YAML between two lines of ---. It understands the part of YAML in which
// cards write these keys, plain words and lists of words, and passes over
// everything else, so that no card can make it expand aliases.
func parseCard(text string) card {
	values := map[string][]string{}
	key := ""
	for _, line := range frontMatter(text) {
		if item, ok := listItem(line); ok {
			values[key] = append(values[key], item...)
			continue
		}
		if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		key = strings.TrimSpace(name)
		values[key] = words(value)
	}
	licence := first(values["license"])
	if name := first(values["license_name"]); licence == "other" && name != "" {
		licence = name
	}
	languages := slices.Compact(slices.Sorted(slices.Values(values["language"])))
	return card{Licence: licence, Languages: languages[:min(len(languages), maxLanguages)]}
}

// frontMatter is the lines between the first line and the next, both ---.
func frontMatter(text string) []string {
	lines := strings.Split(strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n"), "\n")
	if strings.TrimRight(lines[0], " ") != "---" {
		return nil
	}
	for i, line := range lines[1:] {
		if strings.TrimRight(line, " ") == "---" {
			return lines[1 : i+1]
		}
	}
	return nil
}

// listItem reads "- word" at any indentation.
func listItem(line string) ([]string, bool) {
	item, ok := strings.CutPrefix(strings.TrimLeft(line, " "), "- ")
	if !ok {
		return nil, false
	}
	return words(item), true
}

// words reads a plain word, a quoted one or a flow list of them, and drops
// what cannot be a name of a licence or a language.
func words(value string) []string {
	value, _, _ = strings.Cut(value, " #")
	value = strings.TrimSpace(value)
	if strings.HasPrefix(value, "[") && strings.HasSuffix(value, "]") {
		value = value[1 : len(value)-1]
	}
	var list []string
	for word := range strings.SplitSeq(value, ",") {
		word = strings.Trim(strings.TrimSpace(word), `"'`)
		if word != "" && len(word) <= 100 && !strings.ContainsFunc(word, notInName) {
			list = append(list, word)
		}
	}
	return list
}

func notInName(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !letter && !strings.ContainsRune("-_.+ ", r)
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
