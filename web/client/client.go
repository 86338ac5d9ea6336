package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"polylens/search"
	"polylens/web/problem"
)

const (
	callLimit  = 2 * time.Minute  // for one call and its answer
	lastLimit  = 10 * time.Second // for a call after its caller's context has ended
	pollEvery  = 300 * time.Millisecond
	maxProblem = 1 << 20 // bytes of a problem that are read
	pageSize   = 1000
)

// Client calls the API of one server. Package problem turns the server's problems into
// errors of the domain; a server that cannot be reached is search.ErrUnavailable.
type Client struct {
	base     string // ends with apiPath
	host     string // that requests name; "": that of base
	key      string // that requests carry; "": none
	http     *http.Client
	patience time.Duration // see Patient
	tell     func(reason string)
	dry      bool   // see DryRun
	layout   string // see WithLayout
}

// apiPath is where a server has its API.
const apiPath = "/api/v1"

// errNoServer marks a search.ErrUnavailable that no server has answered.
var errNoServer = errors.New("no answer")

// New returns a client of a server of this machine at an address, such as
// http://127.0.0.1:8080. It needs none of the names that others know the server by, and
// goes through no proxy.
func New(address string) *Client {
	direct := http.DefaultTransport.(*http.Transport).Clone()
	direct.Proxy = nil
	return &Client{base: strings.TrimSuffix(address, "/") + apiPath, host: localHost, http: &http.Client{Timeout: callLimit, Transport: direct}}
}

// localHost is a name that every server answers for.
const localHost = "localhost"

// At returns a client of a server elsewhere, which gets an API key unless that is empty.
func At(address, key string) *Client {
	return &Client{base: strings.TrimSuffix(address, "/") + apiPath, key: key, http: &http.Client{Timeout: callLimit}}
}

// Of returns a client of a handler in this process, such as web.Handler.Inside.
func Of(handler http.Handler) *Client {
	return &Client{base: "http://" + localHost + apiPath, host: localHost, http: &http.Client{Timeout: callLimit, Transport: local{handler}}}
}

// once sends one request and reads the answer into target, unless it is nil.
func (c *Client) once(ctx context.Context, method, path string, body, target any) error {
	request, err := c.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("the server: %w: %w: %w", search.ErrUnavailable, errNoServer, err)
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusMultipleChoices {
		return problemOf(response)
	}
	if target == nil {
		return nil
	}
	if err := json.NewDecoder(response.Body).Decode(target); err != nil {
		return fmt.Errorf("answer of the running server: %w", err)
	}
	return nil
}

func (c *Client) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	var sent io.Reader = http.NoBody
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		sent = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, sent)
	if err != nil {
		return nil, err
	}
	c.sign(request)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

// sign says whom a request is for, and who sends it.
func (c *Client) sign(request *http.Request) {
	request.Host = c.host
	if c.key != "" {
		request.Header.Set("Authorization", "Bearer "+c.key)
	}
}

// problemOf turns a problem document (RFC 9457) into an error.
func problemOf(response *http.Response) error {
	var answer struct {
		Type, Title, Detail string
		Errors              []struct{ Message, Location string }
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxProblem)).Decode(&answer); err != nil {
		return fmt.Errorf("the running server answered %s", response.Status)
	}
	words := cmp.Or(answer.Detail, answer.Title)
	for _, wrong := range answer.Errors {
		words += fmt.Sprintf("; %s: %s", wrong.Location, wrong.Message)
	}
	return problem.Error(answer.Type, words)
}

// path joins parts of a path, each escaped.
func path(parts ...string) string {
	var joined strings.Builder
	for _, part := range parts {
		joined.WriteString("/" + url.PathEscape(part))
	}
	return joined.String()
}

// follow asks for something again and again until it is over, and reports before
// each request how it stands. When ctx ends, stop is called with a context of its
// own.
func follow[T any](ctx context.Context, now T, over func(T) bool, tell func(T), again func(context.Context) (T, error), stop func(context.Context) error) (T, error) {
	for !over(now) {
		tell(now)
		if !sleep(ctx, pollEvery) {
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLimit)
			defer cancel()
			if err := stop(last); err != nil {
				return now, fmt.Errorf("%w (and it could not be stopped: %w)", ctx.Err(), err)
			}
			return now, ctx.Err()
		}
		next, err := again(ctx)
		if err != nil && ctx.Err() == nil {
			return now, err
		}
		if err == nil {
			now = next
		}
	}
	return now, nil
}
