package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/alecthomas/kong"

	"polylens/trainer"
)

// cli is the whole command line.
type cli struct {
	globals

	Serve      serveCommand      `cmd:"" help:"Serve the page and the API."`
	Index      indexCommand      `cmd:"" help:"Index a folder of pictures into a collection."`
	Search     searchCommand     `cmd:"" help:"Find pictures with words."`
	Check      checkCommand      `cmd:"" help:"Compare the index with the catalogue, and repair it."`
	Embed      embedCommand      `cmd:"" help:"Print the vectors of texts and pictures."`
	Tokenize   tokenizeCommand   `cmd:"" help:"Print the token ids of the lines of standard input."`
	Eval       evalCommand       `cmd:"" help:"Measure how well queries in many languages find the demo pictures."`
	Train      trainCommand      `cmd:"" help:"Finetune the model for your own pictures."`
	Bench      benchCommand      `cmd:"" help:"Measure the speed of this machine."`
	Collection collectionCommand `cmd:"" help:"Look at collections, rename and delete them."`
	Job        jobCommand        `cmd:"" help:"Look at work in the background, and steer it."`
	Model      modelCommand      `cmd:"" help:"Look at models."`
	Prune      pruneCommand      `cmd:"" help:"Remove vectors that nothing uses any more."`
	Setup      setupCommand      `cmd:"" help:"Fetch what Polylens needs."`
	Doctor     doctorCommand     `cmd:"" help:"Check that everything is in place, and say what to do where it is not."`
}

// globals are the flags that every command has.
type globals struct {
	Data        string           `placeholder:"DIR" env:"POLYLENS_DATA" help:"Folder of the catalogue, the vectors and the models (default: polylens in the user's data folder)."`
	Cache       string           `placeholder:"DIR" env:"POLYLENS_CACHE" help:"Folder of everything that setup fetches (default: polylens in the user's cache folder)."`
	Model       string           `placeholder:"NAME|DIR" env:"POLYLENS_MODEL" help:"Model to use: the name of one in the data folder, or a directory in the Hugging Face layout (default: what model use has chosen, at first ${model}, which is built in)."`
	named       bool             `kong:"-"` // whether Model was given
	Database    string           `placeholder:"URL" env:"POLYLENS_DATABASE" help:"Postgres database to keep the catalogue in: postgres://USER:PASSWORD@HOST:PORT/NAME (default: a SQLite file in the data folder). Other users see the command line: give a password in the variable, or in ~/.pgpass."`
	Onnxruntime string           `placeholder:"FILE" env:"POLYLENS_ONNXRUNTIME" help:"The ONNX Runtime library to use instead of the one that setup fetches."`
	Milvus      string           `placeholder:"DIR|ADDRESS" env:"POLYLENS_MILVUS" help:"Folder of an unpacked Milvus server to run instead of the one that setup fetches, or HOST:PORT or URL of a Milvus that runs elsewhere."`
	Threads     int              `placeholder:"N" env:"POLYLENS_THREADS" help:"Threads that the model computes with (default: one for each core)."`
	Precision   string           `placeholder:"NAME" env:"POLYLENS_PRECISION" enum:"fp32,fp16,int8," default:"" help:"Precision that the model computes in: fp32, fp16 (weights in 16 bits) or int8 (several times as fast on processors with VNNI; used once it has passed the quality gate) (default: fp32)."`
	Device      string           `placeholder:"NAME" env:"POLYLENS_DEVICE" help:"What the model computes on: cpu, cuda, tensorrt, coreml, openvino, one of several as in cuda:1 or openvino:gpu, or auto for cuda where it can be used (default: cpu). doctor tells what can be used and why."`
	OnnxFiles   string           `placeholder:"SUFFIX" env:"POLYLENS_ONNX_FILES" help:"Of a model that is an ONNX export, the files to use, by the end of their names, such as _q4f16 (default: those of the precision)."`
	Turbojpeg   string           `placeholder:"FILE" env:"POLYLENS_TURBOJPEG" help:"The libturbojpeg that decodes JPEGs, instead of the one that setup fetches or the system has."`
	DecodeMiB   int64            `name:"decode-memory" placeholder:"MIB" env:"POLYLENS_DECODE_MEMORY" default:"1024" help:"Memory in MiB that all pictures being decoded may take together; a larger one is refused (default: ${default})."`
	ExactDecode bool             `env:"POLYLENS_EXACT_DECODE" help:"Decode every pixel of large JPEGs before they are resized. The default lets the decoder reduce them, several times as fast. Pictures that have vectors keep them."`
	LogLevel    string           `placeholder:"LEVEL" env:"POLYLENS_LOG_LEVEL" enum:"debug,info,warn,error," default:"" help:"Least level to log: debug, info, warn or error (default: info for serve, else warn)."`
	LogFormat   string           `placeholder:"FORMAT" env:"POLYLENS_LOG_FORMAT" enum:"text,json" default:"text" help:"Format of the log on standard error: text or json (default: ${default})."`
	Version     kong.VersionFlag `help:"Print the version and leave."`
}

