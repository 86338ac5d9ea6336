package learner

import (
	"slices"
	"testing"

	"polylens/encoder/ort"
	"polylens/encoder/siglip2"
)

// TestShorten: the vector is read from the last of the positions that are left.
func TestShorten(t *testing.T) {
	var config siglip2.Config
	config.Text.Length = 5
	mode, err := ParseMode(modeText, config)
	if err != nil {
		t.Fatal(err)
	}
	l := &Learner{plan: Plan{Texts: 2, Pictures: 2, Mode: mode, Keep: Keep{Tokens: 4}}}
	l.textEncoder.config = config
	batch := Batch{Texts: ort.Ints([]int64{7, 1, 0, 0, 0, 8, 0, 0, 0, 0}, 2, 5)}
	l.shorten(&batch)
	for name, test := range map[string]struct{ got, want []int64 }{
		"ids":       {batch.Texts.Ints, []int64{7, 1, 0, 8, 0, 0}},
		"shape":     {batch.Texts.Shape, []int64{2, 3}},
		"positions": {batch.kept[positionsInput].Ints, []int64{0, 1, 4}},
		"last":      {batch.kept[lastInput].Ints, []int64{2, 5}},
	} {
		if !slices.Equal(test.got, test.want) {
			t.Errorf("%s are %v, want %v", name, test.got, test.want)
		}
	}
}
