package indexer

import (
	"context"

	"polylens/indexer/catalog"
	"polylens/indexer/decode"
	"polylens/indexer/source"
)

// isAsRead takes a file to be as it was when it was read if its size, its time and
// the change time of its inode are. Programs set the time of a file back, for example
// when they edit its metadata, and may keep its size; the inode they cannot. Where its
// time is not known, then or now, it does not count.
func isAsRead(item source.Item, size, modified, changed int64) bool {
	return size == item.Size && modified == item.Modified.UnixNano() &&
		(changed == 0 || item.Changed.IsZero() || changed == item.Changed.UnixNano())
}

// failsAgain reports whether a file that could not be read before need not be tried:
// neither it nor the decoders have changed.
func (r *run) failsAgain(item source.Item, failure catalog.Failure) bool {
	return isFailing(JobParams{RetryFailed: r.retryFailed, Rehash: r.rehash}, item, failure)
}

// isFailing is failsAgain for a run with some parameters.
func isFailing(params JobParams, item source.Item, failure catalog.Failure) bool {
	return !params.RetryFailed && !params.Rehash && failure.Decoder == decode.Version &&
		isAsRead(item, failure.Size, failure.Modified.UnixNano(), nanos(failure))
}

func nanos(failure catalog.Failure) int64 {
	if failure.Changed.IsZero() {
		return 0
	}
	return failure.Changed.UnixNano()
}

// isUnchanged reports whether an image that has been read once more is what it was,
// but for the times of its file.
func (d *destination) isUnchanged(state catalog.State, image catalog.Image) (bool, error) {
	if !state.Indexed || state.Source != image.Source || state.SHA256 != image.SHA256 {
		return false, nil
	}
	digest, err := catalog.Digest(image.SHA256, image.Metadata, image.Captions)
	return digest == state.Digest, err
}

// noteChanged fills in the change times of inodes that were indexed before these were
// kept.
func (r *run) noteChanged(ctx context.Context, items []source.Item, ids []string, states map[string]catalog.State) error {
	missing := make(map[string]int64)
	for i, item := range items {
		state := states[ids[i]]
		if state.Encoded && state.Changed == 0 && !item.Changed.IsZero() && !r.rehash &&
			isAsRead(item, state.Size, state.Modified, state.Changed) {
			missing[ids[i]] = item.Changed.UnixNano()
		}
	}
	return r.store.NoteChanged(ctx, missing)
}
