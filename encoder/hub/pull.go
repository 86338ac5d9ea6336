package hub

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// maxParallel is how many files are fetched at once.
const maxParallel = 4

// PullOptions say how a model is pulled.
type PullOptions struct {
	Access    Access
	Precision string        // of ONNX files, to fetch instead of safetensors: fp32, fp16, int8, ...; empty for safetensors where there are any
	Progress  func(Event)   // called by one goroutine at a time; nil is silent
	Stall     time.Duration // a connection that brings next to nothing for this long has failed; 0 takes 30 s
	Pause     time.Duration // before the first repetition of what failed; 0 takes 1 s
}

// Pull brings a model from the hub into the models folder and returns its
// description. The model appears under its name whole and checked, or not at
// all; what an ended pull has fetched serves the next one. Files that are at
// hand, in the models folder or in the Hugging Face cache, are not fetched
// again. Processes that pull the same model wait for each other.
func (s Store) Pull(ctx context.Context, reference Reference, options PullOptions) (Info, error) {
	if reference.Name == BundledName {
		return s.bundledInfo()
	}
	p := &pull{
		store: s, reference: reference, options: options,
		target:   filepath.Join(s.Models, filepath.FromSlash(reference.Name)),
		staging:  s.stagingOf(reference.Name),
		client:   newClient(options.Access, options),
		progress: newProgress(reference.String(), options.Progress),
		stamps:   map[string]StampedFile{},
	}
	defer p.client.close()
	p.client.retry = func(reason error, wait time.Duration) {
		p.progress.stage(StageRetry, fmt.Sprintf("%v: trying again in %s", reason, wait.Round(100*time.Millisecond)))
	}
	info, err := p.run(ctx)
	if err != nil {
		return Info{}, p.explain(err)
	}
	p.progress.stage(StageReady, "")
	return info, nil
}

func (s Store) bundledInfo() (Info, error) {
	dir, err := Bundled(s.Models)
	if err != nil {
		return Info{}, err
	}
	return Describe(BundledName, dir)
}

// pull is one pull at work.
type pull struct {
	store     Store
	reference Reference
	options   PullOptions
	target    string // the model's directory
	staging   string // where it is made
	client    *client
	progress  *progress
	listing   listing
	chosen    []remoteFile

	mutex  sync.Mutex
	stamps map[string]StampedFile // of the files that are whole, by name
}

func (p *pull) run(ctx context.Context) (Info, error) {
	lock, err := p.store.lock(ctx, p.reference.Name, func() { p.progress.stage(StageWait, "") })
	if err != nil {
		return Info{}, err
	}
	defer lock.Close()
	if p.options.Access.Offline {
		return p.runOffline(ctx)
	}
	p.progress.stage(StageList, "")
	if err := p.list(ctx); err != nil {
		return Info{}, err
	}
	return p.provide(ctx)
}

// list asks the hub for the commit and its files, and chooses among them.
func (p *pull) list(ctx context.Context) error {
	revision := p.reference.Revision
	if revision == "" {
		revision = mainBranch
	}
	address := p.options.Access.Endpoint + "/api/models/" + p.reference.Name + "/revision/" + url.PathEscape(revision) + "?blobs=true"
	content, err := p.client.read(ctx, address, maxListing)
	if err != nil {
		return err
	}
	if p.listing, err = parseListing(content); err != nil {
		return fmt.Errorf("the answer of %s %w: check HF_ENDPOINT", p.options.Access.Endpoint, err)
	}
	if err := p.choose(); err != nil {
		return err
	}
	for i := range p.chosen {
		file := &p.chosen[i]
		if file.hash() != "" && file.Bytes >= 0 {
			continue
		}
		if err := p.client.complete(ctx, p.address(*file), file); err != nil {
			return err
		}
	}
	return nil
}

func (p *pull) address(file remoteFile) string {
	return p.client.address(p.reference.Name, p.listing.Commit, file.Name)
}

func (p *pull) choose() (err error) {
	p.chosen, err = choose(p.listing.Files, p.options.Precision)
	return err
}

// provide brings the chosen files into place.
func (p *pull) provide(ctx context.Context) (Info, error) {
	for _, file := range p.chosen {
		p.progress.total += file.Bytes
	}
	held, err := p.atHand(ctx)
	if err != nil {
		return Info{}, err
	}
	if p.isWhole(held) {
		return p.adopt()
	}
	if err := p.checkTarget(); err != nil {
		return Info{}, err
	}
	missing, err := p.prepare(ctx, held)
	if err != nil {
		return Info{}, err
	}
	if err := p.fetchAll(ctx, missing); err != nil {
		return Info{}, err
	}
	return p.install()
}

// fetchAll fetches the config first: it shows whether the weights are of any use.
func (p *pull) fetchAll(ctx context.Context, missing []remoteFile) error {
	if p.options.Access.Offline && len(missing) > 0 {
		return fmt.Errorf("%w, and %s is not whole on this machine: %s", errOffline, missing[0].Name, offlineRemedy)
	}
	if err := p.checkSpace(missing); err != nil {
		return err
	}
	defer p.progress.repeat()()
	small := keep(missing, func(name string) bool { return !holdsWeights(name) })
	if err := p.fetchGroup(ctx, small); err != nil {
		return err
	}
	if err := checkConfig(p.fresh(), p.chosen); err != nil {
		return p.unusable(err)
	}
	return p.fetchGroup(ctx, keep(missing, holdsWeights))
}

func (p *pull) fetchGroup(ctx context.Context, files []remoteFile) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxParallel)
	for _, file := range files {
		group.Go(func() error { return p.fetch(ctx, file) })
	}
	return group.Wait()
}

// fetch brings one file to its end and into the fresh directory.
func (p *pull) fetch(ctx context.Context, file remoteFile) error {
	if err := os.MkdirAll(filepath.Dir(p.partPath(file)), 0o755); err != nil {
		return err
	}
	part, err := openPart(p.partPath(file), file)
	if err != nil {
		return err
	}
	defer part.file.Close()
	p.progress.add(part.bytes)
	if err := p.client.download(ctx, p.address(file), p.listing.Commit, part, p.progress.add); err != nil {
		return fmt.Errorf("%s: %w", file.Name, err)
	}
	if err := part.file.Sync(); err != nil {
		return err
	}
	p.stampFile(part.stamp())
	return move(p.partPath(file), p.freshPath(file.Name))
}

// explain says what to do about an error.
func (p *pull) explain(err error) error {
	page := p.options.Access.Endpoint + "/" + p.reference.Name
	remedy := ""
	var status *statusError
	var network *net.OpError
	switch {
	case errors.As(err, &status) && status.code == http.StatusNotFound && p.listing.Commit != "":
		remedy = ": it is listed but cannot be downloaded: try again later, or another revision"
	case errors.As(err, &status) && status.code == http.StatusNotFound:
		return fmt.Errorf("%w %s: %w: check the name and the revision at %s", ErrUnknownModel, p.reference, err, page)
	case errors.As(err, &status) && status.code == http.StatusUnauthorized:
		remedy = fmt.Sprintf(": check the name; if it is right, accept the licence at %s where it asks for that, and set HF_TOKEN to a token of that account", page)
	case errors.As(err, &status) && status.code == http.StatusForbidden:
		remedy = fmt.Sprintf(": accept the licence at %s with the account that HF_TOKEN belongs to", page)
	case errors.As(err, &network):
		remedy = ": check the network and the proxy variables, set HF_ENDPOINT to a mirror that can be reached, or " + offlineRemedy
	}
	return fmt.Errorf("pulling %s: %w%s", p.reference, err, remedy)
}