// errHelpShown says that help or the version has been printed and all is done.
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
		kong.Vars{"version": version(), "model": bundledModel, "preset": trainer.DefaultPreset},
	)
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(arguments)
	if err != nil {
		return usageError{fmt.Errorf("%w (see polylens %s--help)", err, commandOf(arguments))}
	}
	if err := line.finish(); err != nil {
		return err
	}
	log := line.logger(terminal, parsed.Command())
	program := newProgram(line.globals, terminal, log)
	defer func() { err = errors.Join(err, program.close(ctx)) }()
	parsed.BindTo(ctx, (*context.Context)(nil))
	return parsed.Run(parsed, program)
}

// commandOf is the subcommand that the arguments begin with, for a hint.
func commandOf(arguments []string) string {
	if len(arguments) > 0 && arguments[0] != "" && arguments[0][0] != '-' {
		return arguments[0] + " "
	}
	return ""
}

// Bounds of --decode-memory: a picture of 2 megapixels must fit.
const leastDecodeMiB, mostDecodeMiB = 64, 1 << 20

// finish checks numbers and fills in the folders' defaults.
func (g *globals) finish() error {
	if g.Threads < 0 || g.Threads > 1024 {
		return usageError{fmt.Errorf("--threads %d: want 1 to 1024", g.Threads)}
	}
	if g.DecodeMiB < leastDecodeMiB || g.DecodeMiB > mostDecodeMiB {
		return usageError{fmt.Errorf("--decode-memory %d: want %d to %d MiB", g.DecodeMiB, leastDecodeMiB, mostDecodeMiB)}
	}
	if err := g.checkDatabase(); err != nil {
		return err
	}
	var err error
	if g.Data == "" {
		if g.Data, err = defaultDataFolder(); err != nil {
			return err
		}
	}
	if g.Cache == "" {
		folder, err := os.UserCacheDir()
		if err != nil {
			return fmt.Errorf("no cache folder: %w: set POLYLENS_CACHE", err)
		}
		g.Cache = filepath.Join(folder, "polylens")
	}
	if g.Data, err = filepath.Abs(g.Data); err != nil {
		return err
	}
	if err := g.chooseModel(); err != nil {
		return err
	}
	g.Cache, err = filepath.Abs(g.Cache)
	return err
}

// chooseModel is the model of the command line, or else of the data folder.
func (g *globals) chooseModel() error {
	if g.named = g.Model != ""; g.named {
		return nil
	}
	choice, err := readChoice(g.Data)
	g.Model = choice.Model
	return err
}

// defaultDataFolder follows the XDG base directory specification.
func defaultDataFolder() (string, error) {
	if folder := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(folder) {
		return filepath.Join(folder, "polylens"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no data folder: %w: set POLYLENS_DATA", err)
	}
	return filepath.Join(home, ".local", "share", "polylens"), nil
}

func (g *globals) logger(terminal terminal, command string) *slog.Logger {
	level := slog.LevelWarn
	if command == "serve" {
		level = slog.LevelInfo
	}
	if g.LogLevel != "" {
		_ = level.UnmarshalText([]byte(g.LogLevel)) // kong has checked it
	}
	options := &slog.HandlerOptions{Level: level}
	if g.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(terminal.err, options))
	}
	return slog.New(slog.NewTextHandler(terminal.err, options))
}

// version is that of the module when it was built by version, else "devel".
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
