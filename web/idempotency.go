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
	idempotencyKey    = "Idempotency-Key"
	maxIdempotencyKey = 128
	answerLifetime    = 24 * time.Hour
	maxAnswers        = 1024
	answerWeight      = 1 << 10 // bytes of an answer besides its body
	maxAnswer         = 2 << 20 // bytes of an answer that is kept: more than a body and its echo
)

// answers remembers those to creating calls that carried an Idempotency-Key.
type answers struct {
	most int64 // bytes of all

	mu    sync.Mutex
	byKey map[string]*answer
	order []string // keys, oldest first
	bytes int64
}

// answer is of a call under way or answered.
type answer struct {
	caller  string
	request [sha256.Size]byte
	started time.Time
	done    bool
	status  int
	header  http.Header
	body    []byte
}

func (a *answer) weight() int64 { return answerWeight + int64(len(a.body)) }

func newAnswers(most int64) *answers {
	return &answers{most: most, byKey: make(map[string]*answer)}
}

// isRepeatable reports whether an operation has an IdempotencyHeader.
func isRepeatable(o *huma.Operation) bool {
	return slices.ContainsFunc(o.Parameters, func(p *huma.Param) bool { return p.In == "header" && p.Name == idempotencyKey })
}

// once answers a repeated call from memory. The body stands in memory.
func (a *answers) once(ctx huma.Context, next func(huma.Context)) {
	key := ctx.Header(idempotencyKey)
	if key == "" || len(key) > maxIdempotencyKey || !isRepeatable(ctx.Operation()) {
		next(ctx)
		return
	}
	r, w := humachi.Unwrap(ctx)
	caller := callerOf(r.Context()).name()
	key = caller + " " + key // nobody is answered what another has asked
	request, err := fingerprint(r)
	if err != nil {
		writeProblem(w, newProblem(kindUnreadable, err.Error()))
		return
	}
	earlier, fresh := a.begin(key, caller, request)
	switch {
	case fresh != nil:
		a.carryOut(key, fresh, next, ctx)
	case earlier.request != request:
		writeProblem(w, newProblem(kindOtherRequest, "this Idempotency-Key was used for another request"))
	case !earlier.done:
		writeProblem(w, newProblem(kindUnderWay, "the first request with this Idempotency-Key is still under way"))
	default:
		earlier.replay(w)
	}
}

// fingerprint tells requests apart: their method, path, query and body. Of a body that is
// not in memory, its kind and its length stand for it.
func fingerprint(r *http.Request) (sum [sha256.Size]byte, err error) {
	hash := sha256.New()
	fmt.Fprintf(hash, "%s\x00%s\x00%s\x00", r.Method, r.URL.EscapedPath(), r.URL.RawQuery)
	if isPush(r) {
		fmt.Fprintf(hash, "%s\x00%s\x00%d", r.Header.Get("Content-Type"), r.Header.Get("Content-Encoding"), r.ContentLength)
	}
	if body, ok := r.Body.(io.ReadSeeker); ok {
		_, err = io.Copy(hash, body)
		_, again := body.Seek(0, io.SeekStart)
		err = errors.Join(err, again)
	}
	hash.Sum(sum[:0])
	return sum, err
}

// begin claims key: fresh is the new entry, or earlier a copy of what is there.
func (a *answers) begin(key, caller string, request [sha256.Size]byte) (earlier answer, fresh *answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forgetExpired()
	if entry, ok := a.byKey[key]; ok {
		return *entry, nil
	}
	a.makeRoom(func() bool { return len(a.order) < maxAnswers })
	fresh = &answer{caller: caller, request: request, started: time.Now()}
	a.byKey[key] = fresh
	a.order = append(a.order, key)
	a.bytes += fresh.weight()
	return answer{}, fresh
}

// carryOut runs the call and keeps its answer. Failures of the server are forgotten, so
// that the client may try again, and so is what is too large to keep.
func (a *answers) carryOut(key string, entry *answer, next func(huma.Context), ctx huma.Context) {
	r, w := humachi.Unwrap(ctx)
	copied := &copyingWriter{ResponseWriter: w, status: http.StatusOK, most: min(maxAnswer, a.most-answerWeight)}
	finished := false
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if !finished || copied.status >= http.StatusInternalServerError || copied.cut {
			a.forget(key)
			return
		}
		entry.done, entry.status = true, copied.status
		entry.header, entry.body = w.Header().Clone(), copied.body.Bytes()
		a.bytes += int64(len(entry.body))
		a.makeRoom(func() bool { return a.bytes <= a.most })
	}()
	next(humachi.NewContext(ctx.Operation(), r, copied))
	finished = true
}

// forgetExpired drops answers that nobody asks for any more; the lock is held.
func (a *answers) forgetExpired() {
	for _, key := range slices.Clone(a.order) {
		switch entry := a.byKey[key]; {
		case time.Since(entry.started) <= answerLifetime:
			return
		case entry.done:
			a.forget(key)
		}
	}
}

// makeRoom drops answers until there is enough room: the oldest of whoever has the most, so
// that nobody's few go for the many of another. Calls under way stay: there are only so many,
// and they must not be carried out twice. The lock is held.
func (a *answers) makeRoom(enough func() bool) {
	for !enough() {
		weights, oldest := map[string]int64{}, map[string]string{}
		most := ""
		for _, key := range a.order {
			entry := a.byKey[key]
			if !entry.done {
				continue
			}
			if _, seen := oldest[entry.caller]; !seen {
				oldest[entry.caller] = key
			}
			if weights[entry.caller] += entry.weight(); weights[entry.caller] > weights[most] {
				most = entry.caller
			}
		}
		if most == "" {
			return
		}
		a.forget(oldest[most])
	}
}

// forget drops a key; the lock is held.
func (a *answers) forget(key string) {
	a.bytes -= a.byKey[key].weight()
	delete(a.byKey, key)
	at := slices.Index(a.order, key)
	a.order = slices.Delete(a.order, at, at+1)
}

func (a answer) replay(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
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
