package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"polylens/indexer/decode"
	"polylens/internal/ordinary"
)

// event is what is to be told of: a file, a problem, or the end of a folder.
type event struct {
	problem *Problem
	ends    bool
	place   *place // of a file or an end
	name    string // of a file, like the rest
	item    Item
	kind    string // KindPicture or another, when it is known
	known   bool   // Visitor.Known said so
	err     error  // it could not be opened
}

const (
	queueLength = 256 // files that are asked about at once
	sniffers    = 8   // files that are opened at once, which matters where each takes milliseconds
)

func (w *walker) enqueue(e event) error {
	if w.count != nil {
		return nil
	}
	w.queue = append(w.queue, e)
	if len(w.queue) < queueLength {
		return nil
	}
	return w.flush()
}

// flush tells of all that is in the queue, in order. The end of a folder may queue more.
func (w *walker) flush() error {
	w.telling = true
	defer func() { w.telling = false }()
	for len(w.queue) > 0 {
		batch := w.queue
		w.queue = w.spare[:0]
		if err := w.decide(batch); err != nil {
			return err
		}
		for _, e := range batch {
			if err := w.tell(e); err != nil {
				return err
			}
		}
		clear(batch)
		w.spare = batch
	}
	return nil
}

func (w *walker) tell(e event) error {
	switch {
	case e.problem != nil:
		w.problem(*e.problem)
		return nil
	case e.ends:
		w.end(e.place)
		return nil
	case errors.Is(e.err, fs.ErrNotExist) && w.missed(e.place):
		return nil
	case e.err != nil:
		w.problem(Problem{URI: e.item.URI, Kind: ProblemFile, Err: plain(e.err)})
		return nil
	case e.kind != KindPicture:
		if w.visitor.Other == nil {
			return nil
		}
		return w.visitor.Other(Other{Item: e.item, Kind: e.kind, Known: e.known})
	}
	w.unread = e.place.unread
	e.item.Sidecar, e.item.Noted = w.sidecar(e.name, e.place)
	e.item.Unread = w.unread
	if w.visitor.Item == nil {
		return nil
	}
	return w.visitor.Item(e.item)
}

// end tells of the metadata of a folder, all of whose pictures have been told. A file
// that is named like metadata and of no use is a file like any other.
func (w *walker) end(at *place) {
	for _, e := range at.waiting {
		base := path.Base(e.name)
		picture := strings.TrimSuffix(base, path.Ext(base))
		belongs := slices.Contains([]string{".json", ".xmp"}, strings.ToLower(path.Ext(base)))
		switch {
		case at.metadata[base]:
			w.tellMetadata()
		case belongs && IsPicture(picture) && !at.has(picture):
			w.tellMetadata()
			w.problem(Problem{URI: e.item.URI, Kind: ProblemSidecar, Err: fmt.Errorf("%.100q does not lie beside it", picture)})
		case !w.isIncluded(at, e.name, false):
			w.tellExcluded(e.name, notIncluded)
		default:
			w.queue = append(w.queue, e)
		}
	}
	for _, m := range at.own {
		w.tellUnmatched(m)
	}
}

// decide finds out what the files of a batch are: by their names, by what is known of
// them, or by their first bytes.
func (w *walker) decide(batch []event) error {
	var open []*event
	for i := range batch {
		e := &batch[i]
		switch {
		case e.ends, e.problem != nil:
		case tells(e.name):
			e.kind = KindPicture
		default:
			open = append(open, e)
		}
	}
	if len(open) == 0 {
		return nil
	}
	if err := w.recall(open); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(w.ctx)
	group.SetLimit(sniffers)
	for _, e := range open {
		if e.kind == "" {
			group.Go(func() error {
				e.kind, e.err = w.sniff(e.name)
				return ctx.Err()
			})
		}
	}
	return group.Wait()
}

// tells reports whether a name says what the file is. Macs write ._NAME beside NAME.
func tells(name string) bool {
	return IsPicture(name) && !strings.HasPrefix(path.Base(name), "._")
}

// recall fills in what an earlier walk found.
func (w *walker) recall(open []*event) error {
	if w.visitor.Known == nil {
		return nil
	}
	items := make([]Item, len(open))
	for i, e := range open {
		items[i] = e.item
	}
	kinds, err := w.visitor.Known(w.ctx, items)
	if err != nil {
		return err
	}
	for i, e := range open {
		e.kind, e.known = kinds[i], kinds[i] != ""
	}
	return nil
}

// rawExtensions are those of camera RAW files that begin like a TIFF, whose first picture
// is but a thumbnail.
var rawExtensions = map[string]bool{
	".3fr": true, ".arw": true, ".dcr": true, ".dng": true, ".erf": true, ".fff": true, ".gpr": true, ".iiq": true, ".k25": true,
	".kdc": true, ".mef": true, ".mos": true, ".nef": true, ".nrw": true, ".pef": true, ".ptx": true, ".raw": true, ".rwl": true,
	".sr2": true, ".srf": true, ".srw": true, ".cr2": true, ".rw2": true,
}

// sniff says what a file is by its first bytes.
func (w *walker) sniff(name string) (string, error) {
	file, err := ordinary.In(w.ctx, w.files, name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	head := make([]byte, decode.SniffLength)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	kind, isPicture := decode.Sniff(bytes.Clone(head[:n]))
	extension := strings.ToLower(path.Ext(name))
	switch {
	case isPicture && kind == "tiff" && rawExtensions[extension]:
		return "camera's raw file", nil
	case isPicture:
		return KindPicture, nil
	case kind == "":
		return unknown(extension), nil
	}
	return kind, nil
}

// unknown names a file by its extension, if that is a short word.
func unknown(extension string) string {
	const longest = 9
	word := strings.TrimPrefix(extension, ".")
	isOther := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }
	if word == "" || len(word) > longest || strings.ContainsFunc(word, isOther) {
		return "unknown"
	}
	return "unknown (." + word + ")"
}
