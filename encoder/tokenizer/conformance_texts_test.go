package tokenizer

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// The formulas here are those of testdata/conformance_texts.py.

// splitMix is SplitMix64.
type splitMix struct{ state uint64 }

func (r *splitMix) below(n int) int {
	r.state += 0x9E3779B97F4A7C15
	z := r.state
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return int((z ^ z>>31) >> 32 * uint64(n) >> 32)
}

func pick[T any](r *splitMix, items []T) T { return items[r.below(len(items))] }

func join(r *splitMix, items []string, least, most int) string {
	var b strings.Builder
	for range least + r.below(most-least+1) {
		b.WriteString(pick(r, items))
	}
	return b.String()
}

type textTables struct {
	Joints, Code, Emoji, Spaces, Special, Sigma []string
	Ranges                                      [][2]int
	Bytes                                       []int
}

func readTables(t *testing.T) (tables textTables) {
	t.Helper()
	data, err := os.ReadFile("testdata/conformance_tables.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &tables); err != nil {
		t.Fatal(err)
	}
	return tables
}

func isASCII(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0 }

func mixedText(r *splitMix, t *textTables, words []string) string {
	var b strings.Builder
	for range 1 + r.below(6) {
		word := pick(r, words)
		if r.below(8) == 0 && isASCII(word) {
			word = strings.ToUpper(word)
		}
		b.WriteString(word + pick(r, t.Joints))
	}
	return b.String()
}

func pointsText(r *splitMix, t *textTables, _ []string) string {
	var b strings.Builder
	for range 1 + r.below(16) {
		between := pick(r, t.Ranges)
		b.WriteRune(rune(between[0] + r.below(between[1]-between[0]+1)))
	}
	return b.String()
}

// malformedText is not decoded here: Encode does that.
func malformedText(r *splitMix, t *textTables, _ []string) string {
	raw := make([]byte, 1+r.below(24))
	for i := range raw {
		raw[i] = byte(pick(r, t.Bytes))
	}
	return string(raw)
}

func longText(r *splitMix, _ *textTables, words []string) string {
	joint := pick(r, []string{" ", "", "\n", "-", "  "})
	var b strings.Builder
	for range 1 + r.below(400) {
		b.WriteString(pick(r, words) + joint)
	}
	size := 100_000 + r.below(28_000)
	if joint == " " {
		size *= 2
	}
	return strings.Repeat(b.String(), size/b.Len()+1)[:size]
}

// textGroup is a number of texts made by one formula.
type textGroup struct {
	name          string
	count, length int
	text          func(*splitMix, *textTables, []string) string
}

func fromTable(items func(*textTables) []string, least, most int) func(*splitMix, *textTables, []string) string {
	return func(r *splitMix, t *textTables, _ []string) string { return join(r, items(t), least, most) }
}

var textGroups = []textGroup{
	{"mixed", 30000, 128, mixedText},
	{"code", 20000, 256, fromTable(func(t *textTables) []string { return t.Code }, 3, 40)},
	{"emoji", 20000, 128, fromTable(func(t *textTables) []string { return t.Emoji }, 1, 14)},
	{"points", 30000, 128, pointsText},
	{"malformed", 20000, 64, malformedText},
	{"spaces", 15000, 64, fromTable(func(t *textTables) []string { return t.Spaces }, 1, 14)},
	{"special", 20000, 128, fromTable(func(t *textTables) []string { return t.Special }, 1, 10)},
	{"sigma", 5000, 64, fromTable(func(t *textTables) []string { return t.Sigma }, 1, 10)},
	{"long", 40, 2000, longText},
}

func (g *textGroup) texts(tables *textTables, words []string) []string {
	seed := uint64(0)
	for i := range len(g.name) {
		seed += uint64(g.name[i])
	}
	r := &splitMix{seed}
	texts := make([]string, g.count)
	for i := range texts {
		texts[i] = g.text(r, tables, words)
	}
	return texts
}
