package caption

import (
	"path/filepath"
	"slices"
	"testing"

	"polylens/encoder/siglip2"
	"polylens/encoder/tokenizer"
)

// TestBundledModel: prefixes, boxes and captions are tokens of the bundled
// model, and every one of them is known.
func TestBundledModel(t *testing.T) {
	const unknown = 3
	dir := filepath.Join("..", "..", "encoder", "hub", "polylens-mini")
	words, err := tokenizer.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	model, err := siglip2.ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	config := Default()
	config.Boxes, config.Parallel = true, 0
	d, err := New(config, model, words)
	if err != nil {
		t.Fatal(err)
	}
	if used := d.targets.longest(true); used > 32 {
		t.Errorf("%d of %d tokens are left for a caption", int(d.length)-used, d.length)
	}
	in, err := d.Inputs([]Example{{Text: "a red fox", Box: &Box{.134, .256, .378, .99}}}, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	caption := words.Encode("a red fox", 64)
	caption = caption[:slices.Index(caption, 1)+1]
	if got := in[targetsInput].Ints[:len(caption)]; !slices.Equal(got, caption) {
		t.Errorf("the caption %v is learned as %v", caption, got)
	}
	if slices.Contains(in[idsInput].Ints, unknown) {
		t.Errorf("a token of %v is unknown", in[idsInput].Ints)
	}
	t.Logf("boxes leave %d tokens for a caption", int(d.length)-d.targets.longest(true))
}
