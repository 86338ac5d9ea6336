package tokenizer

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func openTiny(t testing.TB, name string) *Tokenizer {
	t.Helper()
	tok, err := Open(filepath.Join("testdata/tiny", name))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestEncodeLengths(t *testing.T) {
	tok := openTiny(t, "plain")
	full := tok.Encode("the then in", 6)
	tests := []struct {
		length int
		want   []int64
	}{
		{-1, nil},
		{0, nil},
		{1, []int64{1}},
		{2, []int64{full[0], 1}},
		{8, append(slices.Clone(full), 0, 0)},
	}
	for _, tt := range tests {
		if got := tok.Encode("the then in", tt.length); !slices.Equal(got, tt.want) {
			t.Errorf("length %d: %v, want %v", tt.length, got, tt.want)
		}
	}
}

func TestSize(t *testing.T) {
	var f struct {
		Model struct{ Vocab map[string]int32 }
	}
	data, err := os.ReadFile("testdata/tiny/added/tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	beyond := 7 // added tokens that are not in the vocabulary
	if got, want := openTiny(t, "added").Size(), len(f.Model.Vocab)+beyond; got != want {
		t.Errorf("size %d, want %d", got, want)
	}
}

// Text without a place to cut must not cost its length squared, and text after
// the last id that counts must cost nothing.
func TestVeryLongText(t *testing.T) {
	tokens := map[string]*Tokenizer{"plain": openTiny(t, "plain")}
	for _, c := range conformance[2:] {
		tokens[c.name] = openModel(t, c.model, Options{Cleaning: c.cleaning})
	}
	for name, text := range map[string]string{
		"one run of merges":    strings.Repeat("a", 3<<20),
		"bytes":                strings.Repeat("日", 1<<20),
		"words":                strings.Repeat("the then ", 1<<20),
		"added tokens":         strings.Repeat("<eos></s>", 1<<20),
		"not UTF-8":            strings.Repeat("\xf0\x9f", 1<<20),
		"cut inside character": strings.Repeat("a", maxTextBytes-1) + "é",
		"capital sigmas":       strings.Repeat("Σ'", 1<<16),
		"references":           strings.Repeat("&#38;", 1<<16),
		"spaces":               strings.Repeat(" ", 1<<17),
		"marks":                "Ａ" + strings.Repeat("\u0301", 1<<16),
		"unknown characters":   strings.Repeat("\U00013000", 1<<15),
	} {
		for model, tok := range tokens {
			start := time.Now()
			if got := tok.Encode(text, 64); len(got) != 64 {
				t.Errorf("%s, %s: %d ids", model, name, len(got))
			}
			if d := time.Since(start); d > 10*time.Second {
				t.Errorf("%s, %s took %v", model, name, d)
			}
		}
	}
}

func TestClip(t *testing.T) {
	for _, end := range []string{"é", "日", "🦊"} {
		for back := range len(end) + 1 {
			text := strings.Repeat("a", maxTextBytes-back) + end + "b"
			got := clip(text, maxTextBytes)
			if !utf8.ValidString(got) || len(got) > maxTextBytes || len(got) < maxTextBytes-3 {
				t.Errorf("%q, %d bytes before the limit: %d bytes, valid %v", end, back, len(got), utf8.ValidString(got))
			}
		}
	}
}

func TestOpenNamesTheFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("missing file: %v", err)
	}
	path := filepath.Join(dir, "tokenizer.json")
	if err := os.WriteFile(path, []byte(`{"model":{"type":"WordPiece"}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "WordPiece") {
		t.Errorf("another model: %v", err)
	}
}

func TestParseRefuses(t *testing.T) {
	const vocab = `"vocab":{"<pad>":0,"<eos>":1,"a":2,"b":3,"ab":4},"merges":[]`
	tests := []struct{ name, json, fault string }{
		{"fine", `{"model":{"type":"BPE",` + vocab + `}}`, ""},
		{"not JSON", `{"model":`, "not a readable"},
		{"nothing", `{}`, "<pad> is missing"},
		{"Unigram", `{"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["</s>",0],["a",-1.5]]}}`, ""},
		{"Unigram that does not say so", `{"model":{"unk_id":0,"vocab":[["<unk>",0],["</s>",0],["a",-1.5]]}}`, ""},
		{"Unigram without unk_id", `{"model":{"type":"Unigram","vocab":[["</s>",0],["a",-1.5]]}}`, "unk_id"},
		{"Unigram with unk_id beyond", `{"model":{"type":"Unigram","unk_id":2,"vocab":[["</s>",0],["a",-1.5]]}}`, "unk_id is 2"},
		{"Unigram without eos", `{"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["a",-1.5]]}}`, "</s> is missing"},
		{"piece of three", `{"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0,1]]}}`, "a piece and its score"},
		{"piece without score", `{"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>"]]}}`, "a piece and its score"},
		{"score beyond", `{"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",1e999]]}}`, "1e999"},
		{"long piece", `{"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["` + strings.Repeat("a", 257) + `",0]]}}`, "257 bytes"},
		{"vocabulary cut off", `{"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0]`, "not a readable"},
		{"rubbish in the vocabulary", `{"model":{"vocab":{"a":1 2}}}`, "not a readable"},
		{"control character", "{\"model\":{\"vocab\":{\"\n\":1}}}", "control"},
		{"vocabulary not UTF-8", "{\"model\":{\"vocab\":{\"\xff\":1}}}", "UTF-8"},
		{"WordPiece", `{"model":{"type":"WordPiece",` + vocab + `}}`, "WordPiece"},
		{"no eos", `{"model":{"vocab":{"<pad>":0}}}`, "<eos> is missing"},
		{"negative id", `{"model":{"vocab":{"<pad>":-1,"<eos>":1}}}`, "id -1"},
		{"huge id", `{"model":{"vocab":{"<pad>":0,"<eos>":16777216}}}`, "id 16777216"},
		{"id beyond int32", `{"model":{"vocab":{"<pad>":0,"<eos>":4294967296}}}`, "not a readable"},
		{"dropout", `{"model":{"dropout":0.1,` + vocab + `}}`, "dropout"},
		{"prefix", `{"model":{"continuing_subword_prefix":"##",` + vocab + `}}`, "continuing_subword_prefix"},
		{"unknown unk", `{"model":{"unk_token":"<unk>",` + vocab + `}}`, `unk_token "<unk>"`},
		{"merge of unknown part", `{"model":{"vocab":{"<pad>":0,"<eos>":1},"merges":[["x","y"]]}}`, "merge 0"},
		{"merge without result", `{"model":{"vocab":{"<pad>":0,"<eos>":1,"a":2},"merges":["a a"]}}`, "merge 0"},
		{"merge of three", `{"model":{"vocab":{},"merges":["a b c"]}}`, "want two parts"},
		{"merge of one", `{"model":{"vocab":{},"merges":[["a"]]}}`, "two parts of a merge"},
		{"regular expression", `{"normalizer":{"type":"Replace","pattern":{"Regex":"a+"},"content":"b"},"model":{` + vocab + `}}`, `normalizer "Replace"`},
		{"class that Oniguruma reads otherwise", `{"normalizer":{"type":"Replace","pattern":{"Regex":"[a&&b]"},"content":"b"},"model":{` + vocab + `}}`, `normalizer "Replace"`},
		{"charsmap not base64", `{"normalizer":{"type":"Precompiled","precompiled_charsmap":"?"},"model":{` + vocab + `}}`, "Precompiled"},
		{"charsmap cut off", `{"normalizer":{"type":"Precompiled","precompiled_charsmap":"AQ=="},"model":{` + vocab + `}}`, "cut off"},
		{"charsmap too short", `{"normalizer":{"type":"Precompiled","precompiled_charsmap":"CAAAAAAAAAA="},"model":{` + vocab + `}}`, "impossible size"},
		{"replace nothing", `{"normalizer":{"type":"Replace","pattern":{"String":""},"content":"b"},"model":{` + vocab + `}}`, `normalizer "Replace"`},
		{"NFKC", `{"normalizer":{"type":"NFKC"},"model":{` + vocab + `}}`, `"NFKC"`},
		{"deep", `{"normalizer":` + strings.Repeat(`{"type":"Sequence","normalizers":[`, 20) + `{"type":"Lowercase"}` + strings.Repeat(`]}`, 20) + `,"model":{` + vocab + `}}`, "nested"},
		{"Metaspace", `{"pre_tokenizer":{"type":"Metaspace","replacement":"▁"},"model":{` + vocab + `}}`, ""},
		{"Metaspace with another sign", `{"pre_tokenizer":{"type":"Metaspace","replacement":"_"},"model":{` + vocab + `}}`, "Metaspace"},
		{"Metaspace with another scheme", `{"pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"last"},"model":{` + vocab + `}}`, `"last"`},
		{"another sequence", `{"pre_tokenizer":{"type":"Sequence","pretokenizers":[]},"model":{` + vocab + `}}`, "Sequence"},
		{"ByteLevel", `{"pre_tokenizer":{"type":"ByteLevel"},"model":{` + vocab + `}}`, `"ByteLevel"`},
		{"Isolated", `{"pre_tokenizer":{"type":"Split","pattern":{"String":" "},"behavior":"Isolated"},"model":{` + vocab + `}}`, `"Isolated"`},
		{"added id differs", `{"added_tokens":[{"id":7,"content":"a"}],"model":{` + vocab + `}}`, `"a" has id 7`},
		{"added id negative", `{"added_tokens":[{"id":-7,"content":"x"}],"model":{` + vocab + `}}`, `"x" has id -7`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.json), Options{})
			if tt.fault == "" && err != nil {
				t.Fatal(err)
			}
			if tt.fault != "" && (err == nil || !strings.Contains(err.Error(), tt.fault)) {
				t.Fatalf("error %v, want one that says %q", err, tt.fault)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"model":{"type":"BPE","vocab":{"<pad>":0,"<eos>":1,"a":2,"aa":3},"merges":["a a"],"byte_fallback":true}}`), "aaa b")
	f.Add([]byte(`{"added_tokens":[{"id":9,"content":" ","lstrip":true},{"id":8,"content":"a","rstrip":true}],"model":{"vocab":{"<pad>":0,"<eos>":1}}}`), "a  a")
	f.Add([]byte(`{"normalizer":{"type":"Replace","pattern":{"String":" "},"content":""},"pre_tokenizer":{"type":"Split","pattern":{"String":"b"},"behavior":"MergedWithPrevious"},"model":{"unk_token":"<eos>","vocab":{"<pad>":0,"<eos>":1}}}`), "abb b")
	f.Add([]byte(`{"pre_tokenizer":{"type":"Metaspace","replacement":"▁","split":false},"model":{"type":"Unigram","unk_id":0,"byte_fallback":true,"vocab":[["<unk>",0],["</s>",0],["▁",-1],["ab",-2],["<0x41>",-3]]}}`), "abA b")
	f.Add([]byte(`{"normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"aa"},{"type":"Replace","pattern":{"String":"a"},"content":"aaaa"},{"type":"Lowercase"}]},"model":{"vocab":{"<pad>":0,"<eos>":1,"a":2}}}`), "Aİ")
	f.Add([]byte(`{"normalizer":{"type":"Replace","pattern":{"Regex":"[\\!a]+"},"content":" "},"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["</s>",0]]}}`), "ab!")
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		for _, c := range []Cleaning{CleaningAuto, CleaningOpenCLIP, CleaningNone} {
			if tok, err := Parse(data, Options{Cleaning: c}); err == nil {
				checkIDs(t, tok, text)
				checkNormalized(t, tok, text)
			}
		}
	})
}

// The vocabulary is read by hand: what encoding/json makes of it is the same.
func FuzzVocabulary(f *testing.F) {
	f.Add([]byte(`{"model":{"vocab":{"a":0,"\u00e9\n":1},"merges":["a b",["c","d"]]},"x":[{"y":"}"}]}`))
	f.Add([]byte(`{"model":{"vocab":{},"vocab":{"a":7}},"model":{"merges":null}}`))
	f.Add([]byte(`{"model":[{"vocab":1}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		rest, v, err := cutVocabulary(data)
		if err != nil || !json.Valid(data) {
			return
		}
		if !json.Valid(rest) {
			t.Fatalf("what is left is not JSON: %q", rest)
		}
		var want map[string]int32
		slow := json.Unmarshal(v.vocab, &want)
		got, quick := v.tokens()
		if slow == nil && want != nil && quick == nil && !maps.Equal(got, want) {
			t.Fatalf("%q: %v, want %v", v.vocab, got, want)
		}
		if slow != nil && len(v.vocab) > 0 && quick == nil {
			t.Fatalf("%q is accepted, but not by encoding/json: %v", v.vocab, slow)
		}
	})
}

func FuzzEncode(f *testing.F) {
	var tokens []*Tokenizer
	for _, name := range []string{"plain", "added", "some_bytes", "unknown"} {
		tokens = append(tokens, openTiny(f, name))
	}
	for _, c := range conformance[2:] {
		tokens = append(tokens, openModel(f, c.model, Options{Cleaning: c.cleaning}))
	}
	f.Add("The thing \xff <eos> [both] 日本")
	f.Add("</s>0") // only one id asked for: a space that the second takes back
	f.Add("a</s> ＜extra＿id＿0＞ &lt;b&gt; Ａ\u0301ΑΣ \x1f\u3000▁▁")
	f.Fuzz(func(t *testing.T, text string) {
		for _, tok := range tokens {
			checkIDs(t, tok, text)
		}
	})
}

// checkIDs checks what holds for every tokenizer: the number of ids, their
// range, the end of sequence, and that asking for fewer changes nothing else.
func checkIDs(t *testing.T, tok *Tokenizer, text string) {
	t.Helper()
	const most = 256
	all := tok.Encode(text, most)
	for _, length := range []int{1, 2, 64, most} {
		ids := tok.Encode(text, length)
		if len(ids) != length {
			t.Fatalf("%d ids, want %d", len(ids), length)
		}
		end := slices.Index(ids, tok.eos)
		if end < 0 || !slices.Equal(ids[:end], all[:end]) {
			t.Fatalf("%q: %v, but of %d ids %v", text, ids, most, all)
		}
		for _, id := range ids {
			if id < 0 || id >= int64(tok.Size()) {
				t.Fatalf("id %d, size %d", id, tok.Size())
			}
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, c := range conformance {
		b.Run(c.name, func(b *testing.B) {
			tok := openModel(b, c.model, Options{Cleaning: c.cleaning})
			for b.Loop() {
				tok.Encode("Ein Hund schläft auf dem Sofa im Sonnenschein", 64)
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		if _, err := Open(*modelDir); err != nil {
			b.Fatal(err)
		}
	}
}
