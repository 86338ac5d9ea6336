package fresh

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"polylens/encoder/tokenizer"
	"polylens/internal/ordinary"
)

// Names of files that number tokens.
const (
	tokenizerFile       = "tokenizer.json"
	tokenizerConfigFile = "tokenizer_config.json"
)

// maxTokens bounds the bytes of such a file.
const maxTokens = 64 << 20

// object is a JSON object whose other fields are kept as they are.
type object map[string]json.RawMessage

// field reads a field, which may be missing, into a value.
func (o object) field(name string, into any) error {
	content, ok := o[name]
	if !ok {
		return nil
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	return nil
}

// set changes a field.
func (o object) set(name string, value any) error {
	content, err := encoded(value)
	o[name] = content
	return err
}

// encoded is JSON that leaves <, > and & as they are, for people to read.
func encoded(value any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSpace(buffer.Bytes()), err
}

// joined is two neighbouring pieces of a text that become one.
type joined [2]string

// UnmarshalJSON accepts ["a", "b"] and, as older files have it, "a b".
func (j *joined) UnmarshalJSON(content []byte) error {
	var text string
	if err := json.Unmarshal(content, &text); err != nil {
		return json.Unmarshal(content, (*[2]string)(j))
	}
	left, right, ok := strings.Cut(text, " ")
	if !ok {
		return fmt.Errorf("the merge %.80q has no two parts", text)
	}
	*j = joined{left, right}
	return nil
}

// addedToken is a token that is looked for before a text is cut into pieces.
type addedToken struct {
	ID         int64  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// tokens is a byte-pair encoding in a tokenizer.json.
type tokens struct {
	file, model object
	added       []addedToken
	ids         map[string]int64 // of the pieces
	merges      []joined         // in order of their rank
	pieces      map[int64]string // of the ids, added tokens included
	ranks       map[joined]int
}

// readTokens reads the tokenizer.json of a model directory.
func readTokens(dir string) (*tokens, error) {
	t, err := tokenizer.Open(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, tokenizerFile)
	if t.Kind() != tokenizer.KindBPE || t.File() != path {
		return nil, fmt.Errorf("the vocabulary of %s cannot be changed: it takes a byte-pair encoding in %s, as SigLIP 2 has it", dir, tokenizerFile)
	}
	content, err := ordinary.Read(path, maxTokens)
	if err != nil {
		return nil, err
	}
	read, err := parseTokens(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return read, nil
}

func parseTokens(content []byte) (*tokens, error) {
	t := &tokens{file: object{}, model: object{}, pieces: map[int64]string{}, ranks: map[joined]int{}}
	if err := json.Unmarshal(content, &t.file); err != nil {
		return nil, err
	}
	if err := t.file.field("model", &t.model); err != nil {
		return nil, err
	}
	for name, into := range map[string]any{"vocab": &t.ids, "merges": &t.merges} {
		if err := t.model.field(name, into); err != nil {
			return nil, err
		}
	}
	if err := t.file.field("added_tokens", &t.added); err != nil {
		return nil, err
	}
	for piece, id := range t.ids {
		t.pieces[id] = piece
	}
	for _, added := range t.added {
		t.pieces[added.ID] = added.Content
	}
	for rank, merge := range t.merges {
		t.ranks[merge] = rank // of two the later counts, as where it is read for search
	}
	return t, nil
}

// content is the tokenizer.json.
func (t *tokens) content() ([]byte, error) {
	for name, value := range map[string]any{"vocab": t.ids, "merges": t.merges} {
		if err := t.model.set(name, value); err != nil {
			return nil, err
		}
	}
	if err := t.file.set("model", t.model); err != nil {
		return nil, err
	}
	if err := t.file.set("added_tokens", t.added); err != nil {
		return nil, err
	}
	return encoded(t.file)
}

// size is above every id.
func (t *tokens) size() int64 {
	size := int64(0)
	for id := range t.pieces {
		size = max(size, id+1)
	}
	return size
}

// way lists what a piece is made of, step by step, from single characters on: a
// text of which the piece is a token meets all of them. whole is false for a
// piece that its own characters do not lead to.
func (t *tokens) way(piece string) (steps []string, whole bool) {
	parts := strings.Split(piece, "")
	steps = append(steps, parts...)
	for len(parts) > 1 {
		best := t.lowest(parts)
		if best < 0 {
			return steps, false
		}
		parts[best] += parts[best+1]
		parts = append(parts[:best+1], parts[best+2:]...)
		steps = append(steps, parts[best])
	}
	return steps, true
}

// lowest is where the merge of the lowest rank is, -1 where there is none.
func (t *tokens) lowest(parts []string) int {
	best, lowest := -1, len(t.merges)
	for i := range len(parts) - 1 {
		if rank, ok := t.ranks[joined{parts[i], parts[i+1]}]; ok && rank < lowest {
			best, lowest = i, rank
		}
	}
	return best
}
