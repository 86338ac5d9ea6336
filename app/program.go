package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"text/tabwriter"
	"time"

	"polylens/app/setup"
	"polylens/encoder"
	"polylens/encoder/hub"
	"polylens/indexer/catalog/database"
	"polylens/indexer/decode"
	"polylens/internal/disk"
	"polylens/search/milvus"
)

// bundledModel is the model used when none is named.
const bundledModel = hub.BundledName

// program opens the parts that a command needs and closes them in the
// opposite order.
type program struct {
	globals  globals
	terminal terminal
	log      *slog.Logger
	closers  closers

	openDecoder func() (*decode.Decoder, error) // the same one each time
	decoding    *decode.Budget                  // of all that is decoded
	reserve     *disk.Reserve                   // on the disk of the data folder, for what makes room
}

// reserved is how much room is reserved: what Milvus and the catalogue write when a
// collection is deleted.
const reserved = 64 << 20

func newProgram(globals globals, terminal terminal, log *slog.Logger) *program {
	p := &program{
		globals: globals, terminal: terminal, log: log,
		decoding: decode.NewBudget(globals.DecodeMiB << 20), reserve: disk.NewReserve(filepath.Join(globals.Data, "reserve"), reserved),
	}
	p.openDecoder = sync.OnceValues(p.newDecoder)
	return p
}

// setup is the provider of everything fetched, with the user's own copies.
func (p *program) setup(from string, progress func(setup.Event)) *setup.Setup {
	given := map[string]string{
		setup.OnnxRuntime: p.globals.Onnxruntime,
		setup.TurboJPEG:   p.globals.Turbojpeg,
		setup.OpenJPEG:    p.globals.Openjpeg,
		setup.CLDR:        os.Getenv("POLYLENS_CLDR"),
		setup.Demo:        os.Getenv("POLYLENS_DEMO"),
		setup.Chromium:    setup.FindChromium(),
		setup.Postgres:    os.Getenv("POLYLENS_POSTGRES"),
	}
	if p.globals.milvusAddress() == "" {
		given[setup.Milvus] = p.globals.Milvus
	}
	return setup.New(setup.Options{Cache: p.globals.Cache, From: from, Given: given, Progress: progress})
}

// room fails while the disk of the data folder is too full for work that writes.
func (p *program) room() error { return p.roomFor(0) }

// roomFor is room for work that writes so many bytes into the object store.
func (p *program) roomFor(bytes int64) error {
	if p.globals.ObjectStore != "" {
		bytes = 0 // they go elsewhere
	}
	return disk.Check(p.globals.Data, disk.Low+uint64(max(bytes, 0)))
}

// item is the path of something that setup provides.
func (p *program) item(name string) (string, error) {
	ready, err := p.setup("", nil).Status(name)
	return ready.Path, err
}

// modelsFolder is where named models are. Only its owner can read it, also in a data
// folder that others can look into.
func (p *program) modelsFolder() (string, error) {
	models := filepath.Join(p.globals.Data, modelsName)
	if err := os.MkdirAll(models, 0o700); err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	return models, nil
}

// modelsName is the folder of models within a data folder.
const modelsName = "models"

// modelStore is where models are looked for: the data folder, and the cache
// that Hugging Face programs share.
func (p *program) modelStore() (hub.Store, error) {
	folder, err := p.modelsFolder()
	return hub.Store{Models: folder, Cache: hub.CacheFrom(os.Getenv)}, err
}

// modelFolder is the directory of the model in use.
func (p *program) modelFolder() (string, error) {
	return p.findModel(p.globals.Model)
}

// findModel is the directory of a model, given its name or its path.
func (p *program) findModel(name string) (string, error) {
	models, err := p.modelStore()
	if err != nil {
		return "", err
	}
	return models.FindMoved(name)
}

// openEncoder opens the model in use.
func (p *program) openEncoder(ctx context.Context) (*encoder.Encoder, error) {
	model, err := p.openModel(ctx, p.globals.Model)
	if err != nil {
		return nil, err
	}
	p.later(func(context.Context) error { return model.Close() })
	return model, nil
}

