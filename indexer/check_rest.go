package indexer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/indexer/upload"
)

// rest is the check of what belongs to no collection, or to all.
type rest struct {
	*Indexer
	repair bool
	now    time.Time
	found  record
}

func (ix *Indexer) examineRest(ctx context.Context, order CheckOrder) (Findings, error) {
	x := &rest{Indexer: ix, repair: order.Kind == JobRepair, now: time.Now(), found: make(record)}
	for _, step := range []func(context.Context) error{x.file, x.strays, x.unused, x.chunks, x.counts, x.leftOriginals, x.leftPushes, x.unknown, x.thumbnails} {
		if err := step(ctx); err != nil {
			return x.found.list(), fmt.Errorf("check what belongs to no collection: %w", err)
		}
	}
	return x.found.list(), nil
}

// file looks at the catalogue as a file. What is wrong with its indexes can be mended.
func (x *rest) file(ctx context.Context) error {
	damage, err := x.store.Damage(ctx)
	for _, line := range damage {
		x.found.add(CatalogueDamaged, line)
	}
	if err != nil || len(damage) == 0 || !x.repair {
		return err
	}
	if err := x.store.MendDamage(ctx); err != nil {
		x.options.Log.Warn("the indexes of the catalogue cannot be made anew", "error", err)
		return nil // it is reported, with the remedy
	}
	left, err := x.store.Damage(ctx)
	x.found.repaired(CatalogueDamaged, max(0, len(damage)-len(left)))
	return err
}

func (x *rest) strays(ctx context.Context) error {
	tables, err := x.store.StrayRows(ctx)
	all := 0
	for table, count := range tables {
		x.found.addMany(RowStray, count-1)
		x.found.add(RowStray, fmt.Sprintf("%d of the table %s", count, table))
		all += count
	}
	if err != nil || all == 0 || !x.repair {
		return err
	}
	x.found.repaired(RowStray, all)
	return x.store.DropStrayRows(ctx)
}

func (x *rest) unused(ctx context.Context) error {
	vectors, contents, err := x.store.Unused(ctx)
	x.found.addMany(VectorUnused, vectors)
	x.found.addMany(ContentUnused, contents)
	if err != nil || contents == 0 || !x.repair {
		return err
	}
	x.found.repaired(ContentUnused, contents)
	return x.store.PurgeContents(ctx)
}

// chunks looks for the lines of what pushes have still to do.
func (x *rest) chunks(ctx context.Context) error {
	if x.kept.Blobs == nil {
		return nil
	}
	chunks, err := x.store.OpenChunks(ctx)
	if err != nil {
		return err
	}
	for _, chunk := range chunks {
		_, err := x.kept.Blobs.Modified(ctx, chunk.Content)
		if errors.Is(err, fs.ErrNotExist) {
			err = x.chunk(ctx, chunk)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// chunk is about one without lines, which may have been done meanwhile.
func (x *rest) chunk(ctx context.Context, chunk catalog.ChunkPlace) error {
	open, err := x.store.IsOpenChunk(ctx, chunk)
	if open {
		x.found.add(ChunkMissing, fmt.Sprintf("chunk %d of job %s", chunk.Number, chunk.Job))
	}
	return err
}

func (x *rest) counts(ctx context.Context) error {
	jobs, err := x.store.MiscountedPushes(ctx)
	for _, job := range jobs {
		x.found.add(PushMiscounted, "job "+job)
	}
	return err
}

// leftOriginals looks for pictures that would have been collected by a server.
func (x *rest) leftOriginals(ctx context.Context) error {
	if x.kept.Blobs == nil {
		return nil
	}
	needed := func(ctx context.Context, sums []string) (map[string]bool, error) {
		used, err := x.neededOriginals(ctx, sums)
		for _, sum := range sums {
			if err == nil && !used[sum] {
				x.found.add(OriginalLeft, sum)
			}
		}
		if !x.repair { // nothing is to be removed
			used = make(map[string]bool)
			for _, sum := range sums {
				used[sum] = true
			}
		}
		return used, err
	}
	removed, err := x.kept.Blobs.Collect(ctx, x.now, needed)
	x.found.repaired(OriginalLeft, removed.Files)
	return err
}

// neededOriginals returns those of some contents whose files have to stay. A repair makes
// sure that the others can go.
func (x *rest) neededOriginals(ctx context.Context, sums []string) (map[string]bool, error) {
	if x.repair {
		return x.releaseOriginals(ctx, x.kept.Blobs, sums, x.now)
	}
	return x.store.NeededContents(ctx, sums, x.now.Add(-blob.Grace))
}

// leftPushes looks for what is left of pushes.
func (x *rest) leftPushes(ctx context.Context) error {
	if x.kept.Pushes == nil {
		return nil
	}
	count := 0
	err := x.kept.Pushes.left(ctx, x.now, func(file blob.File) error {
		x.found.add(PushLeft, file.Name)
		count++
		return nil
	})
	if err != nil || count == 0 || !x.repair {
		return err
	}
	x.found.repaired(PushLeft, count)
	return x.kept.Pushes.Collect(ctx, x.now)
}

// unknown looks for files where Polylens keeps none.
func (x *rest) unknown(ctx context.Context) error {
	if x.kept.Blobs == nil {
		return nil
	}
	return x.kept.Blobs.Walk(ctx, "", func(file blob.File) error {
		if !blob.IsPlaced(file.Name, pushFolder, upload.Folder) || strings.HasPrefix(file.Name, blob.Aside) {
			x.found.add(FileUnknown, file.Name)
		}
		return nil
	})
}
