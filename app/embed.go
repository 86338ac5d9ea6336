package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"

	"github.com/alecthomas/kong"

	"polylens/encoder"
	"polylens/internal/text"
)

type embedCommand struct {
	Text  []string `sep:"none" placeholder:"TEXT" help:"A text; may be repeated."`
	Image []string `sep:"none" placeholder:"FILE" help:"A picture; may be repeated."`
	Dense bool     `help:"With --json: after each picture print its patches, one a line: kind, input, row, column, rows, columns, state."`
	JSON  bool     `help:"Print one JSON object a line: kind, input, embedding."`
}

// Help documents the command.
func (*embedCommand) Help() string {
	return `Prints the unit vector of each text and each picture, in the order of the command line. A text is encoded as search does it: ` +
		`without what cannot be seen, such as zero-width characters, and with single spaces.

With --json, one object a line: {"kind":"text","input":"a red fish","embedding":[...]}, kind being text or image.

--dense adds what the vision tower knows of each patch of a picture, from which heat-maps can be drawn and the places of things ` +
		`read. The model cuts a picture into a grid of rows and columns that covers it evenly; each patch has the last hidden state, row by row ` +
		`from the top left: {"kind":"patch","input":"fish.jpg","row":0,"column":0,"rows":14,"columns":14,"state":[...]}. States are those ` +
		`before pooling: they have no length of 1, and can be compared with one another but not with embeddings.

Examples:

    polylens embed --json --text "a red fish" --image fish.jpg --text "ein roter Fisch"
    polylens embed --model ./siglip2-base-patch16-224 --text "a red fish"
    polylens embed --json --dense --image fish.jpg

` + exitHelp
}

// embedInput is one thing to encode.
type embedInput struct{ kind, value string }

const (
	kindText  = "text"
	kindImage = "image"
)

// errDense is for a --dense that has nothing to print, or no way to print it.
var errDense = errors.New("--dense prints the patches of pictures as objects: give --image and --json")

func (c *embedCommand) Run(ctx context.Context, line *kong.Context, p *program) error {
	inputs := c.inputs(line)
	switch {
	case len(inputs) == 0:
		return usageError{errors.New("nothing to encode: give --text or --image")}
	case c.Dense && (len(c.Image) == 0 || !c.JSON):
		return usageError{errDense}
	}
	model, err := p.openEncoder(ctx)
	if err != nil {
		return err
	}
	for _, input := range inputs {
		encoded, err := c.encode(ctx, p, model, input)
		if err != nil {
			return fmt.Errorf("%s %q: %w", input.kind, input.value, err)
		}
		if err := c.print(p, input, encoded); err != nil {
			return err
		}
	}
	return nil
}

// inputs lists texts and pictures as they stand on the command line.
func (c *embedCommand) inputs(line *kong.Context) []embedInput {
	var inputs []embedInput
	next := map[string]int{}
	values := map[string][]string{kindText: c.Text, kindImage: c.Image}
	for _, part := range line.Path {
		if part.Flag == nil || values[part.Flag.Name] == nil {
			continue
		}
		kind := part.Flag.Name
		inputs = append(inputs, embedInput{kind, values[kind][next[kind]]})
		next[kind]++
	}
	return inputs
}

// encode returns the vector of an input, and with --dense the patches of a picture.
func (c *embedCommand) encode(ctx context.Context, p *program, model *encoder.Encoder, input embedInput) (encoder.Dense, error) {
	if input.kind == kindText {
		if err := text.Check(input.value); err != nil {
			return encoder.Dense{}, err
		}
		return one(model.EncodeTexts(ctx, []string{text.Query(input.value)}))
	}
	picture, err := p.decodeFile(ctx, input.value)
	if err != nil {
		return encoder.Dense{}, err
	}
	if c.Dense {
		return model.EncodeDense(ctx, picture)
	}
	return one(model.EncodeImages(ctx, []image.Image{picture}))
}

// one is a vector without patches.
func one(vectors [][]float32, err error) (encoder.Dense, error) {
	if err != nil {
		return encoder.Dense{}, err
	}
	return encoder.Dense{Embedding: vectors[0]}, nil
}

func (c *embedCommand) print(p *program, input embedInput, encoded encoder.Dense) error {
	lines := json.NewEncoder(p.terminal.out)
	lines.SetEscapeHTML(false)
	if !c.JSON {
		return lines.Encode(encoded.Embedding)
	}
	err := lines.Encode(embedLine{input.kind, input.value, encoded.Embedding})
	for patch := 0; err == nil && patch < encoded.Rows*encoded.Columns; patch++ {
		err = lines.Encode(patchLine{
			Kind: "patch", Input: input.value, Row: patch / encoded.Columns, Column: patch % encoded.Columns,
			Rows: encoded.Rows, Columns: encoded.Columns, State: encoded.States[patch*encoded.Width:][:encoded.Width],
		})
	}
	return err
}

// embedLine is what embed --json prints of a text or a picture.
type embedLine struct {
	Kind      string    `json:"kind"`
	Input     string    `json:"input"`
	Embedding []float32 `json:"embedding"`
}

// patchLine is what embed --dense prints of a patch.
type patchLine struct {
	Kind    string    `json:"kind"`
	Input   string    `json:"input"`
	Row     int       `json:"row"` // from the top, from 0
	Column  int       `json:"column"`
	Rows    int       `json:"rows"` // of the grid
	Columns int       `json:"columns"`
	State   []float32 `json:"state"`
}
