package batch

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"polylens/trainer/data"
)

// made is a set of pictures of which number i shows items[i] and has texts[i]
// texts in each language named.
func made(items []int, languages func(picture int) []string) *data.Set {
	set := &data.Set{Pictures: make([]data.Picture, len(items)), Items: make([]string, len(items))}
	for i := range items {
		set.Pictures[i].URI = fmt.Sprintf("file:///%d", i)
		for n, language := range languages(i) {
			set.Pairs = append(set.Pairs, data.Pair{Picture: i, Language: language, Text: fmt.Sprint(i, n), Relevance: 1})
		}
	}
	return set
}

func english(int) []string { return []string{"en"} }

func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func sampler(t *testing.T, set *data.Set, items []int, options Options) *Sampler {
	t.Helper()
	s, err := NewSampler(set, items, numbers(len(set.Pictures)), options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A run goes on with a later build: what it draws must not change.
func TestOrderStays(t *testing.T) {
	items := []int{0, 1, 1, 2, 3, 4, 5, 5, 6}
	set := made(items, func(int) []string { return []string{"en", "de", "fr"} })
	s := sampler(t, set, items, Options{Seed: 7, Size: 3, Texts: 2, LanguageTemperature: 2})
	var got [][]int
	for step := range 4 {
		b := s.Batch(step)
		got = append(got, b.Pictures, b.Pairs)
	}
	want := [][]int{{4, 1, 6}, {13, 12, 5, 3, 20, 19}, {2, 5, 8}, {6, 8, 16, 15, 25, 24}, {3, 0, 7}, {10, 11, 0, 1, 22, 23}, {4, 7, 1}, {14, 12, 22, 21, 4, 5}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestEpochShowsEachPictureOnce(t *testing.T) {
	items := numbers(103)
	s := sampler(t, made(items, english), items, Options{Size: 10})
	if s.Steps() != 10 {
		t.Fatalf("got %d steps, want 10", s.Steps())
	}
	var orders [2][]int
	for step := range 20 {
		b := s.Batch(step)
		if b.Epoch != step/10 || len(b.Pictures) != 10 {
			t.Errorf("step %d: epoch %d, %d pictures", step, b.Epoch, len(b.Pictures))
		}
		orders[b.Epoch] = append(orders[b.Epoch], b.Pictures...)
	}
	for epoch, order := range orders {
		sorted := slices.Clone(order)
		slices.Sort(sorted)
		if len(slices.Compact(sorted)) != 100 {
			t.Errorf("epoch %d shows a picture twice: %v", epoch, order)
		}
	}
	if slices.Equal(orders[0], orders[1]) {
		t.Error("both epochs have one order")
	}
}

func TestAnyStepAlone(t *testing.T) {
	items := make([]int, 60)
	for i := range items {
		items[i] = i / 3
	}
	set := made(items, func(int) []string { return []string{"en", "de"} })
	options := Options{Seed: 3, Size: 8, Texts: 2}
	through := sampler(t, set, items, options)
	var all []Batch
	for step := range 20 {
		all = append(all, through.Batch(step))
	}
	for _, step := range []int{19, 0, 7, 8, 3} {
		if got := sampler(t, set, items, options).Batch(step); !reflect.DeepEqual(got, all[step]) {
			t.Errorf("step %d alone: got %v, want %v", step, got, all[step])
		}
	}
	options.Seed++
	if reflect.DeepEqual(sampler(t, set, items, options).Batch(0), all[0]) {
		t.Error("another seed gives the same batch")
	}
}

func TestItemsOfABatchDiffer(t *testing.T) {
	for _, test := range []struct {
		name  string
		items []int
		size  int
		steps int
	}{
		{"one large item", append(make([]int, 50), 1, 2, 3, 4, 5, 6), 3, 3},                     // the large one in each, with two of six
		{"equal items", []int{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3}, 4, 3},                        // every picture
		{"three items", []int{0, 0, 0, 0, 1, 1, 1, 2, 2}, 3, 2},                                 // as often as the smallest
		{"many sizes", []int{0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9}, 4, 5}, // all but one
	} {
		s := sampler(t, made(test.items, english), test.items, Options{Size: test.size})
		if s.Steps() != test.steps {
			t.Errorf("%s: got %d steps, want %d", test.name, s.Steps(), test.steps)
		}
		for step := range 3 * s.Steps() {
			b := s.Batch(step)
			distinct := slices.Clone(b.Items)
			slices.Sort(distinct)
			if len(slices.Compact(distinct)) != test.size {
				t.Errorf("%s: step %d has items %v", test.name, step, b.Items)
			}
		}
	}
}

func TestSharedItems(t *testing.T) {
	items := []int{0, 0, 0, 0, 1, 1}
	set := made(items, english)
	set.Pairs[0].Relevance = 0.5
	s := sampler(t, set, items, Options{Size: 6, SharedItems: true})
	b := s.Batch(0)
	if s.Steps() != 1 || len(b.Pictures) != 6 {
		t.Fatalf("got %d steps of %v", s.Steps(), b.Pictures)
	}
	target := b.Relevance(NewRelated(set, items))
	for i := range 6 {
		for j := range 6 {
			want := float32(0)
			if items[b.Pictures[i]] == items[b.Pictures[j]] {
				want = set.Pairs[b.Pairs[j]].Relevance
			}
			if target[i*6+j] != want {
				t.Errorf("relevance of picture %d and text of %d: got %g, want %g", b.Pictures[i], b.Pictures[j], target[i*6+j], want)
			}
		}
	}
}

func TestRelevanceOfSeveralTexts(t *testing.T) {
	set := &data.Set{Pairs: []data.Pair{
		{Picture: 0, Text: "a", Relevance: 1}, {Picture: 0, Text: "b", Relevance: 0.5}, {Picture: 1, Text: "c", Relevance: 0.25},
	}}
	b := Batch{Pictures: []int{0, 1}, Items: []int{4, 7}, Pairs: []int{0, 1, 2, 2}}
	want := []float32{1, 0.5, 0, 0, 0, 0, 0.25, 0.25}
	if got := b.Relevance(NewRelated(set, []int{4, 7})); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTextsOfAPicture(t *testing.T) {
	items := []int{0, 1}
	set := made(items, func(picture int) []string { return []string{"a", "b", "c"}[:1+2*picture] })
	s := sampler(t, set, items, Options{Size: 2, Texts: 2})
	for epoch := range 30 {
		if got := s.Texts(epoch, 0); !slices.Equal(got, []int{0, 0}) {
			t.Errorf("the only text: got %v", got)
		}
		if got := s.Texts(epoch, 1); got[0] == got[1] || got[0] < 1 || got[1] < 1 {
			t.Errorf("two of three texts: got %v", got)
		}
	}
}

func TestAmong(t *testing.T) {
	items := numbers(4)
	set := made(items, func(int) []string { return []string{"a", "b"} })
	s := sampler(t, set, items, Options{Size: 2, Texts: 2, Seed: 3})
	differs := false
	for step := range 30 {
		got := s.Among([]int{1, 4, 6}, step, 0)
		if again := s.Among([]int{1, 4, 6}, step, 0); got[0] == got[1] || !slices.Equal(got, again) {
			t.Errorf("two of three pairs: got %v and %v", got, again)
		}
		differs = differs || !slices.Equal(got, s.Among([]int{1, 4, 6}, step, 1))
	}
	if !differs {
		t.Error("draws of a step are all alike")
	}
}

func TestLanguageTemperature(t *testing.T) {
	// 512 pictures have an English text, 8 of these a German one as well: N is 64
	// times as large.
	items := numbers(512)
	set := made(items, func(picture int) []string {
		if picture < 8 {
			return []string{"en", "de"}
		}
		return []string{"en"}
	})
	for _, test := range []struct{ temperature, german float64 }{
		{1, 0.5},                 // both texts alike
		{2, 8.0 / 9},             // weights 1/sqrt(N): 8 to 1
		{3, 16.0 / 17},           // N^(-2/3): 16 to 1
		{math.Inf(1), 64.0 / 65}, // 1/N
	} {
		s := sampler(t, set, items, Options{Size: 2, LanguageTemperature: test.temperature})
		german, draws := 0, 0
		for epoch := range 1000 {
			for picture := range 8 {
				draws++
				if set.Pairs[s.Texts(epoch, picture)[0]].Language == "de" {
					german++
				}
			}
		}
		deviation := math.Sqrt(test.german * (1 - test.german) / float64(draws))
		if got := float64(german) / float64(draws); math.Abs(got-test.german) > 4*deviation {
			t.Errorf("temperature %g: German is drawn in %.4f, want %.4f", test.temperature, got, test.german)
		}
	}
}

func TestPicturesWithoutText(t *testing.T) {
	items := numbers(6)
	set := made(items, func(picture int) []string { return []string{"en"}[:picture%2] })
	s, err := NewSampler(set, items, []int{0, 1, 2, 3}, Options{Size: 2})
	if err != nil {
		t.Fatal(err)
	}
	got := s.Batch(0).Pictures
	slices.Sort(got)
	if !slices.Equal(got, []int{1, 3}) {
		t.Errorf("got pictures %v, want those given that have a text", got)
	}
}

func TestSamplerRefuses(t *testing.T) {
	items := []int{0, 0, 1}
	for name, options := range map[string]Options{
		"size": {Size: 1}, "texts": {Size: 2, Texts: -1}, "temperature": {Size: 2, LanguageTemperature: 0.5},
		"NaN": {Size: 2, LanguageTemperature: math.NaN()},
	} {
		if _, err := NewSampler(made(items, english), items, numbers(3), options); err == nil || errors.Is(err, ErrTooFew) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, options := range map[string]Options{"items": {Size: 3}, "pictures": {Size: 4, SharedItems: true}} {
		if _, err := NewSampler(made(items, english), items, numbers(3), options); !errors.Is(err, ErrTooFew) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestPreferredPicturesMakeAnEpoch demands that an epoch shows the pictures that
// it prefers, each once, and another only where they are too few.
func TestPreferredPicturesMakeAnEpoch(t *testing.T) {
	items := numbers(40)
	prefer := func(epoch int) []int { // 20, 19, 20, ...
		var pictures []int
		for i := epoch % 2; i < 20; i++ {
			pictures = append(pictures, 2*i)
		}
		return pictures
	}
	s := sampler(t, made(items, english), items, Options{Size: 5, Prefer: prefer})
	if s.Steps() != 4 {
		t.Fatalf("an epoch of 20 pictures has %d batches of 5", s.Steps())
	}
	for epoch := range 4 {
		others, seen := 0, map[int]bool{}
		for step := range 4 {
			for _, picture := range s.Batch(4*epoch + step).Pictures {
				if seen[picture] {
					t.Errorf("epoch %d shows picture %d twice", epoch, picture)
				}
				seen[picture] = true
				if picture%2 == 1 || picture == 0 && epoch%2 == 1 {
					others++
				}
			}
		}
		if others != epoch%2 {
			t.Errorf("epoch %d shows %d pictures that it does not prefer", epoch, others)
		}
	}
}

// TestPreferredPicturesOfItems keeps pictures of one item apart where all items
// have preferred ones.
func TestPreferredPicturesOfItems(t *testing.T) {
	items := make([]int, 24)
	for i := range items {
		items[i] = i / 3
	}
	prefer := func(epoch int) []int { return numbers(24)[epoch%2*3:] } // all, or one item less
	s := sampler(t, made(items, english), items, Options{Size: 4, Prefer: prefer})
	for step := range 4 * s.Steps() {
		shown := slices.Clone(s.Batch(step).Items)
		slices.Sort(shown)
		if len(slices.Compact(shown)) != 4 {
			t.Errorf("step %d shows items %v", step, s.Batch(step).Items)
		}
	}
}
