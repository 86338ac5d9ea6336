package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"polylens/indexer/catalog"
	"polylens/web/problem"
)

// tusWriter completes the library's answers, and keeps its refusals back: they become
// problems like all others.
type tusWriter struct {
	http.ResponseWriter
	asked   *tusRequest
	refused int // status
	words   string
}

// WriteHeader implements http.ResponseWriter.
func (w *tusWriter) WriteHeader(status int) {
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(writeWait)) // that of the server may have passed while the body came
	header := w.Header()
	if found := w.asked.upload; found != nil {
		if header.Get("Location") != "" {
			header.Set("Location", uploadAddress(w.asked.collection, found.ID))
		}
		if !found.Finished() {
			header.Set("Upload-Expires", found.Expires().UTC().Format(http.TimeFormat))
		}
	}
	if extensions := header.Get("Tus-Extension"); extensions != "" {
		header.Set("Tus-Extension", extensions+",expiration")
	}
	if status >= http.StatusBadRequest {
		w.refused = status
		header.Del("Content-Length")
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *tusWriter) Write(p []byte) (int, error) {
	if w.refused == 0 {
		return w.ResponseWriter.Write(p)
	}
	w.words += string(p)
	return len(p), nil
}

// SetReadDeadline lets the library end the reading of a body, and nothing else: its
// deadlines grow with each byte.
func (w *tusWriter) SetReadDeadline(deadline time.Time) error {
	if deadline.After(time.Now()) {
		return nil
	}
	return http.NewResponseController(w.ResponseWriter).SetReadDeadline(deadline)
}

// SetWriteDeadline leaves it as it is.
func (w *tusWriter) SetWriteDeadline(time.Time) error { return nil }

// tusKinds are the kinds of the library's refusals, by their status.
var tusKinds = map[int]problem.Kind{
	http.StatusBadRequest: kindUnreadable, http.StatusNotFound: kindNotFound, http.StatusConflict: problem.Of(catalog.ErrConflict, problem.Table()),
	http.StatusPreconditionFailed: kindTusVersion, http.StatusRequestEntityTooLarge: kindTooLarge, http.StatusLocked: kindUploadLocked,
	http.StatusNotImplemented: kindInvalid,
}

// problem is what the library's refusal comes to. What the store or the body failed with
// says more.
func (w *tusWriter) problem(body *steady) error {
	_, words, _ := strings.Cut(strings.TrimSpace(w.words), ": ")
	kind, known := tusKinds[w.refused]
	switch {
	case w.asked.failed != nil:
		return w.asked.failed
	case body.failed != nil:
		return unreadable(body.failed)
	case strings.Contains(w.words, "ERR_LOCK_TIMEOUT"):
		kind, words = kindUploadLocked, "another request is at work on this upload: try again"
	case !known:
		return fmt.Errorf("tus: %d %s", w.refused, w.words)
	}
	if w.refused == http.StatusPreconditionFailed {
		w.Header().Set("Tus-Version", "1.0.0")
	}
	if words == "" { // of HEAD
		words = strings.ToLower(http.StatusText(kind.Status))
	}
	return newProblem(kind, words)
}

// writeJSON answers outside the operations that the library of the API writes.
func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the client may be gone
}
