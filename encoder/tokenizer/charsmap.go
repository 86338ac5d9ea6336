package tokenizer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// charsmap is the precompiled_charsmap of a sentencepiece model: a double-array
// trie (Darts) from sequences of characters to what replaces them. The nil
// charsmap replaces nothing.
type charsmap struct {
	units []uint32
	// replacements are ended by a zero byte; the trie's values are offsets.
	replacements string
}

// maxReplacement bounds the bytes of a replacement; that of sentencepiece has 33.
const maxReplacement = 64

// parseCharsmap reads the size of the trie in bytes, the trie, the
// replacements. Integers are little-endian.
func parseCharsmap(data []byte) (*charsmap, error) {
	if len(data) == 0 {
		return nil, nil
	}
	if len(data) < 4 {
		return nil, errors.New("precompiled_charsmap is cut off")
	}
	size := int64(binary.LittleEndian.Uint32(data))
	data = data[4:]
	if size == 0 || size%4 != 0 || size > int64(len(data)) {
		return nil, errors.New("precompiled_charsmap has a trie of impossible size")
	}
	for text := range strings.SplitSeq(string(data[size:]), "\x00") {
		if len(text) > maxReplacement {
			return nil, fmt.Errorf("precompiled_charsmap replaces characters by %d bytes; the limit is %d", len(text), maxReplacement)
		}
	}
	c := &charsmap{units: make([]uint32, size/4), replacements: string(data[size:])}
	for i := range c.units {
		c.units[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return c, nil
}

// The parts of a unit of darts-clone.
func hasLeaf(unit uint32) bool   { return unit>>8&1 == 1 }
func leafValue(unit uint32) int  { return int(unit & (1<<31 - 1)) }
func label(unit uint32) uint32   { return unit & (1<<31 | 0xFF) }
func offsetOf(unit uint32) int64 { return int64(unit>>10) << (unit & (1 << 9) >> 6) }

// match returns the replacement of a sequence at the start of s and the length
// of that sequence, 0 if there is none: the longest, or the shortest if asked.
func (c *charsmap) match(s string, shortest bool) (replacement string, length int) {
	if c == nil {
		return "", 0
	}
	at := offsetOf(c.units[0])
	value := -1
	for i := range len(s) {
		at ^= int64(s[i])
		if at >= int64(len(c.units)) || label(c.units[at]) != uint32(s[i]) {
			break
		}
		unit := c.units[at]
		at ^= offsetOf(unit)
		if at >= int64(len(c.units)) {
			break
		}
		if hasLeaf(unit) {
			value, length = leafValue(c.units[at]), i+1
			if shortest {
				break
			}
		}
	}
	return c.replacement(value), length
}

func (c *charsmap) replacement(value int) string {
	if value < 0 || value >= len(c.replacements) {
		return ""
	}
	text, _, _ := strings.Cut(c.replacements[value:], "\x00")
	return text
}

// apply is the Precompiled normalizer of Hugging Face tokenizers. It differs from
// sentencepiece in that a grapheme cluster of less than six bytes becomes the
// replacement of its shortest beginning, and the rest of the cluster is lost.
func (c *charsmap) apply(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for len(s) > 0 {
		cluster := s[:clusterLength(s)]
		s = s[len(cluster):]
		if len(cluster) < 6 {
			if text, n := c.match(cluster, true); n > 0 {
				b.WriteString(text)
				continue
			}
		}
		for len(cluster) > 0 {
			_, n := utf8.DecodeRuneInString(cluster)
			if text, m := c.match(cluster[:n], true); m > 0 {
				b.WriteString(text)
			} else {
				b.WriteString(cluster[:n])
			}
			cluster = cluster[n:]
		}
	}
	return b.String()
}
