package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"polylens/app/rollout"
	"polylens/encoder/hub"
	"polylens/indexer/catalog/database"

	"github.com/alecthomas/kong"
)

// terminal is what a command reads from and writes to.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	clock    func() time.Time // by which jobs go; nil: that of the catalogue
	lease    time.Duration    // of jobs and their chunks; 0: as usual
}

// globals are the flags that every command has.
type globals struct {
	Data           string           `placeholder:"DIR" env:"POLYLENS_DATA" help:"Folder of the catalogue, the vectors and the models (default: polylens in the user's data folder)."`
	Cache          string           `placeholder:"DIR" env:"POLYLENS_CACHE" help:"Folder of everything that setup fetches (default: polylens in the user's cache folder)."`
	Model          string           `placeholder:"NAME|DIR" env:"POLYLENS_MODEL" help:"Model to use: the name of one in the data folder, or a directory in the Hugging Face layout (default: what model use has chosen, at first ${model}, which is built in)."`
	named          bool             `kong:"-"` // whether Model was given
	Database       string           `placeholder:"URL" env:"POLYLENS_DATABASE" help:"Postgres database to keep the catalogue in: postgres://USER:PASSWORD@HOST:PORT/NAME (default: a SQLite file in the data folder). Other users see the command line: give a password in the variable, or in ~/.pgpass."`
	Server         string           `placeholder:"URL" env:"POLYLENS_SERVER" help:"Server elsewhere that does the work, such as https://photos.example.org, in place of one on the data folder."`
	Key            string           `placeholder:"KEY" env:"POLYLENS_KEY" help:"API key for that server, or to sign a token with. Other users see the command line: give it in the variable."`
	ObjectStore    string           `placeholder:"URL" env:"POLYLENS_OBJECT_STORE" help:"Where pictures that clients send are kept: a bucket, such as s3://pictures?region=eu-central-1 (default: pictures in the data folder)."`
	SourceBucket   string           `placeholder:"URL" env:"POLYLENS_SOURCE_BUCKET" help:"Bucket that clients may name pictures in by their key, such as s3://shop?region=eu-central-1&prefix=photos/ (default: none)."`
	AllowPath      []string         `sep:"none" type:"path" placeholder:"DIR" env:"POLYLENS_ALLOW_PATH" help:"Folder that clients may name pictures in by their path; may be repeated (default: none)."`
	FetchAllow     []string         `placeholder:"HOST|PREFIX" env:"POLYLENS_FETCH_ALLOW" help:"Hosts, addresses and prefixes that pictures are fetched from though they are not public, such as files.internal or 10.0.0.0/8; several are separated by commas (default: none)."`
	FetchPorts     []uint16         `placeholder:"PORT" env:"POLYLENS_FETCH_PORTS" help:"Ports that pictures are fetched from; several are separated by commas (default: 80 and 443)."`
	Onnxruntime    string           `placeholder:"FILE" env:"POLYLENS_ONNXRUNTIME" help:"The ONNX Runtime library to use instead of the one that setup fetches."`
	Milvus         string           `placeholder:"DIR|ADDRESS" env:"POLYLENS_MILVUS" help:"Folder of an unpacked Milvus server to run instead of the one that setup fetches, or HOST:PORT or URL of a Milvus that runs elsewhere."`
	Expose         bool             `name:"expose-milvus" env:"POLYLENS_EXPOSE_MILVUS" help:"Run the embedded Milvus also where this system does not let it be shut off from the network: everybody who reaches this machine can then read and delete its collections, unless a firewall closes its ports. Without this Polylens refuses there."`
	InsecureMilvus bool             `name:"insecure-milvus" env:"POLYLENS_INSECURE_MILVUS" help:"Use a Milvus that runs elsewhere also if its version lets in whoever reaches it, without a password. Without this Polylens refuses versions before 2.5.27 and 2.6.10, and those that it does not know."`
	Threads        int              `placeholder:"N" env:"POLYLENS_THREADS" help:"Threads that the model computes with (default: one for each core)."`
	Precision      string           `placeholder:"NAME" env:"POLYLENS_PRECISION" enum:"fp32,fp16,int8," default:"" help:"Precision that the model computes in: fp32, fp16 (weights in 16 bits) or int8 (several times as fast on processors with VNNI; used once it has passed the quality gate) (default: fp32)."`
	Device         string           `placeholder:"NAME" env:"POLYLENS_DEVICE" help:"What the model computes on: cpu, cuda, tensorrt, coreml, openvino, one of several as in cuda:1 or openvino:gpu, or auto for cuda where it can be used (default: cpu). doctor lists what can be used and why."`
	OnnxFiles      string           `placeholder:"SUFFIX" env:"POLYLENS_ONNX_FILES" help:"The files of an ONNX export to use, by the end of their names, such as _q4f16 (default: those of the precision)."`
	Openjpeg       string           `placeholder:"FILE" env:"POLYLENS_OPENJPEG" help:"The libopenjp2 that decodes JPEG 2000, instead of the one that setup fetches or the system has."`
	Turbojpeg      string           `placeholder:"FILE" env:"POLYLENS_TURBOJPEG" help:"The libturbojpeg that decodes JPEGs, instead of the one that setup fetches or the system has."`
	DecodeMiB      int64            `name:"decode-memory" placeholder:"MIB" env:"POLYLENS_DECODE_MEMORY" default:"1024" help:"Memory in MiB that all pictures being decoded may take together; a larger one is refused (default: ${default})."`
	MaxPixels      int64            `name:"max-picture-pixels" placeholder:"N" env:"POLYLENS_MAX_PICTURE_PIXELS" default:"1000000000" help:"Most pixels of a picture; a larger one is refused. Mostly --decode-memory is reached before (default: ${default})."`
	MaxSide        int              `name:"max-picture-side" placeholder:"N" env:"POLYLENS_MAX_PICTURE_SIDE" default:"65535" help:"Most pixels of a picture's width and height (default: ${default})."`
	MaxBytes       int64            `name:"max-picture-bytes" placeholder:"N" env:"POLYLENS_MAX_PICTURE_BYTES" default:"268435456" help:"Most bytes of a picture file (default: ${default}, 256 MiB)."`
	DecodeTime     time.Duration    `name:"decode-timeout" placeholder:"TIME" env:"POLYLENS_DECODE_TIMEOUT" default:"30s" help:"Longest time to decode a picture, such as 90s or 2m (default: ${default})."`
	Damaged        bool             `name:"refuse-damaged" env:"POLYLENS_REFUSE_DAMAGED" help:"Refuse pictures of which only a part can be shown, such as those that end early. Without it they are taken as far as they go, with a warning."`
	ExactDecode    bool             `env:"POLYLENS_EXACT_DECODE" help:"Decode every pixel of large JPEGs before they are resized. The default lets the decoder reduce them, several times as fast. Pictures that have vectors keep them."`
	LogLevel       string           `placeholder:"LEVEL" env:"POLYLENS_LOG_LEVEL" enum:"debug,info,warn,error," default:"" help:"Lowest level to log: debug, info, warn or error (default: info for serve, else warn)."`
	LogFormat      string           `placeholder:"FORMAT" env:"POLYLENS_LOG_FORMAT" enum:"text,json" default:"text" help:"Format of the log on standard error: text or json (default: ${default})."`
	Version        kong.VersionFlag `help:"Print the version and exit."`
}

