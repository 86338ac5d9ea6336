package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"polylens/app/setup"
	"polylens/internal/progress"
	"polylens/internal/text"
)

type setupCommand struct {
	Only     []string `placeholder:"ITEM" help:"Only these: onnxruntime, turbojpeg, openjpeg, milvus, cldr, demo, chromium, postgres."`
	For      string   `placeholder:"WHAT" enum:"use,test" default:"use" help:"\"test\" adds what only the tests of Polylens need (default: ${default})."`
	From     string   `placeholder:"DIR" env:"POLYLENS_PACKAGES" type:"existingdir" help:"Folder with packages that were fetched before; they are not fetched again."`
	PrintEnv bool     `xor:"form" help:"Print shell commands that set the environment variables."`
	JSON     bool     `xor:"form" help:"Print one JSON object a line: item, version, path, env, source."`
}

// Help documents the command.
func (*setupCommand) Help() string {
	return `Fetches the ONNX Runtime library, the Milvus server, the Unicode CLDR names and the demo pictures, each by name ` +
		`and pinned version through the ordinary clients pip and npm, so that your indexes, mirrors and proxies are used. ` +
		`Each is compared with its SHA-256 before it is used, and kept in the cache folder. It may be interrupted and ` +
		`repeated; nothing is fetched twice.

Examples:

    polylens setup
    polylens setup --only onnxruntime --json
    polylens setup --onnxruntime /usr/lib/libonnxruntime.so --milvus /opt/milvus
    eval "$(polylens setup --for test --print-env)"

On a machine without network, fetch the packages elsewhere and name their folder with --from.

` + exitHelp
}

func (c *setupCommand) Run(ctx context.Context, p *program) error {
	names := c.Only
	if len(names) == 0 {
		names = setup.Default(c.For == "test")
	}
	line := progress.New(p.terminal.err)
	defer line.End()
	s := p.setup(c.From, func(event setup.Event) {
		if event.Stage == setup.StageFetch && event.Elapsed > 0 {
			line.Show(event) // again and again while it lasts
		} else {
			line.Note(event)
		}
	})
	for _, name := range names {
		if _, err := s.Find(name); err != nil {
			return usageError{err}
		}
	}
	var missing error
	for _, name := range names {
		if name == setup.Milvus && p.globals.milvusAddress() != "" {
			fmt.Fprintf(p.terminal.err, "milvus: using the server at %s\n", p.globals.milvusAddress())
			continue
		}
		ready, err := s.Ensure(ctx, name)
		if errors.Is(err, setup.ErrUnsupported) && len(c.Only) == 0 {
			missing = errors.Join(missing, err) // the rest may still be of use
			continue
		}
		if err != nil {
			return err
		}
		for _, one := range ready { // none, where an optional item cannot be had
			if err := c.print(p, one); err != nil {
				return err
			}
		}
	}
	return missing
}

func (c *setupCommand) print(p *program, ready setup.Ready) error {
	switch {
	case c.JSON:
		return json.NewEncoder(p.terminal.out).Encode(ready)
	case c.PrintEnv:
		_, err := fmt.Fprintf(p.terminal.out, "export %s=%s\n", ready.Env, text.QuoteShell(ready.Path))
		return err
	}
	return nil
}
