package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"polylens/encoder/hub"
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
	progress := newPullProgress(p.terminal, c.JSON)
	info, err := store.Pull(ctx, reference, hub.PullOptions{Access: access, Precision: c.Onnx, Progress: progress.show})
	progress.end()
	if err != nil {
		return err
	}
	line := newModelLine(info)
	if c.JSON {
		return json.NewEncoder(p.terminal.out).Encode(line)
	}
	p.print("%s: %d files, %s, revision %.12s, in %s", line.Name, len(info.Files), size(line.Bytes), orDash(line.Revision), line.Dir)
	return nil
}

func (c *modelPullCommand) reference() (hub.Reference, error) {
	text := c.Name
	if c.Revision != "" {
		text += "@" + c.Revision
	}
	return hub.ParseReference(text)
}

// pullProgress shows how far a pull is: as JSON, as one line of a terminal
// that changes, or not at all.
type pullProgress struct {
	lines  *json.Encoder // nil without --json
	screen io.Writer     // nil where no terminal is
	open   bool          // a line of the screen is not ended
}

func newPullProgress(terminal terminal, asJSON bool) *pullProgress {
	switch {
	case asJSON:
		return &pullProgress{lines: json.NewEncoder(terminal.out)}
	case isTerminal(terminal.err):
		return &pullProgress{screen: terminal.err}
	}
	return &pullProgress{}
}

// isTerminal reports whether somebody may be looking.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// show prints one event. A line that cannot be written is no reason to stop.
func (s *pullProgress) show(event hub.Event) {
	switch {
	case s.lines != nil:
		_ = s.lines.Encode(event)
	case s.screen == nil:
	case event.Stage == hub.StageRetry: // stays to be read
		fmt.Fprintf(s.screen, "\r\x1b[K%s\n", event)
		s.open = false
	default:
		fmt.Fprintf(s.screen, "\r\x1b[K%s", event)
		s.open = true
	}
}

// end leaves the cursor on a line of its own.
func (s *pullProgress) end() {
	if s.open {
		fmt.Fprintln(s.screen)
	}
}
