package milvus

import (
	"bytes"
	"strings"
	"sync"

	"polylens/internal/rotating"
)

// The log of a server, in bytes, and how many full ones are kept beside it.
const (
	logLimit = 16 << 20
	logKept  = 1
)

// serverWords is what a server says: in a log of bounded size, and the last of it in
// memory. Writing never fails for the writer: a full disk must not stop the server that
// writes the log.
type serverWords struct {
	file *rotating.File

	mu    sync.Mutex
	ended bool   // later words go to no file
	last  []byte // the latest words, for error messages
	why   string // the first line since begin that says why the server ends
}

// How much of what was written last is kept, to find in it why the server ended and
// the stacks that follow, and how much is shown where no reason is found.
const (
	tailSize  = 64 << 10
	shownSize = 2000
)

// openWords fails if the log cannot be written.
func openWords(path string, limit int64) (*serverWords, error) {
	words := &serverWords{file: rotating.New(path, limit, logKept)}
	_, err := words.file.Write(nil)
	return words, err
}

// Write implements io.Writer.
func (w *serverWords) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = append(w.last, p...)
	w.lookFor(len(p))
	w.last = w.last[max(0, len(w.last)-tailSize):]
	if !w.ended {
		_, _ = w.file.Write(p) // if this fails the words are lost, not the server
	}
	return len(p), nil
}

// lastLine is what was written last of all: how the keeper saw the server end.
func (w *serverWords) lastLine() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := bytes.TrimSpace(w.last)
	text = text[bytes.LastIndexByte(text, '\n')+1:]
	return strings.ToValidUTF8(string(text[:min(len(text), shownSize)]), "?")
}

// longestReason bounds the line in which a server says why it ends, in bytes.
const longestReason = 4 << 10

// lookFor looks for the reason in what has just been written, while it is still kept:
// the stacks that follow it are longer than what is.
func (w *serverWords) lookFor(written int) {
	if w.why != "" {
		return
	}
	fresh := w.last[max(0, len(w.last)-written-longestReason):]
	whole := bytes.LastIndexByte(fresh, '\n') + 1
	w.why, _ = reasonLine(strings.ToValidUTF8(string(fresh[:whole]), "?"))
}

// begin forgets the words of earlier servers, which tail would take for those of the
// next one.
func (w *serverWords) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last, w.why = nil, ""
}

// moved opens the log anew at its path, from where its folder has been moved.
func (w *serverWords) moved() {
	_ = w.file.Close()       // of what has been moved
	_, _ = w.file.Write(nil) // the next words try again
}

// tail is what was written last.
func (w *serverWords) tail() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.why != "" {
		return w.why
	}
	if len(w.last) == 0 {
		return "(none)"
	}
	return reason(strings.TrimSpace(strings.ToValidUTF8(string(w.last), "?")))
}

// reason is the line in which a program in Go or C++ says why it ends, or its last words
// before any stacks where there is no such line. Only stacks follow that line.
func reason(words string) string {
	if line, found := reasonLine(words); found {
		return line
	}
	words, _, _ = strings.Cut(words, "\ngoroutine ")
	return strings.ToValidUTF8(words[max(0, len(words)-shownSize):], "?")
}

func reasonLine(words string) (string, bool) {
	for line := range strings.Lines(words) {
		for _, mark := range []string{"panic: ", "fatal error: ", "terminate called", "SIGABRT: ", "SIGSEGV: ", "SIGBUS: "} {
			if at := strings.Index(line, mark); at >= 0 {
				line = strings.TrimSpace(line[at:])
				return strings.ToValidUTF8(line[:min(len(line), shownSize)], "?"), true
			}
		}
	}
	return "", false
}

// Close closes the file; later words go to none.
func (w *serverWords) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	_ = w.file.Close()
}
