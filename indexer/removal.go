package indexer

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"polylens/indexer/catalog"
	"polylens/indexer/source"
)

// DefaultRemovedShare is how much of a source a run removes without being asked twice.
const DefaultRemovedShare = 0.25

// fewRemoved is how many images a run removes whatever their share, as long as nobody has
// chosen one and the source has any picture left: in a small folder, a few deleted files
// are a large share.
const fewRemoved = 3

// ErrRemovalWithheld is returned, wrapped, by a run that has found so much of its
// source gone that it removed nothing.
var ErrRemovalWithheld = errors.New("nothing was removed")

// removalLimit guards against a folder that is not mounted, or empty for another
// reason that its owner does not know of.
type removalLimit struct {
	share     float64
	few       int
	confirmed bool
}

func newRemovalLimit(request Request) removalLimit {
	if chosen := request.MaxRemovedShare; chosen != nil {
		return removalLimit{share: *chosen, confirmed: request.ConfirmRemoval}
	}
	return removalLimit{share: DefaultRemovedShare, few: fewRemoved, confirmed: request.ConfirmRemoval}
}

// validate returns catalog.ErrInvalid for a share that is none.
func (l removalLimit) validate() error {
	if l.share >= 0 && l.share <= 1 {
		return nil
	}
	return fmt.Errorf("share of pictures that may be removed, %v, is %w: use 0 to 1", l.share, catalog.ErrInvalid)
}

// check returns ErrRemovalWithheld if the vanished images are too many.
func (l removalLimit) check(place string, found absence) error {
	gone, known := len(found.vanished), found.known
	emptied, folder := found.emptied()
	switch {
	case l.confirmed || gone == 0:
		return nil
	case gone == known:
		return fmt.Errorf("%w: there are no pictures in %s any more, and %d were indexed from it; %s", ErrRemovalWithheld, place, known, remedy)
	case gone > l.few && float64(gone) > l.share*float64(known):
		return fmt.Errorf("%w: %d of the %d pictures that were indexed from %s are no longer there, more than %.4g %%; %s",
			ErrRemovalWithheld, gone, known, place, 100*l.share, remedy)
	case emptied > fewRemoved:
		return fmt.Errorf("%w: %d pictures are no longer there, %d of them from folders that are empty of pictures now, such as %s; %s",
			ErrRemovalWithheld, gone, emptied, folderOf(folder), remedy)
	}
	return nil
}

// absence is what a source no longer has, though it was indexed from it.
type absence struct {
	known    int        // images of the source
	gone     []string   // IDs of those to remove
	vanished []vanished // of those, whose files the walk has not met at all
}

// vanished is an image whose file is not there.
type vanished struct {
	id      string
	emptied string // URI of a folder above it that is there and has no picture, as when its disk is not mounted
}

// emptied is how many vanished in folders that are there and have no picture, and one of these.
func (a absence) emptied() (count int, folder string) {
	for _, one := range a.vanished {
		if one.emptied != "" {
			count, folder = count+1, one.emptied
		}
	}
	return count, folder
}

// folderOf is a URI of a folder for people.
func folderOf(uri string) string {
	if folder, err := source.Folder(uri); err == nil {
		return folder
	}
	return uri
}

// mayReturn reports whether an error of the system says nothing about a file being
// there: a disk or a network file system that fails is not an empty one.
func mayReturn(err error) bool {
	var number syscall.Errno
	return errors.As(err, &number) && !errors.Is(err, fs.ErrNotExist)
}

const remedy = "if a disk is not mounted, mount it and index again; if they are to go, index again with --confirm-removal (confirm_removal in the API)"
