package text

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestQuery(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", ""}, {"red apple", "red apple"}, {"Red Apple!", "Red Apple!"},
		// What cannot be seen.
		{"\ufeffred apple", "red apple"}, {"red\u200b apple", "red apple"}, {"red app\u00adle", "red apple"}, {"\u200fred apple\u200f", "red apple"},
		{"\u202ered apple\u202c", "red apple"}, {"\u2068red\u2069 apple", "red apple"}, {"red\u2060apple", "redapple"}, {"red\x07 ap\x1bple\x7f", "red apple"},
		{"\u200b\u200d\ufeff", ""}, {"\u3164\uffa0\u115f", ""}, {"\u2800", ""}, {"\U000e0041red", "red"}, {"葛\U000e0100", "葛"}, {"a\u034fb\u17b4", "ab"},
		{"a\ufff9b\ufffbc", "abc"}, {"red\ufe0f", "red"}, {"9\ufe0f", "9"},
		// White space.
		{"  red   apple  ", "red apple"}, {"red\napple", "red apple"}, {"red\u00a0apple", "red apple"}, {"\u3000red\u3000\tapple\r\n", "red apple"},
		{"red\u2028apple\u0085", "red apple"}, {"\t\n\r\n", ""}, {"red \u200b\u200b apple", "red apple"}, {"\u00a0\u3000", ""},
		// One letter in several forms.
		{"ｒｅｄ ａｐｐｌｅ", "red apple"}, {"ﾘﾝｺﾞ", "リンゴ"}, {"ｶﾞﾗｽ", "ガラス"}, {"Mu\u0308ller", "Müller"}, {"ﬁsh", "fish"}, {"𝐫𝐞𝐝", "red"}, {"ℝ", "R"}, {"Ⅷ", "VIII"},
		{"ﺗﻔﺎﺣﺔ", "تفاحة"}, {"blue\u2011green", "blue-green"}, {"１２３！", "123!"}, {"￣", "￣"}, {"µm", "μm"}, {"ﷺ", "ﷺ"}, {"ﹰ", "ﹰ"},
		// Another sense.
		{"m²", "m²"}, {"H₂O", "H₂O"}, {"①", "①"}, {"½", "½"}, {"㎏", "㎏"}, {"™ ℹ️", "™ ℹ️"},
		// Joiners that join, and those that do not.
		{"می\u200cخواهم", "می\u200cخواهم"}, {"کتاب\u064e\u200cها", "کتاب\u064e\u200cها"}, {"کار\u200cها", "کارها"}, {"red\u200cdish", "reddish"}, {"سیب\u200c", "سیب"},
		{"क\u094d\u200dष", "क\u094d\u200dष"}, {"क\u094d\u200cष", "क\u094d\u200cष"}, {"র\u200d\u09cdয", "র\u200d\u09cdয"}, {"क\u200dष", "कष"}, {"ශ\u0dca\u200dරී", "ශ\u0dca\u200dරී"},
		{"👩\u200d🚒", "👩\u200d🚒"}, {"👩🏽\u200d❤\ufe0f\u200d👨", "👩🏽\u200d❤\ufe0f\u200d👨"}, {"🏳\ufe0f\u200d🌈", "🏳\ufe0f\u200d🌈"}, {"🙂\u200d↔\ufe0f", "🙂\u200d↔\ufe0f"},
		{"1\ufe0f\u20e3", "1\ufe0f\u20e3"}, {"🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"},
		{"👩\u200d apple", "👩 apple"}, {"❤\ufe0f", "❤\ufe0f"}, {"\u1820\u180b", "\u1820\u180b"}, {"x\u180b", "x"}, {"🇩🇪", "🇩🇪"},
		{"ﾡ", "ᄀ"}, {"แอปเปิล", "แอปเปิล"}, {"q\u0307\u0323", "q\u0323\u0307"},
	} {
		if got := Query(test.text); got != test.want {
			t.Errorf("%+q: %+q, want %+q", test.text, got, test.want)
		}
	}
}

// FuzzQuery: the result is composed, has no space but single ones within, and stays
// as it is.
func FuzzQuery(f *testing.F) {
	for _, text := range []string{"red apple", "\ufeff ｒｅｄ\u200b", "ﾘﾝｺﾞ", "می\u200cخواهم", "👩\u200d🚒", "a \u0301", "\u200b\u0301", "क\u094d\u200dष", "1\ufe0f\u20e3", "x\u00ad\u0308"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		got := Query(text)
		if again := Query(got); again != got {
			t.Fatalf("%+q became %+q, then %+q", text, got, again)
		}
		if !norm.NFC.IsNormalString(got) || strings.Contains(got, "  ") || strings.TrimSpace(got) != got || strings.ContainsRune(got, '\ufeff') {
			t.Fatalf("%+q became %+q", text, got)
		}
		if other := Query("\ufeff" + norm.NFD.String(text)); other != got {
			t.Fatalf("%+q became %+q, decomposed behind a byte order mark %+q", text, got, other)
		}
	})
}
