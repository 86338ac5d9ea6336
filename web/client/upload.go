package client

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"polylens/indexer/catalog"
	"polylens/search"
	"polylens/web"
)

const (
	pieceBytes = 32 << 20         // of an upload in one request: proxies bound them
	pieceLimit = 15 * time.Minute // for a piece to be sent
	// uploadPatience is how long an upload goes on trying while nothing arrives.
	uploadPatience = 5 * time.Minute
	longestPause   = 15 * time.Second
)

// Upload sends a file in pieces, goes on where it was when a connection is lost, and
// returns the identity of the upload, which pushes of the collection may use. tell hears
// how many bytes have arrived.
func (c *Client) Upload(ctx context.Context, collection, name string, file io.ReaderAt, size int64, tell func(sent int64)) (id string, err error) {
	sending := &sending{client: c, file: file, size: size, tell: tell, patience: uploadPatience}
	if err := sending.begin(ctx, collection, name); err != nil {
		return "", err
	}
	if err := sending.all(ctx); err != nil {
		return "", err
	}
	return sending.address[strings.LastIndexByte(sending.address, '/')+1:], nil
}

// PushUpload queues a push of what a finished upload holds.
func (c *Client) PushUpload(ctx context.Context, collection, id string) (job web.Job, err error) {
	err = c.call(ctx, http.MethodPost, path("collections", collection, "jobs")+c.query(), web.IndexOrder{Upload: id}, &job)
	return job, err
}

// sending is an upload under way.
type sending struct {
	client   *Client
	address  string // of the upload, below that of the API
	file     io.ReaderAt
	size     int64
	offset   int64 // bytes that have arrived
	tell     func(int64)
	patience time.Duration
}

func (s *sending) begin(ctx context.Context, collection, name string) error {
	answer, err := s.ask(ctx, http.MethodPost, path("collections", collection, "uploads"), nil, 0, map[string]string{
		"Upload-Length": strconv.FormatInt(s.size, 10), "Upload-Metadata": "filename " + base64.StdEncoding.EncodeToString([]byte(name)),
	})
	if err != nil {
		return err
	}
	location := answer.Get("Location")
	at := strings.LastIndex(location, apiPath+"/")
	if at < 0 {
		return fmt.Errorf("answer of the running server: the upload is said to be at %.200q", location)
	}
	s.address = location[at+len(apiPath):]
	return nil
}

// all sends pieces until all has arrived.
func (s *sending) all(ctx context.Context) error {
	arrived, pause := time.Now(), time.Second/4
	for s.offset < s.size {
		before := s.offset
		err := s.piece(ctx)
		if err != nil {
			if refused(err) || ctx.Err() != nil || time.Since(arrived) > s.patience {
				return fmt.Errorf("after %d of %d bytes: %w", s.offset, s.size, err)
			}
			if !sleep(ctx, pause) {
				return ctx.Err()
			}
			pause = min(2*pause, longestPause)
			if err := s.look(ctx); refused(err) {
				return err
			}
		}
		if s.offset > before {
			arrived, pause = time.Now(), time.Second/4
			s.tell(s.offset)
		}
	}
	return nil
}

// refused reports whether it is of no use to try again.
func refused(err error) bool {
	return err != nil && !errors.Is(err, search.ErrUnavailable) && !errors.Is(err, catalog.ErrBusy) && !errors.Is(err, catalog.ErrConflict) && !errors.Is(err, errAgain)
}

// errAgain marks an answer that another request may have changed.
var errAgain = errors.New("try again")

// piece sends the next bytes.
func (s *sending) piece(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pieceLimit)
	defer cancel()
	length := min(pieceBytes, s.size-s.offset)
	answer, err := s.ask(ctx, http.MethodPatch, s.address, io.NewSectionReader(s.file, s.offset, length), length, map[string]string{
		"Upload-Offset": strconv.FormatInt(s.offset, 10), "Content-Type": "application/offset+octet-stream",
	})
	if err != nil {
		return err
	}
	return s.arrived(answer)
}

// look asks how much has arrived.
func (s *sending) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	answer, err := s.ask(ctx, http.MethodHead, s.address, nil, 0, nil)
	if err != nil {
		return err
	}
	return s.arrived(answer)
}

func (s *sending) arrived(answer http.Header) error {
	offset, err := strconv.ParseInt(answer.Get("Upload-Offset"), 10, 64)
	if err != nil || offset < 0 || offset > s.size {
		return fmt.Errorf("answer of the running server: its Upload-Offset is %.40q", answer.Get("Upload-Offset"))
	}
	s.offset = offset
	return nil
}

// ask makes a request of the protocol, whose answers have headers alone.
func (s *sending) ask(ctx context.Context, method, address string, body io.Reader, length int64, headers map[string]string) (http.Header, error) {
	if body == nil {
		body = http.NoBody
	}
	request, err := http.NewRequestWithContext(ctx, method, s.client.base+address, io.NopCloser(body))
	if err != nil {
		return nil, err
	}
	s.client.sign(request)
	request.ContentLength = length
	request.Header.Set("Tus-Resumable", "1.0.0")
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	endless := *s.client.http
	endless.Timeout = 0 // ctx ends it
	response, err := endless.Do(request)
	if err != nil {
		return nil, fmt.Errorf("the server: %w: %w", search.ErrUnavailable, err)
	}
	defer response.Body.Close()
	if response.StatusCode < http.StatusMultipleChoices {
		return response.Header, nil
	}
	err = problemOf(response)
	if passes(response.StatusCode, method) {
		err = fmt.Errorf("%w: %w", errAgain, err)
	}
	return nil, err
}

// passes reports whether a refusal may be over soon.
func passes(status int, method string) bool {
	switch status {
	case http.StatusLocked, http.StatusRequestTimeout:
		return true
	case http.StatusTooManyRequests: // of a beginning, it is about the uploads that there are
		return method != http.MethodPost
	case http.StatusInsufficientStorage:
		return false
	}
	return status >= http.StatusInternalServerError
}
