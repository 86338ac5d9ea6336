package main

import (
	"context"
	"encoding/json"
	"os"

	"polylens/encoder/hub"
	"polylens/internal/progress"
)

type modelPullCommand struct {
	Name     string `arg:"" placeholder:"NAME[@REVISION]" help:"Name of the model on the hub, such as google/siglip2-base-patch16-256."`
	Revision string `placeholder:"REVISION" help:"Branch, tag or commit to fetch (default: the main branch). The same as NAME@REVISION."`
	Onnx     string `placeholder:"PRECISION" enum:"fp32,fp16,int8,uint8,quantized,q4,q4f16,bnb4," default:"" help:"Fetch the ONNX files of this precision instead of safetensors: fp32, fp16, int8, uint8, quantized, q4, q4f16 or bnb4."`
	JSON     bool   `help:"Print the progress as one JSON object a line: model, stage, bytes, total, bytes_per_second, seconds_left, reason; and last what \"model list --json\" prints."`
}

// Help documents the command.
func (*modelPullCommand) Help() string {
	return `Fetches the files that make a model, several at once, compares each with the hash that the hub names, and puts ` +
		`the model into the data folder, whole or not at all. It may be interrupted at any moment and repeated: what has been ` +
		`fetched is kept, and so is what the Hugging Face cache holds. Weights are read as safetensors or ONNX, never as pickles; code is never fetched.

Branches and tags are resolved to a commit, which is stamped into polylens.json beside the model. Without network, pull ` +
		`on another machine and copy the folder below "models" in the data folder; with HF_HUB_OFFLINE=1 nothing is asked of the hub.

Examples:

    polylens model pull google/siglip2-base-patch16-256
    polylens model pull google/siglip2-base-patch16-256@main --json
    polylens model pull onnx-community/siglip2-base-patch16-256-ONNX --onnx fp16
    HF_ENDPOINT=https://mirror.example polylens model pull google/siglip2-so400m-patch16-256

` + hubHelp + "\n\n" + exitHelp
}

func (c *modelPullCommand) Run(ctx context.Context, p *program) error {
	reference, err := c.reference()
	if err != nil {
		return usageError{err}
	}
	access, err := hub.AccessFrom(os.Getenv)
	if err != nil {
		return err
	}
	store, err := p.modelStore()
	if err != nil {
		return err
	}
	line := progress.New(p.terminal.err)
	info, err := store.Pull(ctx, reference, hub.PullOptions{Access: access, Precision: c.Onnx, Progress: c.teller(p, line)})
	line.End()
	if err != nil {
		return err
	}
	pulled := newModelLine(info)
	if c.JSON {
		return json.NewEncoder(p.terminal.out).Encode(pulled)
	}
	p.print("%s: %d files, %s, revision %.12s, in %s", pulled.Name, len(info.Files), size(pulled.Bytes), orDash(pulled.Revision), pulled.Dir)
	return nil
}

func (c *modelPullCommand) reference() (hub.Reference, error) {
	text := c.Name
	if c.Revision != "" {
		text += "@" + c.Revision
	}
	return hub.ParseReference(text)
}

// teller shows programs or people how far the pull has come. It does not stop if
// something cannot be written.
func (c *modelPullCommand) teller(p *program, line *progress.Line) func(hub.Event) {
	if c.JSON {
		lines := json.NewEncoder(p.terminal.out)
		return func(event hub.Event) { _ = lines.Encode(event) }
	}
	return func(event hub.Event) {
		if event.Stage == hub.StageRetry || event.Stage == hub.StageWait { // stay to be read
			line.Note(event)
		} else {
			line.Show(event)
		}
	}
}
