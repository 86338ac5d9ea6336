package encoder

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"polylens/encoder/gate"
	"polylens/encoder/hub"
	"polylens/encoder/onnxfile"
	"polylens/encoder/ort"
)

// passGate fails when the model in int8 is not known to give nearly the vectors
// of fp32. The first time a model is opened so, it is compared with itself in
// fp32 on the gate's own texts and pictures.
func (e *Encoder) passGate(ctx context.Context, dir string, options Options) error {
	environment, err := ort.Open(options.Library)
	if err != nil {
		return err
	}
	store, err := Verdicts(options.Cache)
	if err != nil {
		return err
	}
	if !HasExact(dir) {
		log(options.Logger).Warn("there are no fp32 files to compare the int8 files of this ONNX export with: its quality is not judged", "dir", dir)
		return nil
	}
	verdict, known, err := store.Read(e.base, e.precision, environment.Version())
	if err != nil {
		return err
	}
	if !known {
		log(options.Logger).Info("comparing the model in int8 with itself in fp32, once", "dir", dir)
		if verdict, err = e.judge(ctx, dir, environment, options); err != nil {
			return fmt.Errorf("quality gate of %s: %w", e.precision, err)
		}
		if err := store.Write(verdict); err != nil {
			return err
		}
	}
	if verdict.Problem != "" {
		return fmt.Errorf("%s did not pass the quality gate: %s; use --precision fp32, or judge it by your own pictures with \"polylens model gate --pairs PATH\"",
			e.precision, verdict.Problem)
	}
	return nil
}

// FilesFingerprint identifies the files that were opened, whatever the precision
// and the number of patches. Verdicts of the gate are kept under it.
func (e *Encoder) FilesFingerprint() string { return e.base }

// HasExact reports whether there is a model in fp32 to compare with. The user may
// have fetched only the int8 files of an ONNX export.
func HasExact(dir string) bool {
	if !hub.IsExport(dir) {
		return true
	}
	pair, err := onnxfile.Find(dir, "")
	return err == nil && pair.Suffix == ""
}

// judge compares with the model in fp32, which is closed again.
func (e *Encoder) judge(ctx context.Context, dir string, environment *ort.Environment, options Options) (gate.Verdict, error) {
	verdict := gate.Verdict{Fingerprint: e.base, Precision: e.precision, Runtime: environment.Version(), Time: time.Now().UTC()}
	options.Precision, options.MaxPatches, options.Suffix = FP32, 0, ""
	exact, err := Open(ctx, dir, options)
	if err != nil {
		return verdict, err
	}
	defer exact.Close()
	texts, names, pictures := gate.Probes()
	if verdict.Texts, err = gate.Texts(ctx, exact, e, texts); err != nil {
		return verdict, err
	}
	if verdict.Pictures, err = gate.Pictures(ctx, exact, e, names, pictures); err != nil {
		return verdict, err
	}
	verdict.Judge()
	return verdict, nil
}

// Verdicts is where the verdicts of the quality gate are kept, given
// Options.Cache.
func Verdicts(cache string) (gate.Store, error) {
	folder, err := cacheFolder(cache)
	return gate.Store{Folder: filepath.Join(folder, "gate")}, err
}