// openModel opens a model by its name or path. The caller closes it.
func (p *program) openModel(ctx context.Context, name string) (*encoder.Encoder, error) {
	library, err := p.item(setup.OnnxRuntime)
	if err != nil {
		return nil, err
	}
	dir, err := p.findModel(name)
	if err != nil {
		return nil, err
	}
	return encoder.Open(ctx, dir, p.encoderOptions(library))
}

func (p *program) encoderOptions(library string) encoder.Options {
	return encoder.Options{
		Library: library, Threads: p.globals.Threads, Logger: p.log,
		Precision: p.globals.Precision, Device: p.globals.Device, Suffix: p.globals.OnnxFiles,
		Cache: p.globals.Cache, FindModel: p.findModel,
	}
}

// openCatalog opens the catalogue. The caller holds the data folder.
func (p *program) openCatalog(ctx context.Context) (*database.Store, error) {
	store, err := database.Open(ctx, p.globals.catalogueAt())
	if err != nil && !p.globals.sharesDatabase() {
		err = disk.Explain(err, p.globals.Data)
	}
	if err != nil {
		return nil, err
	}
	p.later(func(context.Context) error { return store.Close() })
	return store, nil
}

// openIndex connects to the Milvus that the user named, or starts the embedded
// one and returns its server too.
func (p *program) openIndex(ctx context.Context) (*milvus.Index, *milvus.Server, error) {
	if p.globals.milvusAddress() != "" {
		index, err := p.openIndexElsewhere(ctx, p.globals.InsecureMilvus)
		return index, nil, err
	}
	folder, err := p.item(setup.Milvus)
	if err != nil {
		return nil, nil, err
	}
	server, err := milvus.Start(ctx, milvus.ServerOptions{
		Folder: folder, Data: filepath.Join(p.globals.Data, "milvus"), Logger: p.log, Expose: p.globals.Expose,
	})
	if err != nil {
		return nil, nil, disk.Explain(err, p.globals.Data)
	}
	p.laterWithin(closeMilvus, func(ctx context.Context) error { return p.endMilvus(ctx, server) })
	index, err := p.openIndexOf(ctx, server.Config())
	return index, server, err
}

// openIndexElsewhere connects to the Milvus that the user named.
func (p *program) openIndexElsewhere(ctx context.Context, acceptHoles bool) (*milvus.Index, error) {
	index, err := p.openIndexOf(ctx, milvus.Config{
		Address: p.globals.milvusAddress(), Logger: p.log, AcceptHoles: acceptHoles,
		Username: os.Getenv("POLYLENS_MILVUS_USERNAME"), Password: os.Getenv("POLYLENS_MILVUS_PASSWORD"),
	})
	if err != nil || !acceptHoles {
		return index, err
	}
	if err := index.CheckHoles(ctx); err != nil {
		p.log.Warn("Milvus is used all the same", "error", err)
	}
	return index, nil
}

func (p *program) openIndexOf(ctx context.Context, config milvus.Config) (*milvus.Index, error) {
	index, err := milvus.Connect(ctx, config)
	if err != nil {
		return nil, err
	}
	p.later(func(context.Context) error { return index.Close() })
	return index, nil
}

// endMilvus flushes what the embedded server has been given, and ends it.
func (p *program) endMilvus(ctx context.Context, server *milvus.Server) error {
	began, healthy := time.Now(), server.Healthy()
	if err := server.Stop(ctx); err != nil {
		return err
	}
	p.log.Info("Milvus has ended", "flushed", healthy, "took", time.Since(began).Round(time.Millisecond))
	return nil
}

// table aligns columns for people, which are separated by tabs.
func (p *program) table() *tabwriter.Writer {
	return tabwriter.NewWriter(p.terminal.out, 0, 0, 2, ' ', 0)
}

// print writes lines for people.
func (p *program) print(format string, arguments ...any) {
	fmt.Fprintf(p.terminal.out, format+"\n", arguments...)
}
