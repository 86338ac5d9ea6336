package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Parse reads the content of a tokenizer.json.
func Parse(data []byte, o Options) (*Tokenizer, error) {
	if err := o.Cleaning.check(); err != nil {
		return nil, err
	}
	rest, large, err := cutVocabulary(data)
	if err != nil {
		return nil, fmt.Errorf("not a readable tokenizer.json: %w", err)
	}
	f := file{large: large}
	if err := json.Unmarshal(rest, &f); err != nil {
		return nil, fmt.Errorf("not a readable tokenizer.json: %w", err)
	}
	t, p := &Tokenizer{}, &jsonPipeline{}
	t.pipeline = p
	if err := f.setModel(t, p); err != nil {
		return nil, err
	}
	if err := f.setText(t, p, o.Cleaning); err != nil {
		return nil, err
	}
	return t, f.setTokens(t, p)
}

// file is tokenizer.json as far as it matters here.
type file struct {
	AddedTokens  []addedEntry       `json:"added_tokens"`
	Normalizer   *normalizerEntry   `json:"normalizer"`
	PreTokenizer *preTokenizerEntry `json:"pre_tokenizer"`
	Model        modelEntry         `json:"model"`

	large vocabulary
	ids   map[string]int32 // of the vocabulary
	size  int              // above every id of the vocabulary
}

type addedEntry struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
}

type modelEntry struct {
	Type         string  `json:"type"`
	Dropout      float64 `json:"dropout"`
	UnkToken     *string `json:"unk_token"` // BPE
	UnkID        *int    `json:"unk_id"`    // Unigram
	Prefix       string  `json:"continuing_subword_prefix"`
	Suffix       string  `json:"end_of_word_suffix"`
	FuseUnk      bool    `json:"fuse_unk"`
	ByteFallback bool    `json:"byte_fallback"`
	IgnoreMerges bool    `json:"ignore_merges"`
}

// setModel reads the vocabulary. Older files do not say what type of model it
// is for, but the shapes differ.
func (f *file) setModel(t *Tokenizer, p *jsonPipeline) (err error) {
	e := &f.Model
	if e.Type == "" && len(f.large.vocab) > 0 && f.large.vocab[0] == '[' {
		e.Type = "Unigram"
	}
	switch e.Type {
	case "", "BPE":
		t.kind = KindBPE
		p.model, err = f.newBPE()
	case "Unigram":
		t.kind = KindUnigram
		p.model, err = f.newUnigram()
	default:
		err = fmt.Errorf("model type is %q; SigLIP 2 has BPE, SigLIP 1 has Unigram", e.Type)
	}
	return err
}

func (f *file) newUnigram() (model, error) {
	pieces, err := f.large.pieces()
	if err != nil {
		return nil, fmt.Errorf("not a readable vocabulary: %w", err)
	}
	if f.Model.UnkID == nil || len(pieces) == 0 {
		return nil, errors.New("model has no unk_id or no vocabulary")
	}
	f.ids, f.size = make(map[string]int32, len(pieces)), len(pieces)
	lowest := pieces[0].score
	for id, p := range pieces {
		f.ids[p.text] = int32(id)
		lowest = min(lowest, p.score)
	}
	return newUnigram(pieces, *f.Model.UnkID, lowest, f.Model.ByteFallback)
}

// setText sets what happens to the text before the model reads it.
func (f *file) setText(t *Tokenizer, p *jsonPipeline, c Cleaning) error {
	if err := f.Normalizer.checkGrowth(); err != nil {
		return err
	}
	steps, lowers, err := f.Normalizer.steps(0)
	if err != nil {
		return err
	}
	if c == CleaningAuto {
		c = f.usual(t.kind, lowers)
	}
	t.cleaning, t.clean = c, c.textCleaner()
	if c == CleaningLowercase {
		steps = append(normalizers{lower}, steps...)
	}
	p.normalize = steps
	p.split, err = f.PreTokenizer.splitter()
	return err
}

// usual is the cleaning that the reference of a file does.
func (f *file) usual(kind string, lowers bool) Cleaning {
	switch {
	case kind == KindBPE:
		return CleaningLowercase
	case lowers: // a conversion of SiglipTokenizer, which has all of it
		return CleaningNone
	}
	return CleaningCanonicalize
}

// setTokens sorts the added tokens by where they are matched, finds the special
// ids by name and counts the ids.
func (f *file) setTokens(t *Tokenizer, p *jsonPipeline) error {
	var before, after []added
	special := make(map[string]int32)
	t.size = f.size
	if len(f.AddedTokens) > maxAdded {
		return fmt.Errorf("there are %d added tokens, more than %d", len(f.AddedTokens), maxAdded)
	}
	for _, a := range f.AddedTokens {
		if len(a.Content) > maxToken {
			return fmt.Errorf("added token %.40q has %d bytes, more than %d", a.Content, len(a.Content), maxToken)
		}
		if id, ok := f.ids[a.Content]; ok && id != a.ID || a.ID < 0 || a.ID >= maxID {
			return fmt.Errorf("added token %q has id %d, the vocabulary says %d", a.Content, a.ID, id)
		}
		special[a.Content] = a.ID
		t.size = max(t.size, int(a.ID)+1)
		token := added{a.Content, a.ID, a.SingleWord, a.LStrip, a.RStrip}
		if a.Normalized {
			token.content = p.normalize.apply(a.Content)
			after = append(after, token)
		} else {
			before = append(before, token)
		}
	}
	var err error
	if p.before, err = newAddedTokens(before); err != nil {
		return err
	}
	if p.after, err = newAddedTokens(after); err != nil {
		return err
	}
	return t.setSpecial(f.ids, special)
}

// setSpecial finds the ids of the padding and of the end of sequence. SigLIP 1
// pads with the end of sequence, whatever its T5 vocabulary has for padding.
func (t *Tokenizer) setSpecial(tables ...map[string]int32) error {
	pad, eos := "<pad>", "<eos>"
	if t.kind == KindUnigram {
		pad, eos = "</s>", "</s>"
	}
	for _, one := range []struct {
		name string
		id   *int64
	}{{pad, &t.pad}, {eos, &t.eos}} {
		*one.id = -1
		for _, table := range tables {
			if id, ok := table[one.name]; ok {
				*one.id = int64(id)
			}
		}
		if *one.id < 0 {
			return fmt.Errorf("token %s is missing; SigLIP 2 needs <pad> and <eos>, SigLIP 1 needs </s>", one.name)
		}
	}
	return nil
}
