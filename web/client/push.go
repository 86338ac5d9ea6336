package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"polylens/search"
	"polylens/web"
)

// Lines is the media type of lines of JSON.
const Lines = "application/x-ndjson"

// Push sends lines of JSON, one image a line, or an archive, and returns the job that does
// what they say. encoding is how lines are compressed, gzip or zstd, or "".
// An error of reading lines is returned as it is.
func (c *Client) Push(ctx context.Context, collection string, lines io.Reader, contentType, encoding string) (job web.Job, err error) {
	sent := &source{Reader: lines}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path("collections", collection, "jobs")+c.query(), sent)
	if err != nil {
		return job, err
	}
	c.sign(request)
	request.Header.Set("Content-Type", contentType)
	if encoding != "" {
		request.Header.Set("Content-Encoding", encoding)
	}
	endless := *c.http
	endless.Timeout = 0 // the lines take as long as they take
	response, err := endless.Do(request)
	if own := sent.failure(); err != nil && own != nil {
		return job, own
	}
	if err != nil {
		return job, fmt.Errorf("the server: %w: %w", search.ErrUnavailable, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusAccepted {
		return job, problemOf(response)
	}
	if err := json.NewDecoder(response.Body).Decode(&job); err != nil {
		return job, fmt.Errorf("answer of the running server: %w", err)
	}
	return job, nil
}

// DryRun returns a client whose orders of jobs are only planned: the jobs are of kind plan.
func (c *Client) DryRun() *Client {
	dry := *c
	dry.dry = true
	return &dry
}

// WithLayout returns a client that says how archives are laid out: "imagefolder", or "".
func (c *Client) WithLayout(layout string) *Client {
	with := *c
	with.layout = layout
	return &with
}

// query is what is added to orders of jobs.
func (c *Client) query() string {
	query := url.Values{}
	if c.dry {
		query.Set("dry_run", "true")
	}
	if c.layout != "" {
		query.Set("layout", c.layout)
	}
	if len(query) == 0 {
		return ""
	}
	return "?" + query.Encode()
}

// source remembers why it could not be read.
type source struct {
	io.Reader
	mu  sync.Mutex
	err error
}

// Read implements io.Reader.
func (s *source) Read(into []byte) (int, error) {
	n, err := s.Reader.Read(into)
	if err != nil && !errors.Is(err, io.EOF) {
		s.mu.Lock()
		s.err = err
		s.mu.Unlock()
	}
	return n, err
}

func (s *source) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Known returns those of some SHA-256 of which a collection has a picture that was sent.
func (c *Client) Known(ctx context.Context, collection string, sha256 []string) ([]string, error) {
	var answer struct {
		Known []string `json:"known"`
	}
	err := c.call(ctx, http.MethodPost, path("collections", collection, "contents:known"), map[string]any{"sha256": sha256}, &answer)
	return answer.Known, err
}

// itemPage is how many items are asked for at once.
const itemPage = 10_000

// Items calls tell with what became of each line of a push, in their order; of those with
// an outcome, or of all for "".
func (c *Client) Items(ctx context.Context, job, outcome string, tell func(web.Item) error) error {
	query := url.Values{"limit": {strconv.Itoa(itemPage)}}
	if outcome != "" {
		query.Set("outcome", outcome)
	}
	for after := int64(0); ; {
		query.Set("after", strconv.FormatInt(after, 10))
		last, err := c.itemPage(ctx, path("jobs", job, "items")+"?"+query.Encode(), tell)
		if err != nil || last == 0 {
			return err
		}
		after = last
	}
}

// itemPage returns the number of the last item, 0 when there was none.
func (c *Client) itemPage(ctx context.Context, address string, tell func(web.Item) error) (last int64, err error) {
	request, err := c.request(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0, fmt.Errorf("the server: %w: %w", search.ErrUnavailable, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, problemOf(response)
	}
	decoder := json.NewDecoder(bufio.NewReader(response.Body))
	for {
		var item web.Item
		err := decoder.Decode(&item)
		if errors.Is(err, io.EOF) {
			return last, nil
		}
		if err == nil {
			last, err = item.Number, tell(item)
		}
		if err != nil {
			return 0, fmt.Errorf("items of job: %w", err)
		}
	}
}
