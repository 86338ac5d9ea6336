package web

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

// IdempotencyHeader lets a client repeat a creating call safely: the same key
// with the same request is answered as the first time (draft-ietf-httpapi-
// idempotency-key-header-07). Keys are remembered in memory for a day. Operations
// without it ignore the header.
type IdempotencyHeader struct {
	Key string `header:"Idempotency-Key" maxLength:"128" doc:"Any text; a repeated call with the same key, address and body is answered as before, without being carried out again. The same key with another call is refused (422)"`
}

const (
	keyName     = "Idempotency-Key"
	keyLifetime = 24 * time.Hour
	maxKeys     = 1024
	maxKey      = 128
	keyWeight   = 1 << 10 // bytes of an answer besides its body
	maxAnswer   = 2 << 20 // bytes of an answer that is kept: more than a body and its echo
)

// idempotency remembers the answers to creating calls that carried a key.
type idempotency struct {
	most int64 // bytes of all answers

	mu      sync.Mutex
	answers map[string]*keyed
	order   []string // keys, oldest first
	bytes   int64
}

// keyed is a call under way or answered.
type keyed struct {
	request [sha256.Size]byte
	started time.Time
	done    bool
	status  int
	header  http.Header
	body    []byte
}

func (k *keyed) weight() int64 { return keyWeight + int64(len(k.body)) }

func newIdempotency(most int64) *idempotency {
	return &idempotency{most: most, answers: make(map[string]*keyed)}
}

// takesKey reports whether an operation has an IdempotencyHeader.
func takesKey(o *huma.Operation) bool {
	return slices.ContainsFunc(o.Parameters, func(p *huma.Param) bool { return p.In == "header" && p.Name == keyName })
}

// once answers a repeated call from memory. The body stands in memory.
func (i *idempotency) once(ctx huma.Context, next func(huma.Context)) {
	key := ctx.Header(keyName)
	if key == "" || len(key) > maxKey || !takesKey(ctx.Operation()) {
		next(ctx)
		return
	}
	r, w := humachi.Unwrap(ctx)
	key = callerOf(r.Context()).name() + " " + key // nobody is answered what another has asked
	request, err := fingerprint(r)
	if err != nil {
		writeProblem(w, newProblem(kindUnreadable, err.Error()))
		return
	}
	earlier, fresh := i.begin(key, request)
	switch {
	case fresh != nil:
		i.carryOut(key, fresh, next, ctx)
	case earlier.request != request:
		writeProblem(w, newProblem(kindKeyReused, "this Idempotency-Key was used for another request"))
	case !earlier.done:
		writeProblem(w, newProblem(kindKeyInUse, "the first request with this Idempotency-Key is still under way"))
	default:
		earlier.replay(w)
	}
}

// fingerprint tells requests apart: their method, path, query and body.
func fingerprint(r *http.Request) (sum [sha256.Size]byte, err error) {
	hash := sha256.New()
	fmt.Fprintf(hash, "%s\x00%s\x00%s\x00", r.Method, r.URL.EscapedPath(), r.URL.RawQuery)
	if body, ok := r.Body.(io.ReadSeeker); ok {
		_, err = io.Copy(hash, body)
		_, again := body.Seek(0, io.SeekStart)
		err = errors.Join(err, again)
	}
	hash.Sum(sum[:0])
	return sum, err
}

// begin claims key: fresh is the new entry, or earlier a copy of what is there.
func (i *idempotency) begin(key string, request [sha256.Size]byte) (earlier keyed, fresh *keyed) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.forgetOldest(func(oldest *keyed) bool { return len(i.order) >= maxKeys || time.Since(oldest.started) > keyLifetime })
	if entry, ok := i.answers[key]; ok {
		return *entry, nil
	}
	fresh = &keyed{request: request, started: time.Now()}
	i.answers[key] = fresh
	i.order = append(i.order, key)
	i.bytes += fresh.weight()
	return keyed{}, fresh
}

// carryOut runs the call and keeps its answer. Failures of the server are forgotten, so
// that the client may try again, and so is what is too large to keep.
func (i *idempotency) carryOut(key string, entry *keyed, next func(huma.Context), ctx huma.Context) {
	r, w := humachi.Unwrap(ctx)
	copied := &copyingWriter{ResponseWriter: w, status: http.StatusOK, most: min(maxAnswer, i.most-keyWeight)}
	finished := false
	defer func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		if !finished || copied.status >= http.StatusInternalServerError || copied.cut {
			i.forget(key)
			return
		}
		entry.done, entry.status = true, copied.status
		entry.header, entry.body = w.Header().Clone(), copied.body.Bytes()
		i.bytes += int64(len(entry.body))
		i.forgetOldest(func(*keyed) bool { return i.bytes > i.most })
	}()
	next(humachi.NewContext(ctx.Operation(), r, copied))
	finished = true
}

// forgetOldest drops answers, the oldest first, as long as needed says so. Calls under way
// stay: there are only so many, and they must not be carried out twice. The lock is held.
func (i *idempotency) forgetOldest(needed func(oldest *keyed) bool) {
	for at := 0; at < len(i.order); {
		key := i.order[at]
		switch entry := i.answers[key]; {
		case !entry.done:
			at++
		case !needed(entry):
			return
		default:
			i.forget(key)
		}
	}
}

// forget drops a key; the lock is held.
func (i *idempotency) forget(key string) {
	i.bytes -= i.answers[key].weight()
	delete(i.answers, key)
	at := slices.Index(i.order, key)
	i.order = slices.Delete(i.order, at, at+1)
}

func (k keyed) replay(w http.ResponseWriter) {
	for name, values := range k.header {
		w.Header()[name] = values
	}
	w.WriteHeader(k.status)
	_, _ = w.Write(k.body)
}

// copyingWriter keeps what passes through it, unless it is too much.
type copyingWriter struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
	most   int64
	cut    bool // there was more
}

func (w *copyingWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *copyingWriter) Write(p []byte) (int, error) {
	if w.cut = w.cut || int64(w.body.Len()+len(p)) > w.most; w.cut {
		w.body = bytes.Buffer{}
	} else {
		w.body.Write(p)
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController find the connection.
func (w *copyingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
