package main

import (
	"path/filepath"

	"polylens/app/training"
	"polylens/indexer/catalog/database"
	"polylens/trainer/data"
)

// trainer returns the trainer of the data folder, which this process holds.
func (p *program) trainer(store *database.Store) *training.Trainer {
	return training.New(training.Options{
		Data: p.globals.Data, Models: filepath.Join(p.globals.Data, modelsName), Model: p.globals.Model,
		Catalog: store, Shared: p.globals.sharesDatabase(), FindModel: p.findModel, Item: p.item, Pictures: p.openPictures, Cache: p.pictureCache(),
		Threads: p.globals.Threads, Device: p.globals.Device, Log: p.log,
	})
}

// openPictures opens what reads the pictures of pairs. Those from the web are
// kept. The caller closes the files.
func (p *program) openPictures() (*data.Files, data.Decoder, error) {
	decoder, err := p.openDecoder()
	if err != nil {
		return nil, nil, err
	}
	files := data.NewFiles(data.FileOptions{Cache: p.pictureCache()})
	return files, data.DecodeWith(decoder, p.decodeLimits()), nil
}

// pictureCache is the folder for pictures from the web and for shards that are unpacked.
func (p *program) pictureCache() string { return filepath.Join(p.globals.Cache, "pictures") }
