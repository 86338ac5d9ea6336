package cldr

import (
	"fmt"
	"strconv"
	"strings"
)

// Key is the one form in which Polylens names an emoji: its code points in
// lower-case hexadecimal joined by "-", without variation selectors.
func Key(emoji string) string {
	var parts []string
	for _, r := range emoji {
		if r != 0xfe0e && r != 0xfe0f {
			parts = append(parts, fmt.Sprintf("%x", r))
		}
	}
	return strings.Join(parts, "-")
}

// Emoji is the text whose code points are listed in hexadecimal, as in
// "0038-FE0F-20E3". Variation selectors stay.
func Emoji(codePoints string) (string, error) {
	var text strings.Builder
	for part := range strings.SplitSeq(codePoints, "-") {
		r, err := strconv.ParseUint(part, 16, 21)
		if err != nil {
			return "", fmt.Errorf("code points %q: %w", codePoints, err)
		}
		text.WriteRune(rune(r))
	}
	return text.String(), nil
}

// SkinToned reports whether the emoji is a variant of another one that differs in
// skin colour.
func SkinToned(emoji string) bool {
	first := true
	for _, r := range emoji {
		if !first && 0x1f3fb <= r && r <= 0x1f3ff {
			return true
		}
		first = false
	}
	return false
}
