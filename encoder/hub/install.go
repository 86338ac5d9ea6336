package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"polylens/internal/replace"
)

// adopt stamps a model whose files are in place already.
func (p *pull) adopt() (Info, error) {
	manifest := p.manifest()
	if err := manifest.stamp(p.target, p.files()); err != nil {
		return Info{}, err
	}
	if present, err := ReadManifest(p.target); err == nil {
		manifest.Date = present.Date
		if reflect.DeepEqual(manifest, present) {
			return Describe(p.reference.Name, p.target)
		}
	}
	if err := manifest.write(p.target); err != nil {
		return Info{}, err
	}
	return Describe(p.reference.Name, p.target)
}

// install stamps the fresh directory and puts it in the place of the model.
func (p *pull) install() (Info, error) {
	manifest := p.manifest()
	if err := manifest.stamp(p.fresh(), p.files()); err != nil {
		return Info{}, p.unusable(err)
	}
	if err := manifest.write(p.fresh()); err != nil {
		return Info{}, err
	}
	if err := p.swap(); err != nil {
		return Info{}, err
	}
	for _, file := range manifest.Files {
		rememberDigest(filepath.Join(p.target, filepath.FromSlash(file.Name)), file.SHA256)
	}
	if err := os.RemoveAll(p.staging); err != nil {
		return Info{}, err
	}
	return Describe(p.reference.Name, p.target)
}

func (p *pull) manifest() Manifest {
	manifest := Manifest{Version: manifestVersion, Source: p.reference.Name, Revision: p.listing.Commit, Requested: p.reference.Revision}
	if manifest.Requested == "" {
		manifest.Requested = mainBranch
	}
	return manifest
}

// files are the stamps of the chosen files, in their order.
func (p *pull) files() []StampedFile {
	files := make([]StampedFile, len(p.chosen))
	for i, file := range p.chosen {
		files[i] = p.stamps[file.Name]
	}
	return files
}

// unusable removes a model that would only take space.
func (p *pull) unusable(err error) error {
	return errors.Join(fmt.Errorf("it cannot be used: %w", err), os.RemoveAll(p.staging))
}

// swap exchanges the directories. Should the process end between the two
// renamings, the next pull finds the new one whole.
func (p *pull) swap() error {
	if err := replace.SyncFolder(p.fresh()); err != nil {
		return err
	}
	old := filepath.Join(p.staging, "old")
	if err := os.RemoveAll(old); err != nil {
		return err
	}
	if err := os.Rename(p.target, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := move(p.fresh(), p.target); err != nil {
		return err
	}
	return replace.SyncFolder(filepath.Dir(p.target))
}

// offlineRemedy is what to do without the hub.
const offlineRemedy = "pull the model on a machine with network and copy its folder below the models folder of this one"

// errOffline says why nothing is fetched.
var errOffline = errors.New("HF_HUB_OFFLINE is set")

// runOffline answers from what is on this machine: the model as it was pulled,
// or the Hugging Face cache.
func (p *pull) runOffline(ctx context.Context) (Info, error) {
	if dir, err := p.store.installed(p.reference); err == nil {
		if _, err := VerifyDir(ctx, dir); err != nil {
			return Info{}, fmt.Errorf("%w, and the copy on this machine is not whole: %w", errOffline, err)
		}
		return Describe(p.reference.Name, dir)
	}
	found, ok := p.store.snapshot(p.reference)
	if !ok {
		return Info{}, fmt.Errorf("%w, and %w %s on this machine: %s", errOffline, ErrUnknownModel, p.reference, offlineRemedy)
	}
	if err := p.listSnapshot(ctx, found); err != nil {
		return Info{}, err
	}
	return p.provide(ctx)
}

// listSnapshot takes the cache for the hub. Files that are no links have no
// hash in their name: they count as they are.
func (p *pull) listSnapshot(ctx context.Context, found snapshot) (err error) {
	p.listing.Commit = found.Commit
	if p.listing.Files, err = found.files(); err != nil {
		return err
	}
	if err := p.choose(); err != nil {
		return err
	}
	for i := range p.chosen {
		file := &p.chosen[i]
		if file.hash() == "" {
			path, err := found.real(file.Name)
			if err != nil {
				return err
			}
			if file.SHA256, err = hashFile(path); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}
