package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxID bounds the token ids that a file may claim; Gemma has 256,000.
const maxID = 1 << 24

// Parse reads the content of a tokenizer.json.
func Parse(data []byte) (*Tokenizer, error) {
	var f file
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, unreadable(data, err)
	}
	t := &Tokenizer{}
	steps := []func(*file) error{t.setModel, t.setNormalizer, t.setSplit, t.setAdded}
	for _, step := range steps {
		if err := step(&f); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// unreadable explains why data does not decode: another type of model has a
// vocabulary of another shape.
func unreadable(data []byte, err error) error {
	var probe struct{ Model struct{ Type string } }
	if json.Unmarshal(data, &probe) == nil {
		m := modelEntry{Type: probe.Model.Type}
		if other := m.check(); other != nil {
			return other
		}
	}
	return fmt.Errorf("not a readable tokenizer.json: %w", err)
}

// file is tokenizer.json as far as it matters here.
type file struct {
	AddedTokens  []addedEntry `json:"added_tokens"`
	Normalizer   *normalizer  `json:"normalizer"`
	PreTokenizer *struct {
		Type     string  `json:"type"`
		Pattern  pattern `json:"pattern"`
		Behavior string  `json:"behavior"`
		Invert   bool    `json:"invert"`
	} `json:"pre_tokenizer"`
	Model modelEntry `json:"model"`
}

type addedEntry struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
}

type normalizer struct {
	Type        string       `json:"type"`
	Normalizers []normalizer `json:"normalizers"`
	Pattern     pattern      `json:"pattern"`
	Content     string       `json:"content"`
}

type pattern struct {
	String *string `json:"String"`
}

type modelEntry struct {
	Type         string           `json:"type"`
	Dropout      float64          `json:"dropout"`
	UnkToken     *string          `json:"unk_token"`
	Prefix       string           `json:"continuing_subword_prefix"`
	Suffix       string           `json:"end_of_word_suffix"`
	FuseUnk      bool             `json:"fuse_unk"`
	ByteFallback bool             `json:"byte_fallback"`
	IgnoreMerges bool             `json:"ignore_merges"`
	Vocab        map[string]int32 `json:"vocab"`
	Merges       []mergeEntry     `json:"merges"`
}

// mergeEntry is a merge as a pair or, in older files, as "left right".
type mergeEntry [2]string

func (m *mergeEntry) UnmarshalJSON(data []byte) error {
	var parts []string
	if data[0] == '"' {
		var s string
		if err := json.Unmarshal(data, &s); err != nil {
			return err
		}
		parts = strings.Split(s, " ")
	} else if err := json.Unmarshal(data, &parts); err != nil {
		return err
	}
	if len(parts) != 2 {
		return fmt.Errorf("merge %.80s has %d parts; want two", data, len(parts))
	}
	*m = mergeEntry(parts)
	return nil
}

// check refuses what this package does not implement.
func (m *modelEntry) check() error {
	if m.Type != "" && m.Type != "BPE" {
		return fmt.Errorf("model type is %q; SigLIP 2 needs BPE (SigLIP 1 and other models are not supported)", m.Type)
	}
	if m.Dropout != 0 {
		return fmt.Errorf("model has dropout %g; want none", m.Dropout)
	}
	if m.Prefix != "" || m.Suffix != "" {
		return errors.New("model has continuing_subword_prefix or end_of_word_suffix; SigLIP 2 has neither")
	}
	for token, id := range m.Vocab {
		if id < 0 || id >= maxID {
			return fmt.Errorf("token %q has id %d; want 0 to %d", token, id, maxID-1)
		}
	}
	return nil
}

func (t *Tokenizer) setModel(f *file) error {
	e := &f.Model
	if err := e.check(); err != nil {
		return err
	}
	m := &model{unk: -1, fuseUnk: e.FuseUnk, runes: make(map[rune]int32)}
	if e.UnkToken != nil {
		id, ok := e.Vocab[*e.UnkToken]
		if !ok {
			return fmt.Errorf("unk_token %q is not in the vocabulary", *e.UnkToken)
		}
		m.unk = id
	}
	for i := range m.bytes {
		m.bytes[i] = -1
		if id, ok := e.Vocab[fmt.Sprintf("<0x%02X>", i)]; ok && e.ByteFallback {
			m.bytes[i] = id
		}
	}
	for token := range e.Vocab {
		if r, n := utf8.DecodeRuneInString(token); n > 0 && n == len(token) {
			m.runes[r] = e.Vocab[token]
		}
	}
	if e.IgnoreMerges {
		m.whole = e.Vocab
	}
	t.model = m
	return m.setMerges(e)
}

