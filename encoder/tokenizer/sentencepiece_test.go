package tokenizer

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// protoBytes and protoNumber append a field to a message.
func protoBytes(message []byte, field protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(message, field, protowire.BytesType), value)
}

func protoNumber(message []byte, field protowire.Number, value uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(message, field, protowire.VarintType), value)
}

func protoPiece(text string, score float32, kind uint64) []byte {
	p := protoBytes(nil, 1, []byte(text))
	p = protowire.AppendFixed32(protowire.AppendTag(p, 2, protowire.Fixed32Type), math.Float32bits(score))
	return protoBytes(nil, 1, protoNumber(p, 3, kind))
}

// smallUnigram has the pieces that SigLIP 1 needs and a few more.
func smallUnigram() []byte {
	return slices.Concat(protoPiece("<pad>", 0, spControl), protoPiece("</s>", 0, spControl), protoPiece("<unk>", 0, spUnknown),
		protoPiece("▁", -2, spNormal), protoPiece("▁a", -3, spNormal), protoPiece("a", -3.5, spNormal), protoPiece("aa", -4, spNormal))
}

func TestSiglipTokenizer(t *testing.T) {
	tok, err := ParseSentencePiece(smallUnigram(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if tok.Kind() != KindUnigram || tok.Cleaning() != CleaningCanonicalize || tok.Size() != 7 {
		t.Errorf("kind %s, cleaning %s, size %d", tok.Kind(), tok.Cleaning(), tok.Size())
	}
	tests := []struct {
		text string
		want []int64
	}{
		{"", []int64{1, 1, 1, 1, 1}},
		{"A!", []int64{4, 1, 1, 1, 1}},
		{"aaa", []int64{4, 6, 1, 1, 1}},
		{"xyz a", []int64{3, 2, 4, 1, 1}},
		{"a</s>a", []int64{4, 1, 5, 1, 1}},
		{"a a a a a a", []int64{4, 4, 4, 4, 1}},
	}
	for _, tt := range tests {
		if got := tok.Encode(tt.text, 5); !slices.Equal(got, tt.want) {
			t.Errorf("%q: %v, want %v", tt.text, got, tt.want)
		}
	}
}

func TestParseSentencePieceRefuses(t *testing.T) {
	good := smallUnigram()
	trainer := func(field protowire.Number, value uint64) []byte {
		return protoBytes(nil, 2, protoNumber(nil, field, value))
	}
	tests := []struct {
		name  string
		data  []byte
		fault string
	}{
		{"nothing", nil, "without pieces"},
		{"cut off", good[:len(good)-1], "not a readable"},
		{"not protobuf", []byte("<html>"), "not a readable"},
		{"word model", append(slices.Clone(good), trainer(3, 3)...), "type 3"},
		{"spaces as ends", append(slices.Clone(good), trainer(24, 1)...), "treat_whitespace_as_suffix"},
		{"bytes missing", append(slices.Clone(good), trainer(35, 1)...), "<0x00>"},
		{"no eos", protoPiece("<unk>", 0, spUnknown), "no normal piece"},
		{"no unknown", slices.Concat(protoPiece("</s>", 0, spControl), protoPiece("a", 0, spNormal)), "unk_id is -1"},
		{"piece not UTF-8", protoPiece("\xff", 0, spNormal), "want UTF-8"},
		{"kind of piece", protoPiece("a", 0, 7), "type 7"},
		{"score", append(slices.Clone(good), protoPiece("b", float32(math.Inf(1)), spNormal)...), "+Inf"},
		{"charsmap", append(slices.Clone(good), protoBytes(nil, 3, protoBytes(nil, 2, []byte{1}))...), "precompiled_charsmap"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := ParseSentencePiece(tt.data, Options{}); err == nil || !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("error %v, want one that says %q", err, tt.fault)
			}
		})
	}
}

// Which file is read, and how the text is cleaned, follows from the directory.
func TestOpenChooses(t *testing.T) {
	unigramJSON := []byte(`{"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["</s>",0],["a",-1.5]]}}`)
	lowerJSON := bytes.Replace(unigramJSON, []byte(`{`), []byte(`{"normalizer":{"type":"Lowercase"},`), 1)
	bpeJSON := []byte(`{"model":{"vocab":{"<pad>":0,"<eos>":1}}}`)
	tests := []struct {
		name     string
		files    map[string][]byte
		o        Options
		file     string
		cleaning Cleaning
	}{
		{"SigLIP 2", map[string][]byte{jsonFile: bpeJSON}, Options{}, jsonFile, CleaningLowercase},
		{"SigLIP 2 of open_clip", map[string][]byte{jsonFile: bpeJSON}, Options{CleaningOpenCLIP}, jsonFile, CleaningOpenCLIP},
		{"SigLIP 1", map[string][]byte{unigramFile: smallUnigram(), jsonFile: unigramJSON, configFile: []byte(`{"tokenizer_class":"SiglipTokenizer"}`)},
			Options{}, unigramFile, CleaningCanonicalize},
		{"SigLIP 1 of timm", map[string][]byte{unigramFile: smallUnigram(), jsonFile: unigramJSON, configFile: []byte(`{"tokenizer_class":"T5Tokenizer"}`)},
			Options{CleaningOpenCLIP}, jsonFile, CleaningOpenCLIP},
		{"SigLIP 1, only spiece.model", map[string][]byte{unigramFile: smallUnigram()}, Options{}, unigramFile, CleaningCanonicalize},
		{"SigLIP 1, only tokenizer.json", map[string][]byte{jsonFile: unigramJSON, configFile: []byte(`{"tokenizer_class":"SiglipTokenizer"}`)},
			Options{}, jsonFile, CleaningCanonicalize},
		{"SigLIP 1 with a normalizer", map[string][]byte{jsonFile: lowerJSON}, Options{}, jsonFile, CleaningNone},
		{"unreadable configuration", map[string][]byte{jsonFile: bpeJSON, configFile: []byte(`{`)}, Options{}, jsonFile, CleaningLowercase},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, data := range tt.files {
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			tok, err := OpenWith(dir, tt.o)
			if err != nil {
				t.Fatal(err)
			}
			if tok.File() != filepath.Join(dir, tt.file) || tok.Cleaning() != tt.cleaning {
				t.Errorf("read %s, cleaning %s; want %s, %s", tok.File(), tok.Cleaning(), tt.file, tt.cleaning)
			}
		})
	}
}

func TestOpenWithUnknownCleaning(t *testing.T) {
	if _, err := OpenWith(t.TempDir(), Options{Cleaning: "whitespace"}); err == nil || !strings.Contains(err.Error(), `"whitespace"`) {
		t.Errorf("error %v", err)
	}
}

func FuzzParseSentencePiece(f *testing.F) {
	f.Add(smallUnigram(), "a <unk> aa</s> x")
	f.Add(slices.Concat(protoPiece("<pad>", 0, spControl), protoPiece("<eos>", 0, spControl), protoPiece("<unk>", 0, spUnknown),
		protoPiece("a", -1, spNormal), protoPiece("aa", -2, spNormal), protoPiece("ab", 0, spUserDefined),
		protoBytes(nil, 2, protoNumber(nil, 3, spBPE))), "aaa ab")
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		for _, c := range []Cleaning{CleaningAuto, CleaningOpenCLIP} {
			if tok, err := ParseSentencePiece(data, Options{Cleaning: c}); err == nil {
				checkIDs(t, tok, text)
			}
		}
	})
}
