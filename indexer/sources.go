package indexer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"polylens/indexer/catalog"
	"polylens/indexer/jobs"
	"polylens/indexer/source"
)

// SourceOrder says which folder a collection is to be kept in step with.
type SourceOrder struct {
	Params JobParams     // of its scans
	Every  time.Duration // between two of them
	Events bool          // follow events of files, too
}

// ScanChoice is what differs in one scan of a source.
type ScanChoice struct{ RetryFailed, Rehash, ConfirmRemoval bool }

// AddSource lets a collection, which is created if it is missing, be kept in step with a
// folder, and queues the first scan. What the parameters choose for the collection is
// chosen once: later scans keep what it has then. catalog.ErrConflict for a folder that
// is kept in step already.
func (j *Jobs) AddSource(ctx context.Context, collection string, order SourceOrder) (catalog.KeptSource, error) {
	once := order.Params
	once.ConfirmRemoval, once.ConfirmedFor = false, ""
	directory, err := j.checkFolder(collection, once)
	if err != nil {
		return catalog.KeptSource{}, err
	}
	once.Directory = directory.Path()
	always := once
	always.MaxPatches, always.Metadata, always.Rehash, always.RetryFailed = 0, "", false, false
	settings, err := json.Marshal(always)
	if err != nil {
		return catalog.KeptSource{}, err
	}
	kept := catalog.KeptSource{
		ID: uuid.NewString(), Collection: collection, Directory: once.Directory, Settings: settings, Every: order.Every, Events: order.Events,
	}
	if err := kept.Validate(); err != nil {
		return kept, err
	}
	_, err = j.indexer.CreateCollection(ctx, collection, once.MaxPatches, catalog.OriginalsKept)
	if err != nil && !errors.Is(err, catalog.ErrConflict) {
		return kept, err
	}
	if err := j.indexer.store.CreateKeptSource(ctx, kept); err != nil {
		return kept, err
	}
	scan := &catalog.Scan{Source: kept.ID, Forced: true}
	if _, err := j.queueIndex(ctx, collection, once, directory, scan); err != nil {
		return kept, err
	}
	return j.indexer.store.KeptSource(ctx, collection, kept.ID)
}

// checkFolder refuses what no index job can do.
func (j *Jobs) checkFolder(collection string, params JobParams) (*source.Directory, error) {
	if err := catalog.ValidateCollectionName(collection); err != nil {
		return nil, err
	}
	directory, err := source.NewDirectoryWith(params.Directory, params.Rules)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", catalog.ErrInvalid, err)
	}
	limit := newRemovalLimit(Request{MaxRemovedShare: params.MaxRemovedShare})
	return directory, cmp.Or(params.Metadata.Validate(), j.indexer.CheckMaxPatches(params.MaxPatches), limit.validate())
}

// ScanSource queues a scan of a source. after is the last scan that the caller knows of:
// catalog.ErrConflict if there is another by now, or if it has not ended.
func (j *Jobs) ScanSource(ctx context.Context, kept catalog.KeptSource, after string, choice ScanChoice) (catalog.Job, error) {
	var params JobParams
	if err := json.Unmarshal(kept.Settings, &params); err != nil {
		return catalog.Job{}, fmt.Errorf("settings of source %s: %w", kept.ID, err)
	}
	params.RetryFailed, params.Rehash, params.ConfirmRemoval = choice.RetryFailed, choice.Rehash, choice.ConfirmRemoval
	directory, err := j.checkFolder(kept.Collection, params)
	if err != nil {
		return catalog.Job{}, err
	}
	return j.queueIndex(ctx, kept.Collection, params, directory, &catalog.Scan{Source: kept.ID, After: after})
}

// queueIndex queues the indexing of a folder that checkFolder has let pass, also as a scan
// of a source.
func (j *Jobs) queueIndex(ctx context.Context, collection string, params JobParams, directory *source.Directory, scan *catalog.Scan) (catalog.Job, error) {
	var lead string
	if params.ConfirmRemoval || scan != nil {
		var err error
		if lead, err = j.indexer.confirmation(ctx, collection, directory.Name()); err != nil {
			return catalog.Job{}, err
		}
	}
	if params.ConfirmRemoval {
		params.ConfirmedFor = lead
	}
	if scan != nil {
		scan.Lead = lead
	}
	return j.Enqueue(ctx, jobs.Order{Kind: JobIndex, Collection: collection, Params: params, Scan: scan})
}

// scanOf is the scan that an index job of a folder is, if a collection is kept in step
// with that: whoever orders one, it is the source's last.
func (j *Jobs) scanOf(ctx context.Context, collection, directory string) (*catalog.Scan, error) {
	id, err := j.indexer.store.KeptFolder(ctx, collection, directory)
	if err != nil || id == "" {
		return nil, err
	}
	return &catalog.Scan{Source: id, Forced: true}, nil
}

// Lead says in short what folders a source is made of now: it differs when a disk has come
// back, or has gone.
func (j *Jobs) Lead(ctx context.Context, kept catalog.KeptSource) (string, error) {
	directory, err := source.NewDirectory(kept.Directory)
	if err != nil {
		return "", err
	}
	return j.indexer.confirmation(ctx, kept.Collection, directory.Name())
}
