package tokenizer

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

const smallVocabulary = `"model":{"vocab":{"<pad>":0,"<eos>":1,"a":2,"b":3},"merges":[]}`

func sequence(entries ...string) string {
	return `{"type":"Sequence","normalizers":[` + strings.Join(entries, ",") + `]}`
}

func replaceBy(pattern, content string) string {
	return fmt.Sprintf(`{"type":"Replace","pattern":{"String":%q},"content":%q}`, pattern, content)
}

func times(n int, entry string) []string {
	entries := make([]string, n)
	for i := range entries {
		entries[i] = entry
	}
	return entries
}

// longCharsmap replaces characters by so many bytes.
func longCharsmap(n int) string {
	data := binary.LittleEndian.AppendUint32(nil, 4)
	data = append(data, 0, 0, 0, 0)
	data = append(data, strings.Repeat("x", n)+"\x00"...)
	return `{"type":"Precompiled","precompiled_charsmap":"` + base64.StdEncoding.EncodeToString(data) + `"}`
}

func manyAdded(n, length int) string {
	entries := make([]string, n)
	for i := range entries {
		entries[i] = fmt.Sprintf(`{"id":%d,"content":"%0*d"}`, i+10, length, i)
	}
	return strings.Join(entries, ",")
}

// TestHostileNormalizers: a file whose normalizers could fill the memory is refused when
// it is opened, with its path and the limit.
func TestHostileNormalizers(t *testing.T) {
	doubles := replaceBy("a", "aa")
	for name, test := range map[string]struct{ normalizer, want string }{
		"forty that double":        {sequence(times(40, doubles)...), "1.1e+12 times as long; the limit is 4096"},
		"in sequences":             {sequence(times(7, sequence(times(6, doubles)...))...), "the limit is 4096"},
		"forty that take turns":    {sequence(times(20, replaceBy("a", "bb")+","+replaceBy("b", "aa"))...), "the limit is 4096"},
		"one of much":              {replaceBy("a", strings.Repeat("b", 65)), "65 times as long; the limit is 64"},
		"one by a pattern":         {`{"type":"Replace","pattern":{"Regex":"[a]"},"content":"` + strings.Repeat("b", 65) + `"}`, "the limit is 64"},
		"prepending":               {sequence(times(10, `{"type":"Prepend","prepend":"bbb"}`)...), "the limit is 4096"},
		"prepending much":          {`{"type":"Prepend","prepend":"` + strings.Repeat("b", 64) + `"}`, "the limit is 64"},
		"charsmaps":                {sequence(longCharsmap(64), longCharsmap(64), longCharsmap(64)), "the limit is 4096"},
		"a charsmap of long texts": {longCharsmap(65), "65 bytes; the limit is 64"},
		"very many":                {sequence(times(65, `{"type":"Lowercase"}`)...), "65 normalizers, more than 64"},
		"infinitely":               {sequence(times(8, sequence(times(8, replaceBy("a", strings.Repeat("b", 64)))...))...), "the limit is 4096"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, jsonFile)
			if err := os.WriteFile(path, []byte(`{"normalizer":`+test.normalizer+`,`+smallVocabulary+`}`), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Open(dir)
			if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %s and %q", err, path, test.want)
			}
		})
	}
}

// TestGrowthThatIsAllowed: what the limits leave takes little memory for the longest
// text, and gives ids.
func TestGrowthThatIsAllowed(t *testing.T) {
	much := replaceBy("a", strings.Repeat("a", 64))
	tok, err := Parse([]byte(`{"normalizer":`+sequence(much, much)+`,`+smallVocabulary+`}`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	ids := tok.Encode(strings.Repeat("a", 2*maxTextBytes), 64)
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; len(ids) != 64 || ids[62] != 2 || allocated > 1<<30 {
		t.Errorf("%d bytes are allocated for %v", allocated, ids)
	}
}

func TestHostileAddedTokens(t *testing.T) {
	for name, test := range map[string]struct{ added, want string }{
		"many":         {manyAdded(maxAdded+1, 1), "65537 added tokens, more than 65536"},
		"long":         {manyAdded(1, maxToken+1), "1025 bytes, more than 1024"},
		"many of some": {manyAdded(maxAddedBytes/maxToken+1, maxToken), "the limits are 1024 and 4194304"},
	} {
		_, err := Parse([]byte(`{"added_tokens":[`+test.added+`],`+smallVocabulary+`}`), Options{})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// TestAddedTokens: of the tokens that begin at a place the longest counts, and of two
// with the same text the first.
func TestAddedTokens(t *testing.T) {
	found, err := newAddedTokens([]added{{content: "<a", id: 1}, {content: "<a>", id: 2}, {content: ""}, {content: "<a>", id: 3}, {content: "b", id: 4}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	found.split("x<a><a<b", func(piece string, id int32) bool {
		got = append(got, fmt.Sprint(piece, " ", id))
		return true
	})
	if want := "x -1|<a> 2|<a 1|< -1|b 4"; strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// checkNormalized checks that no text becomes longer than the limits say.
func checkNormalized(t *testing.T, tok *Tokenizer, text string) {
	p, ok := tok.pipeline.(*jsonPipeline)
	if !ok {
		return
	}
	text = toValidUTF8(clip(text, maxTextBytes))
	if got := len(p.normalize.apply(text)); got > maxNormalized || got > 2*maxGrowths*len(text) {
		t.Errorf("%d bytes become %d", len(text), got)
	}
}
