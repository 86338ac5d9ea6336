package onnxfile

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"polylens/encoder/graph"
)

// Role is the half of SigLIP that a Tower is.
type Role string

// The roles.
const (
	Image Role = "image"
	Text  Role = "text"
)

// Tower says how one half of SigLIP is run: what to feed and which output is the
// embedding. Sizes that the file leaves open are 0; config.json and
// preprocessor_config.json have them. No file says whether embeddings are normalized:
// whoever runs the tower normalizes them.
type Tower struct {
	Role Role
	Path string

	Pixels *Port // [B, 3, H, W], or for NaFlex [B, N, 3 P P]; nil for text
	Tokens *Port // [B, L] token ids; nil for images

	// Mask distinguishes the real patches of a NaFlex picture from padding. For text
	// it is to be fed with ones where a graph declares one, because SigLIP attends to
	// padding.
	Mask *Port
	Grid *Port // [B, 2] rows and columns of patches; NaFlex only

	Others []Port // inputs of the other tower in the same file, to be fed with anything

	Embedding Port  // [B, D]
	Hidden    *Port // [B, L or N, D], the last hidden state, when the file has it

	Batch     int64 // that the file is fixed to, 0 when it takes any
	Length    int64 // L of a text, or N of a NaFlex picture
	ImageSize int64 // pixels on each side, 0 for NaFlex
	Dimension int64 // D
}

// NaFlex reports whether the tower takes patches of pictures of any shape.
func (t *Tower) NaFlex() bool { return t.Grid != nil }

// Combined reports whether the file holds both towers.
func (t *Tower) Combined() bool { return len(t.Others) > 0 }

// Open reads and checks the file, and that it still is the tower that was found.
func (t *Tower) Open(options Options) (*Model, error) {
	model, err := Open(t.Path, options)
	if err != nil {
		return nil, err
	}
	towers, err := recognise(t.Path, model.Inputs, model.Outputs)
	if err != nil {
		return nil, &FileError{Path: t.Path, Err: err}
	}
	same := func(other Tower) bool { return reflect.DeepEqual(other, *t) }
	if !slices.ContainsFunc(towers, same) {
		return nil, &FileError{Path: t.Path, Err: errors.New("was exchanged while the model was opened")}
	}
	return model, nil
}

// Names of inputs, in lower case, with what they are.
const (
	isPixels = "pixels"
	isTokens = "tokens"
	isMask   = "mask"
	isPatch  = "mask of patches"
	isGrid   = "grid"
)

var inputNames = map[string]string{
	"pixel_values": isPixels, "image": isPixels, "images": isPixels, "pixels": isPixels,
	"input_ids": isTokens, "text": isTokens, "texts": isTokens, "tokens": isTokens, "text_input_ids": isTokens,
	"attention_mask": isMask, "text_attention_mask": isMask,
	"pixel_attention_mask": isPatch, "patch_attention_mask": isPatch,
	"spatial_shapes": isGrid, "grid_shapes": isGrid,
}

// Names of the output that is the embedding, the best first.
var embeddingNames = map[Role][]string{
	Image: {"image_embeds", "image_embeddings", "image_embedding", "image_features", "pooler_output", "embedding", "embeddings"},
	Text:  {"text_embeds", "text_embeddings", "text_embedding", "text_features", "pooler_output", "embedding", "embeddings"},
}

var integerTypes = []graph.DType{graph.Int64, graph.Int32}
var floatTypes = []graph.DType{graph.Float32, graph.Float16}

// recognize returns the towers that a file with these ports holds.
func recognise(path string, inputs, outputs []Port) ([]Tower, error) {
	given, err := sortInputs(inputs)
	if err != nil {
		return nil, err
	}
	var towers []Tower
	if given[isPixels] != nil {
		towers = append(towers, Tower{Role: Image, Pixels: given[isPixels], Mask: given[isPatch], Grid: given[isGrid]})
	}
	if given[isTokens] != nil {
		towers = append(towers, Tower{Role: Text, Tokens: given[isTokens], Mask: given[isMask]})
	}
	if len(towers) == 0 {
		return nil, fmt.Errorf("takes neither pictures nor texts, but %s", list(inputs))
	}
	for i := range towers {
		towers[i].Path = path
		if err := towers[i].complete(inputs, outputs); err != nil {
			return nil, err
		}
	}
	return towers, nil
}

