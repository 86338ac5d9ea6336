package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"polylens/app/doctor"
	"polylens/indexer/catalog"
	"polylens/indexer/decode"
	"polylens/internal/text"
	"polylens/search/milvus"
	"polylens/trainer"
)

func main() {
	milvus.MaybeRunChild() // this program is also the keeper of its Milvus,
	decode.MaybeRunChild() // and decodes pictures in processes of its own
	os.Exit(untilSignal(terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}

// untilSignal runs the command line of this process, until it is told to end.
func untilSignal(terminal terminal) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // from here on a second signal ends the program at once
	}()
	return Main(ctx, os.Args[1:], terminal)
}

// Main runs one command line and returns the exit code. An error is one line
// on the terminal's err.
func Main(ctx context.Context, arguments []string, terminal terminal) int {
	terminal.out, terminal.err = plainWriter{terminal.out}, plainWriter{terminal.err}
	err := run(ctx, arguments, terminal)
	if err == nil || errors.Is(err, errHelpShown) {
		return exitSuccess
	}
	message := strings.Join(strings.Fields(err.Error()), " ") + hintOf(err)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		message = "interrupted"
	}
	fmt.Fprintln(terminal.err, "polylens:", message)
	return exitCode(ctx, err)
}

// cli is the whole command line.
type cli struct {
	globals

	Serve      serveCommand      `cmd:"" help:"Serve the page and the API."`
	Worker     workerCommand     `cmd:"" help:"Do a share of the work of pushes, beside a server."`
	Index      indexCommand      `cmd:"" help:"Index a folder of pictures into a collection."`
	Search     searchCommand     `cmd:"" help:"Find pictures with words."`
	Check      checkCommand      `cmd:"" help:"Compare the index with the catalogue, and repair it."`
	Backup     backupCommand     `cmd:"" help:"Copy what cannot be made again, while it is in use."`
	Restore    restoreCommand    `cmd:"" help:"Bring a backup back into an empty data folder."`
	Embed      embedCommand      `cmd:"" help:"Print the vectors of texts and pictures."`
	Tokenize   tokenizeCommand   `cmd:"" help:"Print the token ids of the lines of standard input."`
	Eval       evalCommand       `cmd:"" help:"Measure how well queries in many languages find the demo pictures."`
	Train      trainCommand      `cmd:"" help:"Finetune the model for your own pictures."`
	Bench      benchCommand      `cmd:"" help:"Measure the speed of this machine."`
	Collection collectionCommand `cmd:"" help:"List, rename and delete collections."`
	Source     sourceCommand     `cmd:"" help:"Keep collections in step with folders."`
	Key        keyCommand        `cmd:"" help:"Make, list and revoke API keys."`
	Job        jobCommand        `cmd:"" help:"List background jobs, and pause, cancel or retry them."`
	Model      modelCommand      `cmd:"" help:"List, fetch, write, check and choose models."`
	Prune      pruneCommand      `cmd:"" help:"Remove vectors that nothing uses any more."`
	Setup      setupCommand      `cmd:"" help:"Fetch what Polylens needs."`
	Doctor     doctorCommand     `cmd:"" help:"Check that everything is in place, and say what to do where it is not."`
}

// errHelpShown says that help or the version has been printed and nothing is left to do.
var errHelpShown = errors.New("help shown")

const description = `Polylens finds pictures with words in any language. It encodes pictures and queries with a SigLIP 2 model ` +
	`in its own process, keeps the vectors in Milvus, and serves a page and an API.

Flags may be set by environment variables too; their names stand beside them. Everything stays on this machine.`

// run parses the command line and runs the command.
func run(ctx context.Context, arguments []string, terminal terminal) (err error) {
	defer func() { // kong ends help and version by calling Exit
		if shown := recover(); shown == errHelpShown { //nolint:errorlint // a sentinel, never wrapped
			err = errHelpShown
		} else if shown != nil {
			panic(shown)
		}
	}()
	var line cli
	parser, err := kong.New(&line,
		kong.Name("polylens"), kong.Description(description),
		kong.Writers(terminal.out, terminal.err),
		kong.Exit(func(int) { panic(errHelpShown) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Vars{
			"version": version(), "model": bundledModel, "preset": trainer.DefaultPreset,
			"scopes": strings.Join(catalog.ScopeNames(catalog.Scopes()), ","),
		},
	)
	if err != nil {
		return err
	}
	if err := checkArguments(arguments); err != nil {
		return usageError{err}
	}
	parsed, err := parser.Parse(arguments)
	if err != nil {
		return usageError{fmt.Errorf("%w (see %s --help)", err, commandOf(err))}
	}
	if err := line.finish(); err != nil {
		return err
	}
	if parsed.Command() != "doctor" { // which says so as well, among other things
		if err := doctor.CheckOpenFiles(); err != nil {
			return err
		}
	}
	log := line.logger(terminal, parsed.Command())
	program := newProgram(line.globals, terminal, log)
	defer func() { err = errors.Join(err, program.close(ctx)) }()
	parsed.BindTo(ctx, (*context.Context)(nil))
	return parsed.Run(parsed, program)
}

// checkArguments refuses what is no text: the parser would replace its bytes in silence,
// also in the names of files.
func checkArguments(arguments []string) error {
	for i, argument := range arguments {
		if err := text.Check(argument); err != nil {
			return fmt.Errorf("argument %d, %.80q, cannot be used: %w (a file of such a name has to be renamed, or reached by its folder)", i+1, argument, err)
		}
	}
	return nil
}

// commandOf is the command that the parser had understood when it failed, for a hint: that
// whose help names what there is instead.
func commandOf(err error) string {
	var failed *kong.ParseError
	if errors.As(err, &failed) && failed.Context != nil {
		if command := failed.Context.Selected(); command != nil {
			return command.FullPath()
		}
	}
	return "polylens"
}
