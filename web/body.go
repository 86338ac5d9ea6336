package web

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"polylens/indexer/catalog"
	"polylens/web/problem"
)

const (
	maxJSON    = 1 << 20         // bytes of a body that is no picture
	bodyLimit  = time.Minute     // for a whole body to arrive
	bodyBlock  = 64 << 10        // bytes that arrive within Limits.Stall
	jsonWeight = 64              // what becomes of a byte of JSON, at worst
	formExtra  = 64 << 10        // bytes of a form besides its file
	drainLimit = 2 * time.Second // for what a client still sends of a refused body
)

var errTooLarge = errors.New("the request is too large")

// read reads to the end of source, at most limit bytes. expected is how many are said to
// come, negative when nobody said. What is in memory is counted, and grows only as bytes
// arrive: who announces much and sends little holds little.
func (h *held) read(source io.Reader, expected, limit int64) ([]byte, error) {
	most := limit + 1 // the last one shows that it is too large, or the end
	if expected >= 0 && expected < limit {
		most = expected + 1
	}
	var data []byte
	for size := min(bodyBlock, most); ; size = min(2*size, most) {
		if !h.take(size) {
			return nil, catalog.ErrBusy
		}
		grown := append(make([]byte, 0, size), data...)
		h.give(int64(cap(data)))
		data = grown
		ended, err := fill(source, &data)
		switch {
		case err != nil:
			return nil, err
		case int64(len(data)) > limit:
			return nil, errTooLarge
		case ended || size == most:
			return data, nil
		}
	}
}

// fill reads until data has no room left or source ends.
func fill(source io.Reader, data *[]byte) (ended bool, err error) {
	for len(*data) < cap(*data) {
		n, err := source.Read((*data)[len(*data):cap(*data)])
		*data = (*data)[:len(*data)+n]
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// steady is a body that has to arrive steadily: each block within stall, all of it within
// limit.
type steady struct {
	source     io.Reader
	expected   int64 // bytes that the client said it sends, negative when it did not
	connection *http.ResponseController
	stall      time.Duration
	limit      time.Duration // for all of it
	end        time.Time
	allowed    int64 // bytes that may still come
	block      int   // bytes until the next block begins
	ended      bool
	failed     error
}

func newSteady(w http.ResponseWriter, r *http.Request, stall time.Duration) *steady {
	body := &steady{
		source: r.Body, expected: r.ContentLength,
		connection: http.NewResponseController(w), stall: stall, limit: bodyLimit,
	}
	if isPush(r) || isPiece(r) {
		body.limit = pushLimit
	}
	body.end = time.Now().Add(body.limit)
	if r.Body == nil { // only within this process
		body.source = http.NoBody
	}
	return body
}

// allow lets bytes more come.
func (s *steady) allow(bytes int64) { s.allowed += bytes }

// announce refuses a body that says itself that it has more bytes than it may.
func (s *steady) announce(most int64) error {
	if s.expected > most {
		return errTooLarge
	}
	return nil
}

// Read implements io.Reader.
func (s *steady) Read(into []byte) (n int, err error) {
	if s.failed != nil {
		return 0, s.failed
	}
	if s.block <= 0 {
		s.setDeadline(s.stall)
		s.block = bodyBlock
	}
	if len(into) > s.block {
		into = into[:s.block]
	}
	n, err = s.source.Read(into)
	s.block, s.allowed = s.block-n, s.allowed-int64(n)
	if err == nil && s.allowed < 0 {
		err = errTooLarge
	}
	if s.ended = err == io.EOF; !s.ended {
		s.failed = err
	}
	return n, err
}

func (s *steady) setDeadline(wait time.Duration) {
	deadline := time.Now().Add(wait)
	if deadline.After(s.end) {
		deadline = s.end
	}
	_ = s.connection.SetReadDeadline(deadline) // a request within this process has none
}

// close ends the deadlines: a handler may well take longer than a body. A client that
// still sends gets a moment for it, so that it reads why its body was refused.
func (s *steady) close() {
	if !s.ended {
		s.setDeadline(drainLimit)
		if _, err := io.Copy(io.Discard, s.source); err != nil {
			return // the connection is of no use any more
		}
	}
	_ = s.connection.SetReadDeadline(time.Time{})
}

// explain is the problem with a body that could not be read, nil for no error.
func (s *steady) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, catalog.ErrBusy), errors.Is(err, errTooLarge):
		s.failed = err
	case s.failed == nil: // it came, and is no form
		return newProblem(kindBadPicture, "the form ends too early")
	}
	return unreadable(s.failed)
}

// withBody reads the body of an operation before it waits for its turn, and counts it.
// A search by picture reads its own, once it knows that it is worth it.
func (s *server) withBody(ctx huma.Context, next func(huma.Context)) {
	if in := laneOf(ctx.Operation()); ctx.Operation().Method == http.MethodGet || in == laneUploads || in == lanePieces {
		next(ctx)
		return
	}
	r, w := humachi.Unwrap(ctx)
	if isPush(r) {
		next(ctx)
		return
	}
	holds := s.bodies.hold(r.Context())
	defer holds.giveBack()
	data, err := receiveJSON(newSteady(w, r, s.Limits.Stall), &holds, mostBody(ctx.Operation()))
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	r = r.WithContext(r.Context())
	r.Body = inMemory{bytes.NewReader(data)}
	next(humachi.NewContext(ctx.Operation(), r, w))
}

// mostBody is how large the body of an operation may be, in bytes: maxJSON unless its
// metadata says less, as for what everybody may ask.
func mostBody(o *huma.Operation) int64 {
	if most, ok := o.Metadata["body"].(int64); ok {
		return most
	}
	return maxJSON
}

func receiveJSON(body *steady, holds *held, most int64) ([]byte, error) {
	defer body.close()
	if err := body.announce(most); err != nil {
		return nil, body.explain(err)
	}
	body.allow(most)
	data, err := holds.read(body, body.expected, most)
	if err == nil && !holds.take(int64(len(data))*jsonWeight) {
		err = catalog.ErrBusy
	}
	return data, body.explain(err)
}

// unreadable is the problem with a body that could not be read.
func unreadable(err error) error {
	var network net.Error
	switch {
	case errors.Is(err, catalog.ErrBusy):
		return later(newProblem(kindBusy, err.Error()))
	case errors.Is(err, errTooLarge):
		return newProblem(kindTooLarge, errTooLarge.Error())
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return newProblem(kindTooSlow, "the body of the request came too slowly, or with too long a pause")
	case isGone(err):
		return newProblem(problem.Canceled, problem.Canceled.Words)
	}
	return newProblem(kindUnreadable, "the body of the request could not be read: "+err.Error())
}

// isGone reports whether a connection failed because the client ended it.
func isGone(err error) bool {
	for _, end := range []error{io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}
