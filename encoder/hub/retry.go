package hub

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"time"
)

const (
	maxAttempts = 6 // in a row that bring nothing
	maxPause    = 30 * time.Second
	maxAfter    = 5 * time.Minute // the longest Retry-After that is waited for
)

// permanentError is one that repeating cannot help.
type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

func permanent(err error) error { return permanentError{err} }

// repeat calls attempt until it succeeds, fails permanently, or has failed
// maxAttempts times in a row without progress. It waits between attempts, twice as
// long each time and up to half as long again, or as long as the server asks.
func (c *client) repeat(ctx context.Context, attempt func() (progress bool, err error)) error {
	pause := c.pause
	for failures := 1; ; failures++ {
		progress, err := attempt()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !isTemporary(err):
			return err
		case progress:
			failures, pause = 1, c.pause
		}
		if failures >= maxAttempts {
			return fmt.Errorf("%w (given up after %d attempts; what has been fetched is kept: try again later)", err, failures)
		}
		wait := pause + rand.N(pause/2+1)
		if asked := askedPause(err); asked > maxAfter {
			return fmt.Errorf("%w and asks to wait %s: try again then", err, asked.Round(time.Second))
		} else if asked > 0 {
			wait = asked
		}
		if c.retry != nil {
			c.retry(err, wait)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		pause = min(2*pause, maxPause)
	}
}

// isTemporary holds for broken connections and servers that are busy or failing, not
// for answers that will be the same next time.
func isTemporary(err error) bool {
	var final permanentError
	var certificate *tls.CertificateVerificationError
	var name *net.DNSError
	if errors.As(err, &final) || errors.As(err, &certificate) || errors.As(err, &name) && name.IsNotFound {
		return false
	}
	var status *statusError
	if errors.As(err, &status) {
		switch status.code {
		case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusRequestedRangeNotSatisfiable:
			return true
		}
		return status.code >= 500 && status.code != http.StatusNotImplemented
	}
	return true
}

func askedPause(err error) time.Duration {
	var status *statusError
	if errors.As(err, &status) {
		return status.after
	}
	return 0
}

// errStalled ends a request that brings nothing any more.
var errStalled = errors.New("has sent next to nothing for too long")

// leastBytes must arrive within the patience of a watchdog: a connection that
// drips is as good as none.
const leastBytes = 1024

// watchdog ends a context when no data arrives.
type watchdog struct {
	timer    *time.Timer
	patience time.Duration
	cancel   context.CancelCauseFunc
}

// watch returns a context that ends with errStalled as its cause unless the
// watchdog's reader brings leastBytes within each span of patience.
func watch(ctx context.Context, patience time.Duration) (context.Context, *watchdog) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(patience, func() { cancel(fmt.Errorf("%w (%s)", errStalled, patience)) })
	return ctx, &watchdog{timer, patience, cancel}
}

func (w *watchdog) stop() {
	w.timer.Stop()
	w.cancel(nil)
}

// reader counts what is read.
func (w *watchdog) reader(body io.Reader) io.Reader { return &watchedReader{dog: w, body: body} }

type watchedReader struct {
	dog   *watchdog
	body  io.Reader
	bytes int // since the last time that the timer was set
}

func (r *watchedReader) Read(buffer []byte) (int, error) {
	n, err := r.body.Read(buffer)
	if r.bytes += n; r.bytes >= leastBytes {
		r.bytes = 0
		r.dog.timer.Reset(r.dog.patience)
	}
	return n, err
}
