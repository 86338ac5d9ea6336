package indexer

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"syscall"

	"polylens/indexer/catalog"
	"polylens/indexer/source"
	"polylens/internal/patient"
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
	outdated  bool // it was confirmed, but for other folders
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

// mayAll reports whether all that is gone may be removed.
func (l removalLimit) mayAll() bool { return l.confirmed }

// isMost reports whether so many pictures are more than may go of a whole without a
// question, or all of it.
func (l removalLimit) isMost(gone, whole int) bool {
	return gone == whole || float64(gone) > l.share*float64(whole)
}

// check returns ErrRemovalWithheld if the vanished images are too many, or if pictures
// that were replaced have been kept.
func (l removalLimit) check(place string, found absence) error {
	gone, known := len(found.vanished)+len(found.replaced), found.known
	suspects, one := found.suspects(l)
	switch {
	case l.mayAll() || gone == 0:
		return nil
	case len(found.vanished) == known:
		return fmt.Errorf("%w: there are no pictures in %s any more, and %d were indexed from it; %s", ErrRemovalWithheld, place, known, l.remedy())
	case suspects > fewRemoved || len(found.replaced) > 0:
		return fmt.Errorf("%w: %d pictures are no longer there, %d of them %s; %s", ErrRemovalWithheld, gone, suspects, one.reason(), l.remedy())
	case gone > l.few && float64(gone) > l.share*float64(known):
		return fmt.Errorf("%w: %d of the %d pictures that were indexed from %s are no longer there, more than %.4g %%; %s",
			ErrRemovalWithheld, gone, known, place, 100*l.share, l.remedy())
	}
	return nil
}

// absence is what a source no longer has, though it was indexed from it.
type absence struct {
	known    int            // images of the source
	behind   map[string]int // of those, how many lie behind each gate that has turned
	gone     []string       // IDs of those to remove
	vanished []vanished     // of those, whose files the walk has not met at all
	replaced []vanished     // not to be removed, but kept though other files are in their place
}

// vanished is an image whose file is not there.
type vanished struct {
	id    string
	why   whyGone
	place string // URI of the folder, the mount point or the link that it is about
}

// suspects is how many images are gone for a reason that may pass, and one of these.
// Those behind a gate that leads elsewhere are suspect when they are most of what is
// known behind it: then it is not the same folder with another number, such as a copy.
// Those that were replaced have been found to be most, and are suspect.
func (a absence) suspects(l removalLimit) (count int, one vanished) {
	elsewhere := make(map[string]int)
	for _, lost := range slices.Concat(a.vanished, a.replaced) {
		if lost.why == whyElsewhere {
			elsewhere[lost.place]++
		}
	}
	for _, lost := range a.vanished {
		if lost.why == whyUnknown || lost.why == whyElsewhere && !l.isMost(elsewhere[lost.place], a.behind[lost.place]) {
			continue
		}
		count, one = count+1, lost
	}
	for _, lost := range a.replaced {
		count, one = count+1, lost
	}
	return count, one
}

// reason is why an image is suspect, after "of them".
func (v vanished) reason() string {
	switch folder := folderOf(v.place); v.why {
	case whyUnmounted:
		return fmt.Sprintf("because nothing is mounted any more where a disk was, such as %s", folder)
	case whyElsewhere:
		return fmt.Sprintf("because another folder than before is reached by a path, such as %s", folder)
	case whyUnseen:
		return fmt.Sprintf("because others are in their place where a disk did not answer at first, such as %s", folder)
	case whyUnkept:
		return fmt.Sprintf("from behind more links and mount points than are remembered, which may have led to another disk, such as %s", folder)
	default:
		return fmt.Sprintf("from folders that are empty of pictures now, such as %s", folder)
	}
}

// folderOf is a URI of a folder for people.
func folderOf(uri string) string {
	if folder, err := source.Folder(uri); err == nil {
		return folder
	}
	return uri
}

// mayReturn reports whether an error says nothing about a file being there: a disk or a
// network file system that fails, or does not answer, is not an empty one.
func mayReturn(err error) bool {
	if isSilent(err) {
		return true
	}
	var number syscall.Errno
	return errors.As(err, &number) && !errors.Is(err, fs.ErrNotExist)
}

// isSilent reports whether a file is not known because its file system did not answer,
// or because nobody wanted the answer any more.
func isSilent(err error) bool {
	left := (*patient.Left)(nil)
	return errors.Is(err, patient.ErrSilent) || errors.As(err, &left)
}

func (l removalLimit) remedy() string {
	if l.outdated {
		return "what was confirmed was about other folders than are there now; " + remedy
	}
	return remedy
}

const remedy = "if a disk is not mounted, mount it and index again; if they are to go, index again with --confirm-removal (confirm_removal in the API)"
