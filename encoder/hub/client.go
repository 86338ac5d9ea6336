package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// client speaks the hub's protocol. Proxies are those of the standard
// environment variables.
type client struct {
	access Access
	http   *http.Client
	stall  time.Duration // without enough bytes for this long, a request has failed
	pause  time.Duration // before the first repetition
	retry  func(reason error, wait time.Duration)
}

const (
	defaultStall = 30 * time.Second
	defaultPause = time.Second
	maxRedirects = 10
)

func newClient(access Access, options PullOptions) *client {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: maxParallel,
		TLSHandshakeTimeout: 15 * time.Second, IdleConnTimeout: 90 * time.Second, MaxResponseHeaderBytes: 1 << 20,
	}
	c := &client{access: access, stall: options.Stall, pause: options.Pause}
	c.http = &http.Client{Transport: transport, CheckRedirect: checkRedirect}
	if c.stall <= 0 {
		c.stall = defaultStall
	}
	if c.pause <= 0 {
		c.pause = defaultPause
	}
	return c
}

func (c *client) close() { c.http.CloseIdleConnections() }

// checkRedirect keeps the token on its host: net/http would also send it to
// hosts below, such as those of a content network.
func checkRedirect(request *http.Request, via []*http.Request) error {
	first := via[0].URL
	if request.Method == http.MethodHead && request.URL.Host != first.Host {
		return http.ErrUseLastResponse // the hub describes the file, where it stands does not
	}
	if len(via) >= maxRedirects {
		return permanent(fmt.Errorf("redirected more than %d times, last to %s", maxRedirects, request.URL.Host))
	}
	if first.Scheme == "https" && request.URL.Scheme != "https" {
		return permanent(fmt.Errorf("redirected to %s without encryption, which is refused", request.URL.Host))
	}
	if request.URL.Host != first.Host || request.URL.Scheme != first.Scheme {
		request.Header.Del("Authorization")
	}
	return nil
}

// statusError is an answer other than the one asked for.
type statusError struct {
	host   string
	code   int
	reason string        // X-Error-Code of the hub, such as GatedRepo
	after  time.Duration // Retry-After
}

func (e *statusError) Error() string {
	text := fmt.Sprintf("%s answers %d %s", e.host, e.code, http.StatusText(e.code))
	if e.reason != "" {
		text += " (" + e.reason + ")"
	}
	return text
}

// get asks for an address below the endpoint. The context ends with the
// answer's body: the caller passes the one of a watch.
func (c *client) get(ctx context.Context, method, address string, header http.Header) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, err
	}
	if header != nil {
		request.Header = header
	}
	request.Header.Set("User-Agent", "polylens")
	if c.access.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.access.Token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, plainError(ctx, request.URL.Host, err)
	}
	described := method == http.MethodHead && response.StatusCode/100 == 3
	if response.StatusCode == http.StatusOK || response.StatusCode == http.StatusPartialContent || described {
		return response, nil
	}
	response.Body.Close()
	return nil, &statusError{
		host: response.Request.URL.Host, code: response.StatusCode,
		reason: printable(response.Header.Get("X-Error-Code")), after: retryAfter(response.Header.Get("Retry-After"), time.Now()),
	}
}

// plainError leaves out the address, whose query may hold a signature.
func plainError(ctx context.Context, host string, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errStalled) {
		return fmt.Errorf("%s %w", host, cause)
	}
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return fmt.Errorf("%s: %w", host, err)
}

// printable cuts what a server says to a short word of its own.
func printable(text string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, text)
	return clean[:min(len(clean), 60)]
}

// retryAfter reads seconds or a date, 0 for none.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil && date.After(now) {
		return date.Sub(now)
	}
	return 0
}

// read returns the whole body of a small answer.
func (c *client) read(ctx context.Context, address string, limit int64) (content []byte, err error) {
	err = c.repeat(ctx, func() (bool, error) {
		ctx, dog := watch(ctx, c.stall)
		defer dog.stop()
		response, err := c.get(ctx, http.MethodGet, address, nil)
		if err != nil {
			return false, err
		}
		defer response.Body.Close()
		content, err = io.ReadAll(io.LimitReader(dog.reader(response.Body), limit+1))
		if err != nil {
			return false, plainError(ctx, response.Request.URL.Host, err)
		}
		if int64(len(content)) > limit {
			return false, permanent(fmt.Errorf("%s answers more than %d bytes", response.Request.URL.Host, limit))
		}
		return false, nil
	})
	return content, err
}