// setMerges fills merges and what follows from them. Of two merges of the same
// pair the later counts, as in Hugging Face tokenizers.
func (m *model) setMerges(e *modelEntry) error {
	m.merges = make(map[pair]merge, len(e.Merges))
	m.crossable = make(map[[2]rune]struct{})
	special := map[int32]bool{m.unk: true}
	for _, id := range m.bytes {
		special[id] = true
	}
	m.atomic = true
	for rank, parts := range e.Merges {
		left, okL := e.Vocab[parts[0]]
		right, okR := e.Vocab[parts[1]]
		id, ok := e.Vocab[parts[0]+parts[1]]
		if !okL || !okR || !ok {
			return fmt.Errorf("merge %d: %q, %q or the two together is not in the vocabulary", rank, parts[0], parts[1])
		}
		m.merges[pair{left, right}] = merge{int32(rank), id}
		a, _ := utf8.DecodeLastRuneInString(parts[0])
		b, _ := utf8.DecodeRuneInString(parts[1])
		m.crossable[[2]rune{a, b}] = struct{}{}
		if special[left] || special[right] || special[id] {
			m.atomic = false
		}
	}
	return nil
}

// setNormalizer keeps the replacements; lower-casing is applied in any case.
func (t *Tokenizer) setNormalizer(f *file) error {
	if f.Normalizer == nil {
		return nil
	}
	return t.addNormalizer(*f.Normalizer, 0)
}

func (t *Tokenizer) addNormalizer(n normalizer, depth int) error {
	switch {
	case depth > 8:
		return errors.New("normalizers are nested more than eight deep")
	case n.Type == "Lowercase" && len(t.normalize) == 0:
	case n.Type == "Replace" && n.Pattern.String != nil && *n.Pattern.String != "":
		t.normalize = append(t.normalize, replacement{*n.Pattern.String, n.Content})
	case n.Type == "Sequence":
		for _, inner := range n.Normalizers {
			if err := t.addNormalizer(inner, depth+1); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("normalizer %q (in this place, with this pattern) is not supported; SigLIP 2 has Lowercase, then Replace of a string", n.Type)
	}
	return nil
}

func (t *Tokenizer) setSplit(f *file) error {
	p := f.PreTokenizer
	if p == nil {
		return nil
	}
	if p.Type != "Split" || p.Behavior != "MergedWithPrevious" || p.Invert || p.Pattern.String == nil {
		return fmt.Errorf("pre-tokenizer %q %q is not supported; SigLIP 2 has Split on a string with MergedWithPrevious, or none",
			p.Type, p.Behavior)
	}
	t.split = splitter{*p.Pattern.String}
	return nil
}

// setAdded sorts the added tokens by where they are matched, finds the special
// ids by name and counts the ids.
func (t *Tokenizer) setAdded(f *file) error {
	ids := make(map[string]int32)
	var before, after []added
	for _, a := range f.AddedTokens {
		if id, ok := f.Model.Vocab[a.Content]; ok && id != a.ID || a.ID < 0 || a.ID >= maxID {
			return fmt.Errorf("added token %q has id %d, the vocabulary says %d", a.Content, a.ID, id)
		}
		ids[a.Content] = a.ID
		token := added{a.Content, a.ID, a.SingleWord, a.LStrip, a.RStrip}
		if a.Normalized {
			token.content = t.normalizeText(a.Content)
			after = append(after, token)
		} else {
			before = append(before, token)
		}
	}
	t.before, t.after = newAddedTokens(before), newAddedTokens(after)
	return t.setSpecial(f.Model.Vocab, ids)
}

func (t *Tokenizer) setSpecial(vocab, addedIDs map[string]int32) error {
	find := func(name string) (int64, error) {
		if id, ok := addedIDs[name]; ok {
			return int64(id), nil
		}
		if id, ok := vocab[name]; ok {
			return int64(id), nil
		}
		return 0, fmt.Errorf("token %s is missing; SigLIP 2 needs <pad> and <eos>", name)
	}
	var err error
	if t.pad, err = find("<pad>"); err != nil {
		return err
	}
	if t.eos, err = find("<eos>"); err != nil {
		return err
	}
	for _, ids := range []map[string]int32{vocab, addedIDs} {
		for _, id := range ids {
			t.size = max(t.size, int(id)+1)
		}
	}
	return nil
}
