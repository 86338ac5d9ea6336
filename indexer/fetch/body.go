package fetch

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var (
	errSlow = errors.New("the server sends too slowly")
	errLong = errors.New("the server takes too long")
)

const (
	headBytes   = 512      // that http.DetectContentType looks at
	firstBuffer = 64 << 10 // of an answer whose length is not known
)

// read takes the picture of an answer. Its beginning is judged before any memory is
// taken for the rest.
func (f *Fetcher) read(ctx context.Context, response *http.Response, cancel context.CancelCauseFunc) (Result, error) {
	size, most := response.ContentLength, f.options.MaxBytes
	if size > most {
		return Result{}, f.tooLarge()
	}
	head, err := f.head(response, cancel)
	if err != nil {
		return Result{}, f.explain(ctx, err)
	}
	if err := judgeHead(response.Header.Get("Content-Type"), head); err != nil {
		return Result{}, err
	}
	n := size
	if size < 0 {
		n = MemoryOf(most)
	}
	if err := f.options.Memory.Acquire(ctx, n); err != nil {
		return Result{}, interrupted(err)
	}
	watch := f.options.watch(cancel)
	defer watch.stop()
	data, err := f.rest(head, watched{response.Body, watch}, size)
	if err != nil {
		f.options.Memory.Release(n)
		return Result{}, f.explain(ctx, err)
	}
	return f.result(data, n), nil
}

// result gives back what was taken from the budget and is not in use.
func (f *Fetcher) result(data []byte, taken int64) Result {
	kept := int64(cap(data))
	f.options.Memory.Release(taken - kept)
	return Result{Data: data, release: sync.OnceFunc(func() { f.options.Memory.Release(kept) })}
}

// head reads the first bytes of an answer, fewer if there are fewer.
func (f *Fetcher) head(response *http.Response, cancel context.CancelCauseFunc) ([]byte, error) {
	timer := time.AfterFunc(f.options.Headers, func() { cancel(errSlow) })
	defer timer.Stop()
	head := make([]byte, headBytes)
	n, _, err := fill(response.Body, head)
	return head[:n], err
}

// rest reads an answer to its end, into a buffer of the size that was announced, or one
// that grows.
func (f *Fetcher) rest(head []byte, body io.Reader, size int64) ([]byte, error) {
	most := f.options.MaxBytes
	room := size
	if size < 0 {
		room = min(most, firstBuffer)
	}
	if int64(len(head)) > room {
		return nil, f.tooLarge()
	}
	data := make([]byte, len(head), room)
	copy(data, head)
	for {
		n, ended, err := fill(body, data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err != nil || ended || size >= 0 {
			return data, err
		}
		if int64(len(data)) == most {
			return data, f.endsHere(body)
		}
		grown := make([]byte, len(data), min(2*int64(cap(data)), most))
		copy(grown, data)
		data = grown
	}
}

// endsHere returns an error if there is another byte.
func (f *Fetcher) endsHere(body io.Reader) error {
	n, _, err := fill(body, make([]byte, 1))
	if n > 0 {
		return f.tooLarge()
	}
	return err
}

// fill reads until a buffer is full or the reader ends. An answer that breaks off is
// io.ErrUnexpectedEOF of its reader, which is why this is not io.ReadFull.
func fill(r io.Reader, buffer []byte) (n int, ended bool, err error) {
	for n < len(buffer) && err == nil {
		var more int
		more, err = r.Read(buffer[n:])
		n += more
	}
	if err == io.EOF {
		return n, true, nil
	}
	return n, false, err
}

func (f *Fetcher) tooLarge() error {
	return fail(TooLarge, "it has more than %d bytes, the limit%s", f.options.MaxBytes, option(f.options.Names.MaxBytes, "sets it"))
}

// judgeHead refuses what is surely no picture. What looks like one is let through,
// whatever the server says that it is.
func judgeHead(declared string, head []byte) error {
	if len(head) == 0 {
		return fail(NotPicture, "the server answers with no bytes")
	}
	looks := http.DetectContentType(head)
	if strings.HasPrefix(looks, "image/") {
		return nil
	}
	if kind, _, _ := mime.ParseMediaType(declared); !strings.HasPrefix(looks, "text/html") && !otherKind(kind) {
		return nil
	} else if kind != "" && !strings.HasPrefix(kind, "image/") {
		looks = kind
	}
	return fail(NotPicture, "%s came in place of a picture: use the URL of the picture itself, not of a page about it", short(looks, 60))
}

// otherKind reports whether a media type is never a picture's.
func otherKind(kind string) bool {
	switch kind {
	case "text/html", "application/xhtml+xml", "application/json", "text/css", "text/javascript", "application/javascript":
		return true
	}
	family, _, _ := strings.Cut(kind, "/")
	return family == "video" || family == "audio" || family == "multipart" || family == "font" || strings.HasSuffix(kind, "+json")
}

// watch ends an answer that comes too slowly or takes too long.
type watch struct {
	bytes  atomic.Int64 // since the last look
	timers []*time.Timer
}

func (o Options) watch(cancel context.CancelCauseFunc) *watch {
	w := &watch{}
	least := float64(o.LeastRate) * o.RateSpan.Seconds()
	var look *time.Timer
	look = time.AfterFunc(farOff, func() { // set below, where look is known
		if float64(w.bytes.Swap(0)) < least {
			cancel(errSlow)
			return
		}
		look.Reset(o.RateSpan)
	})
	look.Reset(o.RateSpan)
	w.timers = []*time.Timer{look, time.AfterFunc(o.Body, func() { cancel(errLong) })}
	return w
}

func (w *watch) stop() {
	for _, timer := range w.timers {
		timer.Stop()
	}
}

// watched counts what is read.
type watched struct {
	io.Reader
	watch *watch
}

// Read implements io.Reader.
func (w watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	w.watch.bytes.Add(int64(n))
	return n, err
}
