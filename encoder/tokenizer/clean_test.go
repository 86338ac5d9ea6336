package tokenizer

import "testing"

func TestCanonicalize(t *testing.T) {
	tests := []struct{ text, siglip, openCLIP string }{
		{"", "", ""},
		{"A Dog, on a_SOFA!", "a dog on asofa", "a dog on a sofa"},
		{" \t two\n\n words\u3000\x1f", "two words", "two words"},
		{"ΟΔΥΣΣΕΥΣ Σ ΑΣ.Β", "οδυσσευς σ ασβ", "οδυσσευς σ ασβ"},
		{"İstanbul", "i\u0307stanbul", "i\u0307stanbul"},
		{"caf&eacute; &lt;b&gt; &amp;amp;", "cafeacute ltbgt ampamp", "café b"},
		{"“curly” it’s", "“curly” it’s", "curly its"},
		{"ＬＯＵＤ！ ﬁne", "ｌｏｕｄ！ ﬁne", "loud fine"},
		{"e\u0301 \x1b[31mred\x1b[0m \ufeffx\u0007", "e\u0301 \x1b31mred\x1b0m \ufeffx\u0007", "é red x"},
		{"&#65;&#x42;&#0;&#7;&#9x&#1_&#128;&#99999999999;", "65x42079x112899999999999", "ab\ufffd x €\ufffd"},
		{"日本、語。", "日本、語。", "日本、語。"},
	}
	for _, tt := range tests {
		if got := canonicalize(tt.text); got != tt.siglip {
			t.Errorf("canonicalize(%q) = %q, want %q", tt.text, got, tt.siglip)
		}
		if got := openCLIPClean(tt.text); got != tt.openCLIP {
			t.Errorf("openCLIPClean(%q) = %q, want %q", tt.text, got, tt.openCLIP)
		}
	}
}
