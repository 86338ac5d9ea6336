package blob

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
)

// IsAway reports whether an error is of a bucket that was not reached, was cut off in the
// middle, or answers that it cannot do now what it is asked, as when it is full.
func IsAway(err error) bool {
	var answered interface{ HTTPStatusCode() int }
	if errors.As(err, &answered) && answered.HTTPStatusCode() != 0 {
		status := answered.HTTPStatusCode()
		return status >= http.StatusInternalServerError || status == http.StatusTooManyRequests
	}
	return errors.As(err, new(*url.Error)) || errors.As(err, new(*net.OpError)) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded)
}
