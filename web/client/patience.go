package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"polylens/search"
)

// readyEvery is the pause between two questions whether a server is ready.
const readyEvery = 300 * time.Millisecond

// Patient returns a client that waits, in each call and up to patience, for a server that
// answers that its index is unavailable and that it is not ready yet, as one does that has
// just started. tell hears once why. A server that is ready, or that is gone, is not
// waited for.
func (c *Client) Patient(patience time.Duration, tell func(reason string)) *Client {
	patient := *c
	patient.patience, patient.tell = patience, tell
	return &patient
}

// call sends one request and reads the answer into target, unless it is nil.
func (c *Client) call(ctx context.Context, method, path string, body, target any) error {
	err := c.once(ctx, method, path, body, target)
	for end, told := time.Now().Add(c.patience), false; isUnavailable(err) && time.Now().Before(end); {
		reason, failed := c.notReady(ctx)
		if failed != nil {
			return err
		}
		if reason != "" && !told {
			c.tell(reason)
			told = true
		}
		if reason != "" && !sleep(ctx, readyEvery) {
			return ctx.Err()
		}
		if err = c.once(ctx, method, path, body, target); reason == "" {
			return err
		}
	}
	return err
}

// isUnavailable reports whether a server answered that its index is unavailable.
func isUnavailable(err error) bool {
	return errors.Is(err, search.ErrUnavailable) && !errors.Is(err, errNoServer)
}

// notReady asks a server why it is not ready; "" for one that is.
func (c *Client) notReady(ctx context.Context) (reason string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.base, apiPath)+"/readyz", http.NoBody)
	if err != nil {
		return "", err
	}
	request.Host = "localhost" // which every server answers for
	response, err := c.http.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return "", nil
	}
	if err = problemOf(response); errors.Is(err, search.ErrUnavailable) {
		return err.Error(), nil
	}
	return "", fmt.Errorf("whether the running server is ready: %w", err)
}

// sleep is false if ctx ends first.
func sleep(ctx context.Context, pause time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause):
		return true
	}
}
