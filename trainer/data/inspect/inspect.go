package inspect

import (
	"context"
	"crypto/sha256"
	"fmt"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"polylens/trainer/data"
)

// Options say how a set is inspected. A zero field has the default.
type Options struct {
	Workers int // that read pictures at once; default GOMAXPROCS
	// Near is in how many of 256 bits the signatures of pictures that look the
	// same differ at most, 1 to 15; default 6. Off takes only equal files for the
	// same, for pictures that all look alike from afar, such as pages of text.
	Near     int
	Progress func(done, total int) // called from several goroutines; may be nil
}

// MostNear is the most that Options.Near may be.
const MostNear = hashCells - 1

// Off is Options.Near for sets whose pictures all look alike.
const Off = -1

// Content is what was found in a picture.
type Content struct {
	SHA256        [32]byte // of its bytes
	Signature     Signature
	Width, Height int   // upright; smaller than in the file where less was decoded
	Err           error // why it cannot be read; the rest may be zero then
}

// Findings are what was found in a set. All slices have a value for each
// picture of the set.
type Findings struct {
	Contents []Content
	// Items number what pictures show: one item are pictures that name the same
	// item, and files with the same bytes; -1 is unreadable.
	Items []int
	// Groups number what must stay in one part of a split: items, and pictures
	// that look the same; -1 is unreadable.
	Groups []int

	items, groups int
}

// Inspect reads every picture of the set. A picture that cannot be read is no
// error, it is among the findings; the error is that of the context, or of
// options.
func Inspect(ctx context.Context, set *data.Set, opener data.Opener, decoder data.Decoder, options Options) (*Findings, error) {
	if options.Near == 0 {
		options.Near = 6
	}
	if options.Near != Off && (options.Near < 1 || options.Near > MostNear) {
		return nil, fmt.Errorf("near is %d; want 1 to %d bits, or %d for off", options.Near, MostNear, Off)
	}
	if options.Workers <= 0 {
		options.Workers = runtime.GOMAXPROCS(0)
	}
	f := &Findings{Contents: make([]Content, len(set.Pictures))}
	var group errgroup.Group
	group.SetLimit(options.Workers)
	var done atomic.Int64
	for i, picture := range set.Pictures {
		group.Go(func() error {
			f.Contents[i] = look(ctx, picture, opener, decoder)
			if options.Progress != nil {
				options.Progress(int(done.Add(1)), len(set.Pictures))
			}
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	f.number(set, options.Near)
	return f, nil
}

// look reads one picture.
func look(ctx context.Context, picture data.Picture, opener data.Opener, decoder data.Decoder) Content {
	content, err := opener.Bytes(ctx, picture)
	if err != nil {
		return Content{Err: err}
	}
	c := Content{SHA256: sha256.Sum256(content)}
	image, err := decoder.Decode(ctx, picture.String(), content, sampled)
	if err != nil {
		c.Err = err
		return c
	}
	c.Width, c.Height = image.Bounds().Dx(), image.Bounds().Dy()
	c.Signature = Sign(image)
	return c
}

// sampled is the size that Sign looks at.
func sampled(int, int) (width, height int) { return maxSide, maxSide }

// number finds items and groups.
func (f *Findings) number(set *data.Set, near int) {
	readable := func(i int) bool { return f.Contents[i].Err == nil }
	same := newUnions(len(set.Pictures))
	names := make(map[string]int)
	for _, p := range set.Pairs {
		if p.Item != "" && readable(p.Picture) {
			joinEqual(same, names, p.Item, p.Picture)
		}
	}
	files := make(map[[32]byte]int)
	for i, c := range f.Contents {
		if !readable(i) {
			continue
		}
		joinEqual(same, files, c.SHA256, i)
		if name := set.Items[i]; name != "" {
			joinEqual(same, names, name, i)
		}
	}
	f.Items, f.items = same.number(readable)
	if near != Off {
		joinNear(same, f.Contents, near)
	}
	f.Groups, f.groups = same.number(readable)
}
