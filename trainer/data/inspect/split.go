package inspect

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Part is where a picture belongs.
type Part uint8

const (
	Unused Part = iota // it cannot be read
	Training
	Validation
	Test
)

// parts are those of a split.
var parts = []Part{Training, Validation, Test}

// String is the name of the part.
func (p Part) String() string {
	return [...]string{"unused", "training", "validation", "test"}[p]
}

// Shares say how much of a set is kept from training, each from 0 to 1 and
// together below 1.
type Shares struct {
	Validation, Test float64
}

// Check tells what is wrong with shares.
func (s Shares) Check() error {
	if !(s.Validation >= 0 && s.Test >= 0 && s.Validation+s.Test < 1) {
		return fmt.Errorf("shares of %g for validation and %g for test leave nothing for training: want 0 or more, together below 1",
			s.Validation, s.Test)
	}
	return nil
}

// Split gives each picture its part. Pictures of one group stay together. The
// part of a group depends on the seed and the content of its pictures alone:
// not on names, and not on what else is in the set, so that a set that grows
// keeps its split. Shares are therefore kept on average only.
func (f *Findings) Split(seed uint64, shares Shares) ([]Part, error) {
	if err := shares.Check(); err != nil {
		return nil, err
	}
	chosen := make([]Part, f.groups)
	for group, least := range f.leastContents() {
		chosen[group] = choose(seed, least, shares)
	}
	parts := make([]Part, len(f.Groups))
	for i, group := range f.Groups {
		if group >= 0 {
			parts[i] = chosen[group]
		}
	}
	return parts, nil
}

// leastContents are the least SHA-256 of each group.
func (f *Findings) leastContents() [][32]byte {
	least := make([][32]byte, f.groups)
	seen := make([]bool, f.groups)
	for i, group := range f.Groups {
		if group < 0 {
			continue
		}
		sum := f.Contents[i].SHA256
		if !seen[group] || bytes.Compare(sum[:], least[group][:]) < 0 {
			least[group], seen[group] = sum, true
		}
	}
	return least
}

func choose(seed uint64, content [32]byte, shares Shares) Part {
	sum := sha256.Sum256(append(binary.LittleEndian.AppendUint64(nil, seed), content[:]...))
	at := float64(binary.LittleEndian.Uint64(sum[:])) / (1 << 64)
	switch {
	case at < shares.Test:
		return Test
	case at < shares.Test+shares.Validation:
		return Validation
	}
	return Training
}

// Select lists the pictures of a part.
func Select(parts []Part, part Part) []int {
	var selected []int
	for i, p := range parts {
		if p == part {
			selected = append(selected, i)
		}
	}
	return selected
}