// sortInputs finds out what each input is: by its name, or, when it is the
// only one, by its type.
func sortInputs(inputs []Port) (map[string]*Port, error) {
	given := map[string]*Port{}
	for i := range inputs {
		input := &inputs[i]
		what, known := inputNames[strings.ToLower(input.Name)]
		switch {
		case known:
		case len(inputs) == 1 && slices.Contains(floatTypes, input.DType) && len(input.Shape) == 4:
			what = isPixels
		case len(inputs) == 1 && slices.Contains(integerTypes, input.DType) && len(input.Shape) == 2:
			what = isTokens
		default:
			return nil, fmt.Errorf("takes the input %v, which SigLIP does not have", input)
		}
		if given[what] != nil {
			return nil, fmt.Errorf("takes its %s twice: %v and %v", what, given[what], input)
		}
		given[what] = input
	}
	if given[isTokens] == nil && given[isPatch] == nil { // a separate NaFlex tower may give its mask this name
		given[isPatch], given[isMask] = given[isMask], nil
	}
	return given, checkInputs(given)
}

func checkInputs(given map[string]*Port) error {
	rank := 4
	if given[isGrid] != nil {
		rank = 3
	}
	for what, rule := range map[string]struct {
		rank  int
		types []graph.DType
	}{
		isPixels: {rank, floatTypes}, isTokens: {2, integerTypes}, isGrid: {2, integerTypes},
		isMask: {2, append(integerTypes, graph.Bool)}, isPatch: {2, append(integerTypes, graph.Bool)},
	} {
		port := given[what]
		if port == nil {
			continue
		}
		if !slices.Contains(rule.types, port.DType) || port.Shape != nil && len(port.Shape) != rule.rank {
			return fmt.Errorf("takes its %s as %v, which is not what SigLIP takes", what, port)
		}
	}
	if (given[isGrid] == nil) != (given[isPatch] == nil) || given[isGrid] != nil && given[isPixels] == nil {
		return errors.New("takes only some of the three inputs of a NaFlex tower: pixel_values, pixel_attention_mask and spatial_shapes")
	}
	return nil
}

// complete fills in outputs and sizes.
func (t *Tower) complete(inputs, outputs []Port) error {
	for _, input := range inputs {
		if !t.takes(input.Name) {
			t.Others = append(t.Others, input)
		}
	}
	embedding, err := t.findEmbedding(outputs)
	if err != nil {
		return err
	}
	t.Embedding = embedding
	t.Dimension = size(&embedding, 1)
	for i := range outputs {
		if outputs[i].Name == "last_hidden_state" && !t.Combined() {
			t.Hidden = &outputs[i]
		}
	}
	if t.Role == Text {
		t.Batch, t.Length = size(t.Tokens, 0), size(t.Tokens, 1)
		return nil
	}
	t.Batch = size(t.Pixels, 0)
	if t.NaFlex() {
		t.Length = size(t.Pixels, 1)
		return nil
	}
	return t.findImageSize()
}

func (t *Tower) takes(name string) bool {
	for _, port := range []*Port{t.Pixels, t.Tokens, t.Mask, t.Grid} {
		if port != nil && port.Name == name {
			return true
		}
	}
	return false
}

// findEmbedding never guesses by position: the first output of the usual
// exports is the last hidden state.
func (t *Tower) findEmbedding(outputs []Port) (Port, error) {
	isEmbedding := func(port Port) bool {
		return slices.Contains(floatTypes, port.DType) && (port.Shape == nil || len(port.Shape) == 2)
	}
	for _, name := range embeddingNames[t.Role] {
		if t.Combined() && !strings.HasPrefix(name, string(t.Role)) {
			continue
		}
		for _, output := range outputs {
			if strings.EqualFold(output.Name, name) && isEmbedding(output) {
				return output, nil
			}
		}
	}
	var candidates []Port
	for _, output := range outputs {
		if isEmbedding(output) && !strings.HasPrefix(output.Name, "logits") && len(output.Shape) == 2 {
			candidates = append(candidates, output)
		}
	}
	if len(candidates) != 1 || t.Combined() {
		return Port{}, fmt.Errorf("does not tell which output is the %s embedding: it has %s; export the tower with an output named %s_embeds or pooler_output",
			t.Role, list(outputs), t.Role)
	}
	return candidates[0], nil
}

func (t *Tower) findImageSize() error {
	height, width := size(t.Pixels, 2), size(t.Pixels, 3)
	if height != width {
		return fmt.Errorf("takes pictures of %d by %d pixels; SigLIP takes squares", height, width)
	}
	if channels := size(t.Pixels, 1); channels != 0 && channels != 3 {
		return fmt.Errorf("takes pictures of %d colours as %v; SigLIP takes three", channels, t.Pixels)
	}
	t.ImageSize = height
	return nil
}

// size is a fixed size of a port, or 0.
func size(port *Port, axis int) int64 {
	if axis >= len(port.Shape) || port.Shape[axis].Size < 0 {
		return 0
	}
	return port.Shape[axis].Size
}

func list(ports []Port) string {
	if len(ports) == 0 {
		return "none"
	}
	parts := make([]string, len(ports))
	for i, port := range ports {
		parts[i] = port.String()
	}
	return strings.Join(parts, ", ")
}
