package web

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// IdempotencyHeader lets a client repeat a creating call safely: the same key
// with the same request is answered as the first time (draft-ietf-httpapi-
// idempotency-key-header-07). Keys are remembered in memory for a day.
type IdempotencyHeader struct {
	Key string `header:"Idempotency-Key" maxLength:"128" doc:"Any text; a repeated call with the same key and body is answered as before, without being carried out again"`
}

const (
	keyLifetime  = 24 * time.Hour
	maxKeys      = 1024
	maxKeyedBody = 1 << 20 // calls that create something are small
)

// idempotency remembers the answers to creating calls that carried a key.
type idempotency struct {
	mu      sync.Mutex
	answers map[string]*keyed
	order   []string // keys, oldest first
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

func newIdempotency() *idempotency { return &idempotency{answers: make(map[string]*keyed)} }

// once answers a repeated call from memory.
func (i *idempotency) once(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Idempotency-Key")
		if r.Method != http.MethodPost || key == "" || len(key) > 128 {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxKeyedBody))
		if err != nil {
			writeUnreadable(w, err)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		request := sha256.Sum256(append([]byte(r.URL.Path+"\x00"), body...))
		earlier, fresh := i.begin(key, request)
		switch {
		case fresh != nil:
			i.carryOut(key, fresh, next, w, r)
		case earlier.request != request:
			writeProblem(w, newProblem(kindKeyReused, "this Idempotency-Key was used for another request"))
		case !earlier.done:
			writeProblem(w, newProblem(kindKeyInUse, "the first request with this Idempotency-Key is still under way"))
		default:
			earlier.replay(w)
		}
	})
}

// begin claims key: fresh is the new entry, or earlier a copy of what is there.
func (i *idempotency) begin(key string, request [sha256.Size]byte) (earlier keyed, fresh *keyed) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for len(i.order) > 0 && (len(i.order) > maxKeys || time.Since(i.answers[i.order[0]].started) > keyLifetime) {
		delete(i.answers, i.order[0])
		i.order = i.order[1:]
	}
	if entry, ok := i.answers[key]; ok {
		return *entry, nil
	}
	fresh = &keyed{request: request, started: time.Now()}
	i.answers[key] = fresh
	i.order = append(i.order, key)
	return keyed{}, fresh
}

// carryOut runs the call and keeps its answer. Failures of the server are
// forgotten, so that the client may try again.
func (i *idempotency) carryOut(key string, entry *keyed, next http.Handler, w http.ResponseWriter, r *http.Request) {
	copied := &copyingWriter{ResponseWriter: w, status: http.StatusOK}
	finished := false
	defer func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		if !finished || copied.status >= http.StatusInternalServerError {
			i.forget(key)
			return
		}
		entry.done, entry.status = true, copied.status
		entry.header, entry.body = w.Header().Clone(), copied.body.Bytes()
	}()
	next.ServeHTTP(copied, r)
	finished = true
}

// forget drops a key; the lock is held.
func (i *idempotency) forget(key string) {
	delete(i.answers, key)
	for n, other := range i.order {
		if other == key {
			i.order = append(i.order[:n], i.order[n+1:]...)
			return
		}
	}
}

func (k keyed) replay(w http.ResponseWriter) {
	for name, values := range k.header {
		w.Header()[name] = values
	}
	w.WriteHeader(k.status)
	_, _ = w.Write(k.body)
}

// copyingWriter keeps what passes through it.
type copyingWriter struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (w *copyingWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *copyingWriter) Write(p []byte) (int, error) {
	w.body.Write(p)
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController find the connection.
func (w *copyingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func writeUnreadable(w http.ResponseWriter, err error) {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		writeProblem(w, newProblem(kindTooLarge, "the request is too large"))
		return
	}
	writeProblem(w, newProblem(kind("request-unreadable", http.StatusBadRequest), "the request could not be read"))
}
