package inspect

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// members are findings of one picture a group.
func members(n int) *Findings {
	f := &Findings{groups: n, items: n}
	for i := range n {
		f.Contents = append(f.Contents, Content{SHA256: [32]byte{byte(i), byte(i >> 8)}})
		f.Groups = append(f.Groups, i)
	}
	return f
}

func TestSplit(t *testing.T) {
	f := members(10000)
	parts, err := f.Split(1, Shares{Validation: 0.1, Test: 0.2})
	if err != nil {
		t.Fatal(err)
	}
	count := make(map[Part]int)
	for _, p := range parts {
		count[p]++
	}
	for part, want := range map[Part]int{Training: 7000, Validation: 1000, Test: 2000} {
		if got := count[part]; max(got, want)-min(got, want) > 200 {
			t.Errorf("%s has %d of 10000, want about %d", part, got, want)
		}
	}
	// The split of a run that goes on must stay.
	var first strings.Builder
	for _, p := range parts[:24] {
		fmt.Fprint(&first, uint8(p))
	}
	if want := "113111311111131331223111"; first.String() != want {
		t.Errorf("got %s, want %s", first.String(), want)
	}
	if got := Select([]Part{Test, Training, Unused, Test}, Test); !slices.Equal(got, []int{0, 3}) {
		t.Errorf("selected %v", got)
	}
	if half, _ := members(5000).Split(1, Shares{Validation: 0.1, Test: 0.2}); !slices.Equal(half, parts[:5000]) {
		t.Error("the split of a part changes when the set grows")
	}
	if other, _ := f.Split(2, Shares{Validation: 0.1, Test: 0.2}); slices.Equal(other, parts) {
		t.Error("another seed gives the same split")
	}
}

func TestSplitKeepsGroups(t *testing.T) {
	f := members(900)
	f.groups = 300
	for i := range f.Groups {
		f.Groups[i] = i % 300
	}
	f.Groups[7] = -1
	parts, err := f.Split(5, Shares{Validation: 0.3, Test: 0.3})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range parts {
		if i%300 != 7 && p != parts[i%300] || (i == 7) != (p == Unused) {
			t.Errorf("picture %d of group %d is in %s", i, i%300, p)
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	for _, shares := range []Shares{{0.5, 0.5}, {-0.1, 0}, {0, -0.1}, {math.NaN(), 0}, {0, 1}} {
		if _, err := members(1).Split(0, shares); err == nil {
			t.Errorf("shares %v were accepted", shares)
		}
	}
}
