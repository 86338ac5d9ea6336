package hub

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
)

// VerifyDir reads every file of a model directory and compares it with the manifest,
// and then what the model computes by its fingerprint. The error names each file that
// is not as it was stamped. For a directory without a manifest it returns
// ErrNoManifest, wrapped.
func VerifyDir(ctx context.Context, dir string) (Manifest, error) {
	manifest, err := ReadManifest(dir)
	if err != nil {
		return Manifest{}, err
	}
	var damage []error
	for _, file := range manifest.Files {
		_, err := checkFile(ctx, filepath.Join(dir, filepath.FromSlash(file.Name)),
			remoteFile{Name: file.Name, Bytes: file.Bytes, SHA256: file.SHA256})
		if ctx.Err() != nil {
			return Manifest{}, ctx.Err()
		}
		damage = append(damage, err)
	}
	if err := errors.Join(damage...); err != nil {
		return manifest, err
	}
	return manifest, manifest.checkFingerprint(dir)
}

// checkFingerprint finds files that the manifest does not list but that change
// what the model computes.
func (m Manifest) checkFingerprint(dir string) error {
	files, err := filesOf(dir)
	if err != nil {
		return err
	}
	digests := map[string]string{}
	for _, file := range m.Files {
		digests[file.Name] = file.SHA256
	}
	for _, file := range files {
		if digests[file.Name] == "" {
			return fmt.Errorf("%s has been added since", file.Name)
		}
	}
	found, err := fingerprintOf(files, func(name string) (string, error) { return digests[name], nil })
	if err == nil && found != m.Fingerprint {
		err = fmt.Errorf("the fingerprint is %s instead of %s", found, m.Fingerprint)
	}
	return err
}

// WriteManifest stamps a model directory that has no manifest, or one whose
// changes are meant. Where the model came from is kept only while its files
// are the ones that came from there.
func WriteManifest(ctx context.Context, dir string) (Manifest, error) {
	described, err := filesOf(dir)
	if err != nil {
		return Manifest{}, err
	}
	manifest, err := VerifyDir(ctx, dir)
	if err == nil || ctx.Err() != nil {
		return manifest, err
	}
	var files []StampedFile
	for _, file := range described {
		digest, err := hashFile(filepath.Join(dir, filepath.FromSlash(file.Name)))
		if err != nil {
			return Manifest{}, err
		}
		files = append(files, StampedFile{Name: file.Name, Bytes: file.Bytes, SHA256: digest})
	}
	manifest = Manifest{Version: manifestVersion}
	if err := manifest.stamp(dir, files); err != nil {
		return Manifest{}, err
	}
	return manifest, manifest.write(dir)
}

// Verify checks a model that Find knows, by its manifest or, where it has none, by
// the copy within the program or the hashes of the Hugging Face cache. It returns the
// number of its files.
func (s Store) Verify(ctx context.Context, model string) (int, error) {
	dir, err := s.Find(model)
	if err != nil {
		return 0, err
	}
	if model == BundledName { // Find has unpacked it anew where it was damaged
		files, err := filesOf(dir)
		return len(files), err
	}
	if cached, ok := s.snapshotOf(dir); ok {
		return cached.verify(ctx)
	}
	manifest, err := VerifyDir(ctx, dir)
	return len(manifest.Files), err
}

// verify compares the files of a snapshot with the hashes in their names.
func (s snapshot) verify(ctx context.Context) (int, error) {
	files, err := s.wanted()
	if err != nil {
		return 0, err
	}
	var damage []error
	for _, file := range files {
		path, err := s.real(file.Name)
		if err == nil && file.hash() != "" {
			_, err = checkFile(ctx, path, file)
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		damage = append(damage, err)
	}
	return len(files), errors.Join(damage...)
}

// Stamp writes the manifest of a model that Find knows: see WriteManifest. The
// bundled model and those of the Hugging Face cache take none.
func (s Store) Stamp(ctx context.Context, model string) (Manifest, error) {
	dir, err := s.Find(model)
	if err != nil {
		return Manifest{}, err
	}
	if _, cached := s.snapshotOf(dir); cached || model == BundledName {
		return Manifest{}, fmt.Errorf("%s takes no manifest: its files are known by their hashes", model)
	}
	return WriteManifest(ctx, dir)
}
