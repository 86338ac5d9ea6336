package batch

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"polylens/encoder/preprocess"
	"polylens/indexer/decode"
	"polylens/trainer/data"
)

// pictures opens, decodes, augments and preprocesses pictures that are numbers.
// Those for which broken says so cannot be decoded.
type pictures struct {
	broken func(picture int) bool
	delay  func(picture int) time.Duration
	opened atomic.Int32
}

func (p *pictures) Bytes(ctx context.Context, picture data.Picture) ([]byte, error) {
	p.opened.Add(1)
	return []byte(strings.TrimPrefix(picture.URI, "file:///")), ctx.Err()
}

var errBroken = errors.New("broken")

func (p *pictures) Decode(_ context.Context, _ string, content []byte, _ decode.Target) (image.Image, error) {
	number, err := strconv.Atoi(string(content))
	if p.delay != nil {
		time.Sleep(p.delay(number))
	}
	if p.broken != nil && p.broken(number) {
		return nil, errBroken
	}
	return image.NewUniform(color.Gray16{uint16(number)}), err
}

func (p *pictures) Apply(picture image.Image, sample, step uint64) image.Image {
	number := picture.At(0, 0).(color.Gray16).Y
	return image.NewUniform(color.NRGBA64{number, uint16(sample), uint16(step), 0})
}

func (p *pictures) Process(picture image.Image) (preprocess.Pixels, error) {
	c := picture.At(0, 0).(color.NRGBA64)
	return preprocess.Pixels{Values: []float32{float32(c.R), float32(c.G), float32(c.B)}}, nil
}

func loader(t *testing.T, s *Sampler, p *pictures, options LoaderOptions) *Loader {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t) })
	options.Opener, options.Decoder, options.Augmenter = p, p, p
	options.Preprocessor = func(int) Preprocessor { return p }
	return NewLoader(s, options)
}

// take gives the batches of steps from to before end.
func take(t *testing.T, l *Loader, from, end int) []Loaded {
	t.Helper()
	var taken []Loaded
	for loaded, err := range l.Batches(t.Context(), from) {
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, loaded)
		if len(taken) == end-from {
			return taken
		}
	}
	t.Fatal("the batches ended")
	return nil
}

func TestSameBytesWhateverTheWorkers(t *testing.T) {
	items := numbers(50)
	s := sampler(t, made(items, func(int) []string { return []string{"en", "de"} }), items, Options{Seed: 1, Size: 7, Texts: 2})
	p := &pictures{
		broken: func(picture int) bool { return picture%10 == 3 },
		delay:  func(picture int) time.Duration { return time.Duration(picture%4) * 100 * time.Microsecond },
	}
	alone := take(t, loader(t, s, p, LoaderOptions{Workers: 1, Prefetch: 1, MaxBroken: 0.5}), 0, 15)
	many := take(t, loader(t, s, p, LoaderOptions{Workers: 8, Prefetch: 5, MaxBroken: 0.5}), 0, 15)
	if !reflect.DeepEqual(alone, many) {
		t.Error("8 workers give something else than one")
	}
	resumed := take(t, loader(t, s, p, LoaderOptions{Workers: 3, MaxBroken: 0.5}), 9, 15)
	if !reflect.DeepEqual(resumed, alone[9:]) {
		t.Error("going on at step 9 gives something else")
	}
	for step, loaded := range alone {
		if loaded.Step != step {
			t.Errorf("step %d comes at place %d", loaded.Step, step)
		}
		for i, picture := range loaded.Pictures {
			want := []float32{float32(picture), float32(i), float32(step)}
			if !slices.Equal(loaded.Pixels[i].Values, want) {
				t.Errorf("step %d, row %d: got %v, want %v", step, i, loaded.Pixels[i].Values, want)
			}
			if loaded.Items[i] != picture || s.set.Pairs[loaded.Pairs[2*i]].Picture != picture || s.set.Pairs[loaded.Pairs[2*i+1]].Picture != picture {
				t.Errorf("step %d, row %d: item and texts are not those of picture %d", step, i, picture)
			}
		}
	}
}

func TestBrokenPicturesAreReplaced(t *testing.T) {
	items := make([]int, 60)
	for i := range items {
		items[i] = i / 2
	}
	s := sampler(t, made(items, english), items, Options{Size: 6})
	p := &pictures{broken: func(picture int) bool { return picture < 12 }}
	replaced := make(map[int]bool)
	for _, loaded := range take(t, loader(t, s, p, LoaderOptions{MaxBroken: 0.2}), 0, 2*s.Steps()) {
		nominal := s.Batch(loaded.Step)
		for _, r := range loaded.Replaced {
			if r.Err != errBroken || r.Picture >= 12 {
				t.Errorf("step %d: replaced %+v", loaded.Step, r)
			}
			replaced[r.Picture] = true
		}
		for i, picture := range loaded.Pictures {
			if picture < 12 || nominal.Pictures[i] >= 12 && picture != nominal.Pictures[i] {
				t.Errorf("step %d, row %d: picture %d where %d was due", loaded.Step, i, picture, nominal.Pictures[i])
			}
		}
		distinct := slices.Clone(loaded.Items)
		slices.Sort(distinct)
		if len(slices.Compact(distinct)) != 6 {
			t.Errorf("step %d: items %v", loaded.Step, loaded.Items)
		}
	}
	if len(replaced) != 12 {
		t.Errorf("%d broken pictures were met, want 12", len(replaced))
	}
}

