package hub

import (
	"path/filepath"
	"slices"

	"polylens/encoder/adapter"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"

	"polylens/internal/ordinary"
)

// Kinds of models.
const (
	KindSiglip = "siglip"  // the fixed-resolution architecture of SigLIP 1 and 2, in safetensors
	KindNaFlex = "siglip2" // SigLIP 2 of native aspect ratio, in safetensors
	KindONNX   = "onnx"    // two towers as ONNX files, in the layout of the hub's exports or of Immich
	// A PEFT LoRA adapter, which computes nothing without the model Info.Base.
	KindAdapter = "adapter"
)

// kind is a form that a model directory can have.
type kind struct {
	describe func(dir string, info *Info) error // sets Kind, Dimension, and what else the files tell
	files    func(dir string) ([]string, error) // that decide what the model computes, relative to dir, with slashes
}

// kindOf recognizes a kind by the names of the files. This is the one place that a
// new kind is added to.
func kindOf(dir string) kind {
	switch {
	case !hasCheckpoint(dir) && has(dir, adapter.ConfigFile):
		return kind{describeAdapter, adapterFiles}
	case IsExport(dir):
		return kind{describeONNX, onnxFiles}
	default: // its reader says what is missing where nothing fits
		return kind{describeCheckpoint, checkpointFiles}
	}
}

// markers are files of which each model directory has at least one, even when others
// are missing or damaged.
var markers = []string{siglip2.ConfigFile, adapter.ConfigFile, ManifestFile}

func isModel(dir string) bool {
	return hasONNX(dir) || slices.ContainsFunc(markers, func(name string) bool { return has(dir, name) })
}

func has(dir, name string) bool {
	_, err := ordinary.Stat(filepath.Join(dir, filepath.FromSlash(name)))
	return err == nil
}

func hasCheckpoint(dir string) bool {
	return has(dir, safetensors.SingleFile) || has(dir, safetensors.IndexFile)
}

// checkConfig reads the config of a model that is being fetched, before the
// weights are.
func checkConfig(dir string, chosen []remoteFile) error {
	if !slices.ContainsFunc(chosen, func(file remoteFile) bool {
		return file.Name == safetensors.SingleFile || file.Name == safetensors.IndexFile
	}) {
		return nil
	}
	_, err := siglip2.ReadConfig(dir)
	return err
}
