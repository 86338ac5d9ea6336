package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

// exchange sends one request. It gives a result, or the location that it is
// redirected to.
func (f *Fetcher) exchange(ctx context.Context, target *url.URL, earlier Validators) (result Result, location string, err error) {
	leave, err := f.hosts.enter(ctx, target.Hostname())
	if err != nil {
		return Result{}, "", err
	}
	defer func() { leave(err) }()
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	response, err := f.transport.RoundTrip(f.request(inner, target, earlier))
	if err != nil {
		return Result{}, "", f.explain(inner, err)
	}
	defer response.Body.Close()
	if redirects(response) {
		drain(response, cancel)
		return Result{}, response.Header.Get("Location"), nil
	}
	if response.StatusCode == http.StatusNotModified && earlier.Useful() {
		return Result{Validators: earlier.renewed(response, target), NotModified: true}, "", nil
	}
	if err := refusal(response); err != nil {
		drain(response, cancel)
		return Result{}, "", err
	}
	result, err = f.read(inner, response, cancel)
	result.Validators = validatorsOf(response, target)
	return result, "", err
}

func (f *Fetcher) request(ctx context.Context, target *url.URL, earlier Validators) *http.Request {
	request := (&http.Request{Method: http.MethodGet, URL: target, Host: target.Host, Header: http.Header{}}).WithContext(ctx)
	request.Header.Set("User-Agent", f.agent)
	request.Header.Set("Accept", "image/*,application/octet-stream;q=0.5,*/*;q=0.1")
	request.Header.Set("Accept-Encoding", "identity")
	earlier.ask(request.Header)
	return request
}

func redirects(response *http.Response) bool {
	switch response.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return response.Header.Get("Location") != ""
	}
	return false
}

// refusal is the error for an answer without a picture.
func refusal(response *http.Response) error {
	if response.StatusCode != http.StatusOK {
		return statusError(response)
	}
	for _, value := range response.Header.Values("Content-Encoding") {
		if value = strings.TrimSpace(value); value != "" && !strings.EqualFold(value, "identity") {
			return fail(NotPicture, "the server sends it encoded (%s), although asked not to: have it sent as it is", short(value, 40))
		}
	}
	return nil
}

func statusError(response *http.Response) error {
	status := response.StatusCode
	e := fail(Failed, "the server answers %d %s", status, http.StatusText(status))
	switch status {
	case http.StatusNotFound, http.StatusGone:
		e.Reason = NotFound
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired, http.StatusUnavailableForLegalReasons:
		e.Reason = Refused
		e.words += ": it needs a URL that may be read without signing in"
	case http.StatusTooManyRequests:
		e.MayPass, e.again = true, true
		e.words += ": the host wants fewer requests"
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		e = e.passing()
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusInternalServerError:
		e.MayPass = true
	}
	e.Status = status
	if e.MayPass {
		e.After = retryAfter(response.Header.Get("Retry-After"), time.Now())
	}
	return e
}

// drain reads the rest of a short answer, so that the connection can be used again, but
// not for long.
func drain(response *http.Response, cancel context.CancelCauseFunc) {
	const most, longest = 16 << 10, time.Second / 2
	timer := time.AfterFunc(longest, func() { cancel(nil) })
	defer timer.Stop()
	_, _ = io.CopyN(io.Discard, response.Body, most)
}

// explain says why there was no answer. The causes' own texts may name the address, or
// what the URL holds.
func (f *Fetcher) explain(ctx context.Context, err error) error {
	var (
		name        *net.DNSError
		certificate *tls.CertificateVerificationError
		network     net.Error
	)
	switch cause := context.Cause(ctx); {
	case cause == errSlow, cause == errLong:
		e := fail(TooSlow, "%v", cause)
		e.MayPass, e.host = true, true // another attempt takes as long
		return e.because(err)
	case cause != nil:
		return interrupted(ctx.Err())
	case isOurs(err):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fail(Unreachable, "the connection breaks off").passing().because(err)
	case prohibited(err):
		return f.guard.notPublic(err)
	case errors.As(err, &certificate):
		e := fail(Untrusted, "the certificate of the server is not good for this host: have it renewed, or name who vouches for it")
		e.host = true
		return e.because(err)
	case errors.As(err, &name) && name.IsNotFound:
		e := fail(NotFound, "the name of its host is not known: check the spelling")
		e.host = true
		return e.because(err)
	case errors.As(err, &network) && network.Timeout() || errors.Is(err, os.ErrDeadlineExceeded):
		return fail(TooSlow, "the server does not answer in time").passing().because(err)
	}
	return fail(Unreachable, "the server cannot be reached: %s", plain(err)).passing().because(err)
}

// plain is what may be said of an error of the network.
func plain(err error) string {
	var number syscall.Errno
	switch {
	case errors.As(err, &number):
		return number.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection breaks off"
	case strings.Contains(err.Error(), "tls: "), strings.Contains(err.Error(), "HTTPS client"):
		return "it does not speak TLS as it should"
	case strings.Contains(err.Error(), "malformed HTTP"), strings.Contains(err.Error(), "headers exceeded"):
		return "it does not speak HTTP as it should"
	}
	return "the connection fails"
}

// isOurs reports whether an error has been explained already.
func isOurs(err error) bool {
	var e *Error
	return errors.As(err, &e)
}
