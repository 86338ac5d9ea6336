package batch

import "polylens/trainer/data/internal/random"

// replacements are the pictures that stand in for broken ones of a batch. They
// are the same whatever breaks first: each row has candidates of its own.
type replacements struct {
	size       int
	candidates []int
}

// replacements lists pictures in an order that depends on the seed and the step:
// one of each item that the batch does not have, or any where items may share it.
func (s *Sampler) replacements(b Batch) replacements {
	r := random.New(s.options.Seed, forReplacement, uint64(b.Step))
	there := make(map[int]bool, len(b.Items))
	for _, item := range b.Items {
		there[item] = !s.options.SharedItems
	}
	found := replacements{size: s.options.Size}
	for _, i := range r.Perm(len(s.units)) {
		picture := s.units[i][r.IntN(len(s.units[i]))]
		if !there[s.items[picture]] {
			found.candidates = append(found.candidates, picture)
		}
	}
	return found
}

// at is the picture that stands in for that of a row at an attempt from 0.
func (r replacements) at(row, attempt int) (picture int, ok bool) {
	i := row + attempt*r.size
	if i >= len(r.candidates) {
		return 0, false
	}
	return r.candidates[i], true
}

// replace puts another picture with its texts into a row.
func (s *Sampler) replace(b *Batch, row, picture int) {
	b.Pictures[row], b.Items[row] = picture, s.items[picture]
	copy(b.Pairs[row*s.options.Texts:], s.Texts(b.Epoch, picture))
}
