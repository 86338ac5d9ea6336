package batch

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"polylens/trainer/data"
	"polylens/trainer/data/internal/random"
)

// What random numbers are for, so that no two uses share a stream.
const (
	forOrder uint64 = iota + 1
	forTexts
	forReplacement
	forOthers
)

// Options say how batches are made up. A zero field has the default.
type Options struct {
	Seed uint64
	Size int // pictures of a batch; no default
	// Texts is how many texts each picture has in a batch; default 1. A picture
	// with fewer shows them several times.
	Texts int
	// SharedItems allows pictures of one item in a batch, which the loss must then
	// know as positives of one another. Without it, each item is there once.
	SharedItems bool
	// LanguageTemperature levels out languages: a text in a language with N texts
	// is drawn with weight N^(1/T-1), so that languages are met in proportion to
	// N^(1/T). 1, the default, draws all texts alike; at 3 a language with 1,000
	// times as many texts is met 10 times as often, as multilingual models are
	// often trained (Xue et al., "mT5", 2021, section 3.1); infinity draws
	// languages alike.
	LanguageTemperature float64
	// Prefer lists the pictures that an epoch is made of, of those that are drawn
	// from; nil takes all. It gives the same for an epoch each time, and about as
	// many for each; others fill up the last batch where it gives too few.
	Prefer func(epoch int) []int
}

// Batch is a batch by numbers.
type Batch struct {
	Step, Epoch int
	Pictures    []int // [Size] indexes into Set.Pictures
	Items       []int // [Size] what they show
	Pairs       []int // [Size*Texts] indexes into Set.Pairs: those of the first picture, then of the second
}

// Sampler makes up batches. It is safe for concurrent use.
type Sampler struct {
	options  Options
	set      *data.Set
	items    []int // of each picture of the set
	pairs    [][]int
	weights  []float64 // of each pair
	pictures []int     // that are drawn from
	units    [][]int   // pictures that may not share a batch
	steps    int       // of an epoch

	mutex sync.Mutex
	epoch int
	order [][]int // pictures of each batch of the epoch
}

// NewSampler draws from the given pictures of the set, those that have a text. items
// says what each picture of the set shows.
func NewSampler(set *data.Set, items, pictures []int, options Options) (*Sampler, error) {
	if options.Texts == 0 {
		options.Texts = 1
	}
	if options.LanguageTemperature == 0 {
		options.LanguageTemperature = 1
	}
	if err := options.check(); err != nil {
		return nil, err
	}
	s := &Sampler{options: options, set: set, items: items, pairs: set.PairsOf(), epoch: -1}
	for _, picture := range pictures {
		if len(s.pairs[picture]) > 0 {
			s.pictures = append(s.pictures, picture)
		}
	}
	s.units = s.makeUnits()
	preferred, _ := s.preferred(0)
	if s.steps = countSteps(preferred, options.Size); s.steps == 0 {
		return nil, s.tooFew(len(preferred))
	}
	s.weights = s.weigh()
	return s, nil
}

func (o Options) check() error {
	switch {
	case o.Size < 2:
		return fmt.Errorf("batch size %d: want 2 or more, since pairs are compared with the others of their batch", o.Size)
	case o.Texts < 1:
		return fmt.Errorf("%d texts for a picture: want 1 or more", o.Texts)
	case !(o.LanguageTemperature >= 1):
		return fmt.Errorf("language temperature %g: want 1 or more", o.LanguageTemperature)
	}
	return nil
}

// ErrTooFew is returned, wrapped, where not a single batch can be filled.
var ErrTooFew = errors.New("too few to fill a batch")

func (s *Sampler) tooFew(units int) error {
	kind := "items"
	if s.options.SharedItems {
		kind = "pictures"
	}
	return fmt.Errorf("%d %s with texts are %w of %d: make batches smaller, or add pairs", units, kind, ErrTooFew, s.options.Size)
}

