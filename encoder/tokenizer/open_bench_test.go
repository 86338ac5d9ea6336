package tokenizer

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// largeToken is one of as many tokens as there are numbers: their names in a
// system with twelve digits, without zero.
func largeToken(number int) string {
	var token []rune
	for n := number; n > 0; n = (n - 1) / 12 {
		token = append(token, []rune("abcdefgกขคงจ")[(n-1)%12])
	}
	return string(token)
}

// largeGemma returns a tokenizer.json as large as that of SigLIP 2: 256,000
// tokens, some 500,000 merges, written with indentation.
func largeGemma() []byte {
	var vocab, merges bytes.Buffer
	vocab.WriteString(`"<pad>": 0, "<eos>": 1`)
	for id := 2; id < 256_000; id++ {
		token := largeToken(id - 1)
		fmt.Fprintf(&vocab, ",\n      %q: %d", token, id)
		cuts := 0
		for cut := range token {
			if cuts++; cut > 0 && cuts+id%3 < 5 {
				fmt.Fprintf(&merges, ",\n      [\n        %q,\n        %q\n      ]", token[:cut], token[cut:])
			}
		}
	}
	return fmt.Appendf(nil, "{\n  \"model\": {\n    \"vocab\": {%s\n    },\n    \"merges\": [%s\n    ]\n  }\n}\n",
		vocab.Bytes(), merges.Bytes()[1:])
}

// largeMT5 returns a spiece.model as large as that of the multilingual SigLIP 1.
func largeMT5() []byte {
	data := smallUnigram()
	for number := 20; number < 250_000; number++ {
		data = append(data, protoPiece(largeToken(number), -float32(number%1000)/50, spNormal)...)
	}
	return data
}

func BenchmarkOpenLarge(b *testing.B) {
	for file, make := range map[string]func() []byte{jsonFile: largeGemma, unigramFile: largeMT5} {
		b.Run(file, func(b *testing.B) {
			dir := b.TempDir()
			data := make()
			if err := os.WriteFile(filepath.Join(dir, file), data, 0o644); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(data)))
			before := heap()
			var tok *Tokenizer
			var err error
			for b.Loop() {
				if tok, err = Open(dir); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(heap()-before)/1e6, "MB-kept")
			runtime.KeepAlive(tok)
			runtime.KeepAlive(data)
		})
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
