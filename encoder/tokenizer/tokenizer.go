package tokenizer

// maxTextBytes bounds the work that one text can cause. Encode reads no further. That
// changes nothing as long as, somewhere after its first tokens, the text has a place
// that no merge and no piece can cross, such as a space.
const maxTextBytes = 1 << 17

// Tokenizer turns text into token ids. It is read-only after Open and safe for
// concurrent use.
type Tokenizer struct {
	clean    func(string) string // nil: the text stays as typed
	pipeline pipeline
	pad, eos int64
	size     int
	kind     string
	cleaning Cleaning
	file     string
}

// pipeline turns a text, valid UTF-8, into the ids of its tokens. It may stop
// once there are limit of them.
type pipeline interface {
	tokens(text string, limit int) []int64
}

// model turns a word into ids, appends them and may stop once there are limit.
type model interface {
	appendWord(ids []int64, word string, limit int, w *scratch) []int64
}

// scratch is the memory of a model at work.
type scratch struct {
	word word
	path path
}

// Kinds of tokenizers.
const (
	KindBPE     = "bpe"     // Gemma, for SigLIP 2
	KindUnigram = "unigram" // T5 and mT5, for SigLIP 1
)

// Kind says how the vocabulary is used: KindBPE or KindUnigram.
func (t *Tokenizer) Kind() string { return t.kind }

// Cleaning says what is done to a text first. It is never CleaningAuto.
func (t *Tokenizer) Cleaning() Cleaning { return t.cleaning }

// File is the path of the file that the vocabulary was read from; empty after
// Parse.
func (t *Tokenizer) File() string { return t.file }

// Size returns the number of token ids: every id that Encode returns is below
// it. A model's token embedding must have at least so many rows, save that the
// 100 sentinels at the end of an mT5 vocabulary have none in SigLIP 1.
func (t *Tokenizer) Size() int { return t.size }

// Encode returns exactly length token ids: those of the text, then the end of
// sequence, then padding (with SigLIP 1 these two are the same). A text that is
// too long loses its end and keeps the end of sequence. Bytes that are not
// UTF-8 count as U+FFFD.
func (t *Tokenizer) Encode(text string, length int) []int64 {
	if length <= 0 {
		return nil
	}
	ids := t.tokens(text, length-1)
	ids = append(ids, t.eos)
	for len(ids) < length {
		ids = append(ids, t.pad)
	}
	return ids
}

// tokens returns the first limit ids of the text.
func (t *Tokenizer) tokens(text string, limit int) []int64 {
	if limit == 0 {
		return nil
	}
	text = toValidUTF8(clip(text, maxTextBytes))
	if t.clean != nil {
		text = t.clean(text)
	}
	ids := t.pipeline.tokens(text, limit)
	return ids[:min(len(ids), limit)]
}
