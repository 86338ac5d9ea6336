package tokenizer

import (
	"fmt"
	"math"
)

// Limits of what a file may ask for, in memory when it is read and in work for each
// text. They are several times what the largest known vocabularies need.
const (
	maxFile   = 64 << 20 // bytes; the largest known has 34 MB
	maxID     = 1 << 21  // ids and pieces; Gemma has 256,000
	maxMerges = 1 << 22  // Gemma has 514,000
	maxPieces = 8 << 20  // bytes of all pieces of a unigram model; mT5 has 2 MB

	maxAdded      = 1 << 16 // added tokens; Gemma 3 has 6,000
	maxAddedBytes = 4 << 20 // of all of them
	maxToken      = 1024    // bytes of an added token, or of a piece of sentencepiece

	// maxNormalizers bounds their number, and the next two how many times as long they
	// may make a text, one of them and all together. A character of the Arabic
	// presentation forms becomes 11 times as long; no other comes near.
	maxNormalizers = 64
	maxGrowth      = 64
	maxGrowths     = 4096
)

// maxNormalized is how much of a normalized text is read: what any known normalizers
// make of the longest text.
const maxNormalized = 16 * maxTextBytes

// checkGrowth bounds how long the normalizers of a file can make a text, whatever the
// text: forty that each double it would take all memory.
func (n *normalizerEntry) checkGrowth() error {
	count, growth, err := n.growth(0)
	switch {
	case err != nil:
		return err
	case count > maxNormalizers:
		return fmt.Errorf("there are %d normalizers, more than %d", count, maxNormalizers)
	case growth > maxGrowths:
		return fmt.Errorf("the normalizers together can make a text %.3g times as long; the limit is %d", growth, maxGrowths)
	}
	return nil
}

// growth counts the normalizers, and says how many times as long they can make a text.
func (n *normalizerEntry) growth(depth int) (count int, growth float64, err error) {
	if n == nil || depth > maxNormalizerDepth { // which steps refuses
		return 0, 1, nil
	}
	if n.Type != "Sequence" {
		growth = n.ownGrowth()
		if growth > maxGrowth {
			err = fmt.Errorf("normalizer %q can make a text %.3g times as long; the limit is %d", n.Type, growth, maxGrowth)
		}
		return 1, growth, err
	}
	growth = 1
	for i := range n.Normalizers {
		inner, factor, err := n.Normalizers[i].growth(depth + 1)
		if err != nil {
			return 0, 0, err
		}
		count, growth = count+inner, math.Min(growth*factor, math.MaxFloat64)
	}
	return count, growth, nil
}

func (n *normalizerEntry) ownGrowth() float64 {
	switch {
	case n.Type == "Lowercase":
		return 1.5 // U+0130
	case n.Type == "Prepend":
		return 1 + float64(len(n.Prepend))
	case n.Type == "Precompiled":
		return maxReplacement
	case n.Type == "Replace" && n.Pattern.String != nil:
		return math.Max(1, float64(len(n.Content))/math.Max(1, float64(len(*n.Pattern.String))))
	case n.Type == "Replace":
		return math.Max(1, float64(len(n.Content)))
	}
	return 1
}
