package web

import (
	"encoding/json"
	"reflect"
	"testing"
)

func series(name string, points ...float64) Series {
	s := Series{Name: name, Steps: []int64{}, Values: []*float64{}}
	for i := 0; i < len(points); i += 2 {
		s.Steps, s.Values = append(s.Steps, int64(points[i])), append(s.Values, &points[i+1])
	}
	return s
}

// TestChangesOfARunAreJoined: a slow watcher gets as one change what the others get
// one by one, and that alters nobody else's changes.
func TestChangesOfARunAreJoined(t *testing.T) {
	five, three := int64(5), int64(3)
	tests := map[string]struct{ older, newer, want RunChange }{
		"points add up": {
			RunChange{Run: Run{Step: 6}, Series: []Series{series("a", 5, 1, 6, 2)}},
			RunChange{Run: Run{Step: 7}, Series: []Series{series("b", 7, 4), series("a", 7, 3)}},
			RunChange{Run: Run{Step: 7}, Series: []Series{series("a", 5, 1, 6, 2, 7, 3), series("b", 7, 4)}},
		},
		"going back takes points along": {
			RunChange{Run: Run{Step: 6}, Series: []Series{series("a", 5, 1, 6, 2)}},
			RunChange{Run: Run{Step: 5}, Kept: &five},
			RunChange{Run: Run{Step: 5}, Kept: &five, Series: []Series{series("a", 5, 1)}},
		},
		"going back twice": {
			RunChange{Run: Run{Step: 6}, Kept: &three, Series: []Series{series("a", 4, 1, 6, 2)}},
			RunChange{Run: Run{Step: 5}, Kept: &five, Series: []Series{series("a", 6, 3)}},
			RunChange{Run: Run{Step: 5}, Kept: &three, Series: []Series{series("a", 4, 1, 6, 3)}},
		},
		"going back further": {
			RunChange{Run: Run{Step: 6}, Kept: &five, Series: []Series{series("a", 6, 2)}},
			RunChange{Run: Run{Step: 3}, Kept: &three},
			RunChange{Run: Run{Step: 3}, Kept: &three, Series: []Series{series("a")}},
		},
	}
	for label, test := range tests {
		t.Run(label, func(t *testing.T) {
			before := asJSON(t, test.older)
			if got := joinChanges(test.older, test.newer); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if asJSON(t, test.older) != before {
				t.Error("joining altered what other watchers hold")
			}
		})
	}
}

func asJSON(t *testing.T, change RunChange) string {
	t.Helper()
	text, err := json.Marshal(change)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
