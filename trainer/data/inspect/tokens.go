package inspect

// Encoder is a tokenizer of the encoder: Encode gives exactly length ids, those
// of the text, the end of the sequence, and padding.
type Encoder interface {
	Encode(text string, length int) []int64
}

// CountWith makes a Tokenizer that counts to a limit, which a longer text
// reaches.
func CountWith(encoder Encoder, limit int) Tokenizer {
	empty := encoder.Encode("", 2)
	return counter{encoder: encoder, limit: limit, end: empty[0], padding: empty[1]}
}

type counter struct {
	encoder      Encoder
	limit        int
	end, padding int64
}

func (c counter) Count(text string) int {
	ids := c.encoder.Encode(text, c.limit)
	for len(ids) > 1 && ids[len(ids)-1] == c.padding && (c.end != c.padding || ids[len(ids)-2] == c.padding) {
		ids = ids[:len(ids)-1]
	}
	return len(ids)
}