// makeUnits puts the pictures of one item together, or each apart where they
// may share a batch.
func (s *Sampler) makeUnits() [][]int {
	var units [][]int
	at := make(map[int]int)
	for _, picture := range s.pictures {
		i, ok := at[s.items[picture]]
		if !ok || s.options.SharedItems {
			i = len(units)
			at[s.items[picture]] = i
			units = append(units, nil)
		}
		units[i] = append(units[i], picture)
	}
	return units
}

// countSteps is the largest number of batches of so many different units, where
// a unit is in at most as many batches as it has pictures.
func countSteps(units [][]int, size int) int {
	fits := func(steps int) bool {
		places := 0
		for _, unit := range units {
			places += min(len(unit), steps)
		}
		return places >= steps*size
	}
	low, high := 0, 0
	for _, unit := range units {
		high += len(unit)
	}
	high /= size
	for low < high { // what fits, fits in fewer batches too
		middle := (low + high + 1) / 2
		if fits(middle) {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return low
}

// Steps is the number of batches of an epoch. An epoch shows nearly every
// picture once: the rest that fills no batch, and pictures of an item that has
// more than there are batches, are left out, others each time.
func (s *Sampler) Steps() int { return s.steps }

// Batch makes up the batch of a step, which counts over all epochs from 0.
func (s *Sampler) Batch(step int) Batch {
	epoch := step / s.steps
	b := Batch{Step: step, Epoch: epoch}
	b.Pictures = append(b.Pictures, s.epochOrder(epoch)[step%s.steps]...)
	for _, picture := range b.Pictures {
		b.Items = append(b.Items, s.items[picture])
		b.Pairs = append(b.Pairs, s.Texts(epoch, picture)...)
	}
	return b
}

// epochOrder makes the order of an epoch, and keeps it for its other batches.
func (s *Sampler) epochOrder(epoch int) [][]int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if epoch != s.epoch {
		s.order, s.epoch = s.arrange(epoch), epoch
	}
	return s.order
}

// arrange lays the units, shuffled, one after the other and deals the sequence
// out to the batches in turn. The pictures of a unit, at most one for each
// batch, thus come into different ones.
func (s *Sampler) arrange(epoch int) [][]int {
	r := random.New(s.options.Seed, forOrder, uint64(epoch))
	preferred, others := s.preferred(epoch)
	sequence := s.sequence(r, preferred)
	if len(sequence) < s.steps*s.options.Size {
		sequence = append(sequence, s.sequence(r, others)...)
	}
	if len(sequence) < s.steps*s.options.Size { // all are of items that are there already
		sequence = s.sequence(r, s.units)
	}
	batches := make([][]int, s.steps)
	turn := r.Perm(s.steps)
	for i, picture := range sequence[:s.steps*s.options.Size] {
		at := turn[i%s.steps]
		batches[at] = append(batches[at], picture)
	}
	return batches
}

// sequence lays units one after the other, shuffled.
func (s *Sampler) sequence(r *rand.Rand, units [][]int) []int {
	sequence := make([]int, 0, len(s.pictures))
	for _, i := range r.Perm(len(units)) {
		sequence = append(sequence, draw(r, units[i], s.steps)...)
	}
	return sequence
}

// preferred parts the units into those of an epoch, with the pictures that it
// prefers, and those of which it prefers none.
func (s *Sampler) preferred(epoch int) (units, others [][]int) {
	if s.options.Prefer == nil {
		return s.units, nil
	}
	wanted := make(map[int]bool)
	for _, picture := range s.options.Prefer(epoch) {
		wanted[picture] = true
	}
	for _, unit := range s.units {
		var some []int
		for _, picture := range unit {
			if wanted[picture] {
				some = append(some, picture)
			}
		}
		if len(some) > 0 {
			units = append(units, some)
		} else {
			others = append(others, unit)
		}
	}
	return units, others
}

// draw gives at most so many of the pictures of a unit in random order.
func draw(r *rand.Rand, unit []int, most int) []int {
	if len(unit) == 1 {
		return unit
	}
	drawn := make([]int, len(unit))
	for i, j := range r.Perm(len(unit)) {
		drawn[i] = unit[j]
	}
	return drawn[:min(len(drawn), most)]
}
