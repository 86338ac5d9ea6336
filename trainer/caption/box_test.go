package caption

import (
	"strings"
	"testing"
)

func TestParseBox(t *testing.T) {
	for _, test := range []struct {
		text string
		want Box
		err  string
	}{
		{"0 0 1 1", Box{0, 0, 1, 1}, ""},
		{"0.1,0.25, .5,1e0", Box{.1, .25, .5, 1}, ""},
		{"", Box{}, "has 0 numbers"},
		{"0 0 1", Box{}, "has 3 numbers"},
		{"0 0 1 1 1", Box{}, "has 5 numbers"},
		{"0 0 1 x", Box{}, `"x" is no fraction`},
		{"0 0 1 2", Box{}, `"2" is no fraction`},
		{"-0.1 0 1 1", Box{}, `"-0.1" is no fraction`},
		{"0 0 NaN 1", Box{}, `"NaN" is no fraction`},
		{"0 0 0 1", Box{}, "is empty"},
		{"0 1 1 0", Box{}, "is empty"},
	} {
		got, err := ParseBox(test.text)
		if test.err == "" && (err != nil || got != test.want) {
			t.Errorf("%q is %v, %v, want %v", test.text, got, err, test.want)
		}
		if test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
			t.Errorf("%q: error %v does not say that it %s", test.text, err, test.err)
		}
	}
}

func TestNewExample(t *testing.T) {
	plain, err := NewExample("fox", map[string]string{"colour": "red"})
	if err != nil || plain.Text != "fox" || plain.Box != nil {
		t.Errorf("%v, %v", plain, err)
	}
	boxed, err := NewExample("fox", map[string]string{BoxAttribute: "0 0 .5 1"})
	if err != nil || boxed.Text != "fox" || *boxed.Box != (Box{0, 0, .5, 1}) {
		t.Errorf("%v, %v", boxed, err)
	}
	if _, err := NewExample("fox", map[string]string{BoxAttribute: "everywhere"}); err == nil {
		t.Error("a box that is none is accepted")
	}
}

func TestBoxString(t *testing.T) {
	if got := (Box{0, .1, 1. / 3, 1}).String(); got != "0 50 167 500" {
		t.Errorf("the decoder writes %q", got)
	}
}

func FuzzParseBox(f *testing.F) {
	f.Add("0 0 1 1")
	f.Add("0.1, 0.25, 0.5, 1")
	f.Fuzz(func(t *testing.T, text string) {
		box, err := ParseBox(text)
		if err == nil && !(0 <= box.Left && box.Left < box.Right && box.Right <= 1 && 0 <= box.Top && box.Top < box.Bottom && box.Bottom <= 1) {
			t.Errorf("%q is the box %v", text, box)
		}
	})
}