func TestSkippedPicturesAreNotOpened(t *testing.T) {
	items := numbers(20)
	s := sampler(t, made(items, english), items, Options{Size: 5})
	p := &pictures{}
	skip := func(picture int) bool { return picture%2 == 0 }
	opened := int32(0)
	for _, loaded := range take(t, loader(t, s, p, LoaderOptions{Skip: skip, Prefetch: 1}), 0, s.Steps()) {
		for i, picture := range loaded.Pictures {
			if skip(picture) != (loaded.Pixels[i].Values == nil) {
				t.Errorf("picture %d has pixels %v", picture, loaded.Pixels[i].Values)
			}
			if !skip(picture) {
				opened++
			}
		}
	}
	if opened != 10 || p.opened.Load() > opened+2*5 {
		t.Errorf("%d pictures were opened for %d", p.opened.Load(), opened)
	}
}

func TestTooManyBroken(t *testing.T) {
	items := numbers(40)
	s := sampler(t, made(items, english), items, Options{Size: 4})
	for _, test := range []struct {
		broken int
		share  float64
		want   error
	}{
		{2, 0.05, nil}, {3, 0.05, ErrTooManyBroken}, {1, 0.001, nil}, {2, 0.001, ErrTooManyBroken}, {1, 0, nil}, {40, 1, errNoReplacement},
	} {
		p := &pictures{broken: func(picture int) bool { return picture < test.broken }}
		var last error
		batches := 0
		for _, err := range loader(t, s, p, LoaderOptions{MaxBroken: test.share}).Batches(t.Context(), 0) {
			last = err
			if batches++; batches == s.Steps() {
				break
			}
		}
		if !errors.Is(last, test.want) || test.want != nil && !errors.Is(last, errBroken) {
			t.Errorf("%d broken, share %g: got %v, want %v", test.broken, test.share, last, test.want)
		}
	}
}

func TestSharedItemsAreReplacedByAny(t *testing.T) {
	items := []int{0, 0, 0, 1}
	s := sampler(t, made(items, english), items, Options{Size: 4, SharedItems: true})
	p := &pictures{broken: func(picture int) bool { return picture == 2 }}
	for _, loaded := range take(t, loader(t, s, p, LoaderOptions{}), 0, 5) {
		if len(loaded.Replaced) == 0 || slices.Contains(loaded.Pictures, 2) {
			t.Errorf("got pictures %v, replaced %v", loaded.Pictures, loaded.Replaced)
		}
	}
}

func TestLoadsAheadWithinBounds(t *testing.T) {
	items := numbers(100)
	s := sampler(t, made(items, english), items, Options{Size: 5})
	p := &pictures{}
	for _, err := range loader(t, s, p, LoaderOptions{Workers: 4, Prefetch: 3}).Batches(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond) // long enough to load all that is allowed
		if got := p.opened.Load(); got != 4*5 {
			t.Errorf("%d pictures were opened while the first batch is used, want 20: that batch and three ahead", got)
		}
		return
	}
}

func TestLoaderEndsWithItsContext(t *testing.T) {
	items := numbers(20)
	s := sampler(t, made(items, english), items, Options{Size: 5})
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	stop := errors.New("stop")
	p := &pictures{delay: func(int) time.Duration { return time.Millisecond }}
	batches := 0
	var last error
	for _, err := range loader(t, s, p, LoaderOptions{}).Batches(ctx, 0) {
		last = err
		if batches++; batches == 2 {
			cancel(stop)
		}
		if batches > 10 {
			t.Fatal("the batches go on")
		}
	}
	if !errors.Is(last, stop) {
		t.Errorf("got %v, want %v", last, stop)
	}
}

func ExampleLoader() {
	set := &data.Set{Pictures: []data.Picture{{URI: "file:///0"}, {URI: "file:///1"}}, Pairs: []data.Pair{{Picture: 0, Text: "a"}, {Picture: 1, Text: "b"}}}
	sampler, err := NewSampler(set, []int{0, 1}, []int{0, 1}, Options{Size: 2})
	if err != nil {
		panic(err)
	}
	p := &pictures{}
	l := NewLoader(sampler, LoaderOptions{Opener: p, Decoder: p, Augmenter: p, Preprocessor: func(int) Preprocessor { return p }})
	for loaded, err := range l.Batches(context.Background(), 0) {
		fmt.Println(loaded.Step, len(loaded.Pixels), err)
		break
	}
	// Output: 0 2 <nil>
}
