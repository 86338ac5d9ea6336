package milvus

import (
	"bytes"
	"os"
	"strings"
	"sync"
)

// rotatingFile is a log of bounded size: when it is full it becomes NAME.1, in place
// of the previous one. Writing never fails for the writer: a full disk must not stop
// the server that writes the log.
type rotatingFile struct {
	mu    sync.Mutex
	path  string
	limit int64
	file  *os.File // nil after Close, or when it could not be opened
	size  int64
	last  []byte // the latest words, for error messages
	why   string // the first line since begin that says why the server ends
}

// How much of what was written last is kept, to find in it why the server ended and
// the stacks that follow, and how much is shown where no reason is found.
const (
	tailSize  = 64 << 10
	shownSize = 2000
)

func openRotating(path string, limit int64) (*rotatingFile, error) {
	log := &rotatingFile{path: path, limit: limit}
	return log, log.open()
}

func (r *rotatingFile) open() error {
	file, err := os.OpenFile(r.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return err
	}
	r.file, r.size = file, info.Size()
	return nil
}

// Write implements io.Writer.
func (r *rotatingFile) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = append(r.last, p...)
	r.lookFor(len(p))
	r.last = r.last[max(0, len(r.last)-tailSize):]
	if r.file != nil && r.size+int64(len(p)) > r.limit {
		r.rotate()
	}
	if r.file != nil {
		n, _ := r.file.Write(p)
		r.size += int64(n)
	}
	return len(p), nil
}

func (r *rotatingFile) rotate() {
	r.file.Close()
	r.file = nil
	_ = os.Rename(r.path, r.path+".1")
	_ = r.open() // if this fails the words are lost, not the server
}

// lastLine is what was written last of all: how the keeper saw the server end.
func (r *rotatingFile) lastLine() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := bytes.TrimSpace(r.last)
	text = text[bytes.LastIndexByte(text, '\n')+1:]
	return strings.ToValidUTF8(string(text[:min(len(text), shownSize)]), "?")
}

// longestReason bounds the line in which a server says why it ends, in bytes.
const longestReason = 4 << 10

// lookFor looks for the reason in what has just been written, while it is still kept:
// the stacks that follow it are longer than what is.
func (r *rotatingFile) lookFor(written int) {
	if r.why != "" {
		return
	}
	fresh := r.last[max(0, len(r.last)-written-longestReason):]
	whole := bytes.LastIndexByte(fresh, '\n') + 1
	r.why, _ = reasonLine(strings.ToValidUTF8(string(fresh[:whole]), "?"))
}

// begin forgets the words of earlier servers, which tail would take for those of the
// next one.
func (r *rotatingFile) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last, r.why = nil, ""
}

// moved opens the log anew at its path, from where its folder has been moved.
func (r *rotatingFile) moved() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file != nil {
		r.file.Close()
		r.file = nil
	}
	_ = r.open() // if this fails the words are lost, not the server
}

// tail is what was written last.
func (r *rotatingFile) tail() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.why != "" {
		return r.why
	}
	if len(r.last) == 0 {
		return "(none)"
	}
	return reason(strings.TrimSpace(strings.ToValidUTF8(string(r.last), "?")))
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

// Close closes the file; later words go nowhere.
func (r *rotatingFile) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file != nil {
		r.file.Close()
		r.file = nil
	}
}