// Bounds of --decode-memory: a picture of 2 megapixels must fit.
const leastDecodeMiB, mostDecodeMiB = 64, 1 << 20

// finish checks numbers and fills in the folders' defaults.
func (g *globals) finish() error {
	if g.Threads < 0 || g.Threads > 1024 {
		return usageError{fmt.Errorf("--threads %d: want 1 to 1024", g.Threads)}
	}
	if g.MaxPixels < 0 || g.MaxSide < 0 || g.MaxBytes < 0 || g.DecodeTime < 0 {
		return usageError{errors.New("--max-picture-pixels, --max-picture-side, --max-picture-bytes and --decode-timeout: want more than 0")}
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

// checkDatabase refuses anything but the URL of a Postgres database. The URL may hold
// a password, so the error does not repeat it.
func (g *globals) checkDatabase() error {
	if g.Database == "" || database.IsPostgres(g.Database) {
		return nil
	}
	return usageError{errors.New("--database: want postgres://USER:PASSWORD@HOST:PORT/NAME, or nothing for the SQLite file in the data folder")}
}

// chooseModel takes the model of the command line, or else of the data folder.
func (g *globals) chooseModel() error {
	if g.named = g.Model != ""; g.named {
		return nil
	}
	choice, err := readChoice(g.Data)
	g.Model = choice.Model
	return err
}

// readChoice reads which model a data folder uses.
func readChoice(data string) (rollout.Choice, error) {
	return rollout.ReadChoice(data, hub.BundledName)
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

// version is the version of the module that was built, "devel" if it has none.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
