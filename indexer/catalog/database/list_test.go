package database

import (
	"slices"
	"testing"
)

// TestInList: every value stands in a list, and lists of similar length are one text.
func TestInList(t *testing.T) {
	texts := make(map[string]bool)
	for n := range maxList + 1 {
		values := make([]string, n)
		for i := range values {
			values[i] = string(rune('a' + i))
		}
		text, args := inList(3, values)
		texts[text] = true
		for i, value := range values {
			if args[i] != value {
				t.Fatalf("%d values: argument %d is %v", n, i, args[i])
			}
		}
		if n > 0 && slices.ContainsFunc(args[n:], func(arg any) bool { return arg != values[n-1] }) {
			t.Errorf("%d values: %v", n, args)
		}
		if n == 0 && (text != "" || len(args) != 0) {
			t.Errorf("no values: %q, %v", text, args)
		}
	}
	if len(texts) != 11 { // 0, 1, 2, 4, ... 512
		t.Errorf("%d texts", len(texts))
	}
}
