package caption

// words cuts texts into tokens.
type words struct {
	tokenizer Tokenizer
	end, pad  int64
}

func newWords(tokenizer Tokenizer) words {
	ends := tokenizer.Encode("", 2)
	return words{tokenizer: tokenizer, end: ends[0], pad: ends[1]}
}

// of gives the first tokens of a text, without its end.
func (w words) of(text string, limit int) []int64 {
	ids := w.tokenizer.Encode(text, limit+1)
	for len(ids) > 0 && ids[len(ids)-1] == w.pad {
		ids = ids[:len(ids)-1]
	}
	if len(ids) > 0 && ids[len(ids)-1] == w.end {
		ids = ids[:len(ids)-1]
	}
	return ids
}

// sequence is a text that the decoder reads and predicts.
type sequence struct {
	tokens []int64
	given  int // so many of them say what is asked for and are not predicted
}

// targets makes the sequences of examples.
type targets struct {
	words                    words
	caption, refer, describe []int64 // prefixes
	colon                    []int64
}

// longestPrefix bounds the tokens of a prefix, or of a box.
const longestPrefix = 64

func newTargets(w words) targets {
	return targets{
		words: w, colon: w.of(":", longestPrefix),
		caption: w.of("Cap:", longestPrefix), refer: w.of("ARef:", longestPrefix), describe: w.of("GCap:", longestPrefix),
	}
}

// longest is how many tokens a sequence may have beside those of the caption.
func (t targets) longest(boxes bool) int {
	const end = 1
	if !boxes {
		return len(t.caption) + end
	}
	box := Box{Left: 0.998, Top: 0.998, Right: 1, Bottom: 1} // three digits each
	return max(len(t.refer), len(t.describe)) + len(t.box(box)) + len(t.colon) + end
}

func (t targets) box(box Box) []int64 { return t.words.of(box.String(), longestPrefix) }

// ofCaption asks for the caption of a picture, in at most length tokens.
func (t targets) ofCaption(text string, length int) sequence {
	return t.sequence(t.caption, t.words.of(text, length-len(t.caption)-1))
}

// ofBox asks for the place of what a caption is about. The caption is
// predicted too, as in LocCa.
func (t targets) ofBox(text string, box Box, length int) sequence {
	place := t.box(box)
	return t.sequence(t.refer, t.words.of(text, length-len(t.refer)-len(t.colon)-len(place)-1), t.colon, place)
}

// ofPlace asks for a box and the caption of what is in it.
func (t targets) ofPlace(text string, box Box, length int) sequence {
	place := t.box(box)
	return t.sequence(t.describe, place, t.colon, t.words.of(text, length-len(t.describe)-len(t.colon)-len(place)-1))
}

func (t targets) sequence(prefix []int64, parts ...[]int64) sequence {
	s := sequence{given: len(prefix)}
	s.tokens = append(s.tokens, prefix...)
	for _, part := range parts {
		s.tokens = append(s.tokens, part...)
	}
	s.tokens = append(s.tokens, t.words.end)
	return s
}
