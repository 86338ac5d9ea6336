package main

import (
	"context"

	"polylens/trainer/fresh"
)

type modelConvertCommand struct {
	Model string `arg:"" placeholder:"NAME|DIR" help:"The model to begin with."`
	DType string `required:"" name:"dtype" enum:"float32,float16,bfloat16" placeholder:"TYPE" help:"What matrices are stored in: float32, float16 or bfloat16."`
	newModel
}

// Help documents the command.
func (*modelConvertCommand) Help() string {
	return `Writes a copy of a model whose matrices are stored in another type: float16 takes half of the disk and of the download that ` +
		`float32 takes. Biases, norms and config.json stay as they are, and Polylens goes on computing in the precision that ` +
		`--precision names. Training writes what it trained in float32, so convert last. See what it costs with "polylens eval".

Examples:

    polylens model convert birds --dtype float16 --name birds-half
    polylens eval --pairs demo --model birds-half

` + exitHelp
}

func (c *modelConvertCommand) Run(ctx context.Context, p *program) error {
	from, err := p.checkpoint(c.Model, "weights")
	if err != nil {
		return err
	}
	return c.write(ctx, p, func(dir string) error { return fresh.Convert(ctx, from, dir, c.DType) })
}
