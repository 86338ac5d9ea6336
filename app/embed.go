package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"

	"github.com/alecthomas/kong"

	"polylens/encoder"
)

type embedCommand struct {
	Text  []string `sep:"none" placeholder:"TEXT" help:"A text; may be repeated."`
	Image []string `sep:"none" placeholder:"FILE" help:"A picture; may be repeated."`
	JSON  bool     `help:"Print one JSON object a line: kind, input, embedding."`
}

// Help documents the command.
func (*embedCommand) Help() string {
	return `Prints the unit vector of each text and each picture, in the order of the command line.

Examples:

    polylens embed --json --text "a red fish" --image fish.jpg --text "ein roter Fisch"
    polylens embed --model ./siglip2-base-patch16-224 --text "a red fish"

With --json, one object a line: {"kind":"text","input":"a red fish","embedding":[...]}, kind being text or image.

` + exitHelp
}

// embedInput is one thing to encode.
type embedInput struct{ kind, value string }

const (
	kindText  = "text"
	kindImage = "image"
)

func (c *embedCommand) Run(ctx context.Context, line *kong.Context, p *program) error {
	inputs := c.inputs(line)
	if len(inputs) == 0 {
		return usageError{errors.New("nothing to encode: give --text or --image")}
	}
	model, err := p.openEncoder(ctx)
	if err != nil {
		return err
	}
	for _, input := range inputs {
		vector, err := c.encode(ctx, p, model, input)
		if err != nil {
			return fmt.Errorf("%s %q: %w", input.kind, input.value, err)
		}
		if err := c.print(p, input, vector); err != nil {
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

func (*embedCommand) encode(ctx context.Context, p *program, model *encoder.Encoder, input embedInput) ([]float32, error) {
	var vectors [][]float32
	var err error
	if input.kind == kindText {
		vectors, err = model.EncodeTexts(ctx, []string{input.value})
	} else {
		var picture image.Image
		if picture, err = p.decodeFile(ctx, input.value); err == nil {
			vectors, err = model.EncodeImages(ctx, []image.Image{picture})
		}
	}
	if err != nil {
		return nil, err
	}
	return vectors[0], nil
}

func (c *embedCommand) print(p *program, input embedInput, vector []float32) error {
	encoder := json.NewEncoder(p.terminal.out)
	encoder.SetEscapeHTML(false)
	if c.JSON {
		return encoder.Encode(struct {
			Kind      string    `json:"kind"`
			Input     string    `json:"input"`
			Embedding []float32 `json:"embedding"`
		}{input.kind, input.value, vector})
	}
	return encoder.Encode(vector)
}
