package tokenizer

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// spModel is a ModelProto of sentencepiece as far as it matters here. The
// fields and their numbers are those of sentencepiece_model.proto.
type spModel struct {
	pieces []spPiece

	modelType    uint64
	byteFallback bool
	spaceAsEnd   bool // treat_whitespace_as_suffix

	charsmap     []byte
	dummyPrefix  bool
	trimSpaces   bool // remove_extra_whitespaces
	escapeSpaces bool
}

type spPiece struct {
	text  string
	score float32
	kind  uint64
}

// Kinds of pieces.
const (
	spNormal      = 1
	spUnknown     = 2
	spControl     = 3
	spUserDefined = 4
	spUnused      = 5
	spByte        = 6
)

// Types of models.
const (
	spUnigram = 1
	spBPE     = 2
)

// readSentencePiece reads a ModelProto and checks what every user of it needs.
func readSentencePiece(data []byte) (*spModel, error) {
	m := &spModel{modelType: spUnigram, dummyPrefix: true, trimSpaces: true, escapeSpaces: true}
	err := eachField(data, func(number protowire.Number, value spValue) error {
		switch number {
		case 1:
			return m.addPiece(value.bytes)
		case 2:
			return eachField(value.bytes, m.setTrainer)
		case 3:
			return eachField(value.bytes, m.setNormalizer)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("not a readable sentencepiece model: %w", err)
	}
	if len(m.pieces) == 0 {
		return nil, errors.New("not a sentencepiece model, or one without pieces")
	}
	if m.spaceAsEnd || !m.escapeSpaces {
		return nil, errors.New("sentencepiece model has treat_whitespace_as_suffix, or has escape_whitespaces off; SigLIP has neither")
	}
	return m, nil
}

func (m *spModel) setTrainer(number protowire.Number, value spValue) error {
	switch number {
	case 3:
		m.modelType = value.number
	case 24:
		m.spaceAsEnd = value.number != 0
	case 35:
		m.byteFallback = value.number != 0
	}
	return nil
}

func (m *spModel) setNormalizer(number protowire.Number, value spValue) error {
	switch number {
	case 2:
		m.charsmap = value.bytes
	case 3:
		m.dummyPrefix = value.number != 0
	case 4:
		m.trimSpaces = value.number != 0
	case 5:
		m.escapeSpaces = value.number != 0
	}
	return nil
}

func (m *spModel) addPiece(data []byte) error {
	p := spPiece{kind: spNormal}
	err := eachField(data, func(number protowire.Number, value spValue) error {
		switch number {
		case 1:
			p.text = string(value.bytes)
		case 2:
			p.score = math.Float32frombits(uint32(value.number))
		case 3:
			p.kind = value.number
		}
		return nil
	})
	if err != nil {
		return err
	}
	if p.text == "" || !utf8.ValidString(p.text) || p.kind < spNormal || p.kind > spByte {
		return fmt.Errorf("piece %d has text %.40q and type %d; want UTF-8 and a known type", len(m.pieces), p.text, p.kind)
	}
	if len(p.text) > maxToken {
		return fmt.Errorf("piece %d has %d bytes, more than %d", len(m.pieces), len(p.text), maxToken)
	}
	if len(m.pieces) >= maxID {
		return fmt.Errorf("more than %d pieces", maxID)
	}
	m.pieces = append(m.pieces, p)
	return nil
}

// spValue is the value of a field: bytes, or a number of any width.
type spValue struct {
	bytes  []byte
	number uint64
}

// eachField calls yield with the fields of a protobuf message in order.
func eachField(data []byte, yield func(protowire.Number, spValue) error) error {
	for len(data) > 0 {
		number, wire, n := protowire.ConsumeTag(data)
		if n < 0 {
			return protowire.ParseError(n)
		}
		data = data[n:]
		value, n := consumeValue(number, wire, data)
		if n < 0 {
			return protowire.ParseError(n)
		}
		data = data[n:]
		if err := yield(number, value); err != nil {
			return err
		}
	}
	return nil
}

func consumeValue(number protowire.Number, wire protowire.Type, data []byte) (value spValue, n int) {
	switch wire {
	case protowire.VarintType:
		value.number, n = protowire.ConsumeVarint(data)
	case protowire.Fixed32Type:
		var bits uint32
		bits, n = protowire.ConsumeFixed32(data)
		value.number = uint64(bits)
	case protowire.BytesType:
		value.bytes, n = protowire.ConsumeBytes(data)
	default:
		n = protowire.ConsumeFieldValue(number, wire, data)
	}
	return value, n
}

// ids returns the id of each piece; of two that are equal the first counts, as
// in sentencepiece.
func (m *spModel) ids() map[string]int32 {
	ids := make(map[string]int32, len(m.pieces))
	for id, p := range m.pieces {
		if _, ok := ids[p.text]; !ok {
			ids[p.text] = int32(id)
		}
	}
	return ids
}

// spNormalizer is the Normalizer of sentencepiece.
type spNormalizer struct {
	charsmap    *charsmap
	symbols     addedTokens // stay as they are
	dummyPrefix bool
	trim        bool
}

func (m *spModel) normalizer() (*spNormalizer, error) {
	c, err := parseCharsmap(m.charsmap)
	if err != nil {
		return nil, err
	}
	var symbols []added
	for _, p := range m.pieces {
		if p.kind == spUserDefined {
			symbols = append(symbols, added{content: p.text})
		}
	}
	found, err := newAddedTokens(symbols)
	return &spNormalizer{c, found, m.dummyPrefix, m.trimSpaces}, err
}

// normalize replaces characters by the charsmap, drops spaces that say nothing
// and writes the others as U+2581.
func (n *spNormalizer) normalize(s string) string {
	if n.trim {
		s = n.trimLeft(s)
	}
	if s == "" {
		return ""
	}
	var b strings.Builder
	b.Grow(len(s) + len(s)/4 + len(space))
	if n.dummyPrefix {
		b.WriteString(space)
	}
	afterSpace := n.trim
	for s != "" {
		text, size := n.prefix(s)
		s = s[size:]
		if afterSpace {
			text = strings.TrimLeft(text, " ")
		}
		if text != "" {
			b.WriteString(strings.ReplaceAll(text, " ", space))
			afterSpace = n.trim && strings.HasSuffix(text, " ")
		}
	}
	if !n.trim {
		return b.String()
	}
	return trimSuffixes(b.String(), space)
}

func (n *spNormalizer) trimLeft(s string) string {
	for s != "" {
		text, size := n.prefix(s)
		if text != " " {
			break
		}
		s = s[size:]
	}
	return s
}

func trimSuffixes(s, suffix string) string {
	for strings.HasSuffix(s, suffix) {
		s = s[:len(s)-len(suffix)]
	}
	return s
}

// prefix normalizes the beginning of s, size bytes of it.
func (n *spNormalizer) prefix(s string) (text string, size int) {
	if a := n.symbols.match(s); a != nil {
		return a.content, len(a.content)
	}
	if text, size = n.charsmap.match(s, false); size > 0 {
		return text, size
	}
	_, size = utf8.DecodeRuneInString(s)
	return s[:size], size
}
