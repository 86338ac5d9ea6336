package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

const maxRedirects = 5

// Fetcher gets pictures. Several goroutines may use it at once; one Fetcher serves a
// process, since what it knows of hosts counts for all of its users.
type Fetcher struct {
	options   Options
	guard     *guard
	hosts     *hosts
	transport *http.Transport
	agent     string
}

// New prepares a Fetcher. Close it after use.
func New(options Options) (*Fetcher, error) {
	options = options.withDefaults()
	if err := options.check(); err != nil {
		return nil, err
	}
	guard, err := newGuard(options)
	if err != nil {
		return nil, err
	}
	hosts, err := newHosts(options)
	if err != nil {
		return nil, err
	}
	return &Fetcher{options: options, guard: guard, hosts: hosts, transport: newTransport(options, guard), agent: agent(options.Version)}, nil
}

func newTransport(options Options, guard *guard) *http.Transport {
	const headers = 64 << 10
	return &http.Transport{
		DialContext: guard.dialer(options), ForceAttemptHTTP2: true, DisableCompression: true,
		TLSClientConfig:     &tls.Config{RootCAs: options.RootCAs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: options.Connect, ResponseHeaderTimeout: options.Headers, MaxResponseHeaderBytes: headers,
		MaxIdleConns: 4 * options.Concurrent, MaxIdleConnsPerHost: options.HostConcurrent, IdleConnTimeout: options.Body,
	}
}

// agent is the User-Agent. A version may hold what a product token may not.
func agent(version string) string {
	return "Polylens/" + strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7F && !strings.ContainsRune(`()<>@,;:\"/[]?={}`, r) {
			return r
		}
		return '-'
	}, version)
}

// Close ends idle connections.
func (f *Fetcher) Close() { f.transport.CloseIdleConnections() }

// Result is what was fetched.
type Result struct {
	// Data is what the server sent, at most Options.MaxBytes, and at least one byte
	// unless NotModified. What it is, is for the decoder to judge.
	Data []byte
	// Validators make the next Get of the same URL conditional.
	Validators Validators
	// NotModified is true if the server says that the picture is the one that the
	// earlier Validators came with. There is no Data then.
	NotModified bool

	release func()
}

// Release gives the memory of Data back to the budget. A second call does nothing.
func (r Result) Release() {
	if r.release != nil {
		r.release()
	}
}

// Get fetches the picture at a URL of the scheme http, https or data. Earlier are the
// Validators of its last Result, or none. Every error is an *Error. Release the result
// after use: whoever holds results while it waits for more must hold fewer than the
// budget has room for.
func (f *Fetcher) Get(ctx context.Context, address string, earlier Validators) (Result, error) {
	if isData(address) {
		result, err := f.data(ctx, address)
		return result, named(err, shown(address), shown(address))
	}
	target, err := f.guard.parse(address)
	if err != nil {
		return Result{}, named(err, shown(address), shown(address))
	}
	for attempt := 1; ; attempt++ {
		result, err := f.follow(ctx, target, earlier)
		var e *Error
		if !errors.As(err, &e) {
			return result, err
		}
		wait, again := f.options.next(attempt, e)
		if !again {
			return Result{}, err
		}
		if err := sleep(ctx, wait); err != nil {
			return Result{}, named(err, shown(address), shown(address))
		}
	}
}

// follow fetches what a URL leads to.
func (f *Fetcher) follow(ctx context.Context, target *url.URL, earlier Validators) (Result, error) {
	asked := shown(target.String())
	for hops := 0; ; hops++ {
		result, next, err := f.exchange(ctx, target, earlier.forURL(target, hops == 0))
		if err == nil && next != "" {
			target, err = f.redirect(target, next, hops)
		}
		if err != nil {
			return Result{}, named(err, asked, shown(target.String()))
		}
		if next == "" {
			return result, nil
		}
	}
}

// redirect is where a server leads to, judged as if a user had named it. An error comes
// with the URL that led there.
func (f *Fetcher) redirect(from *url.URL, location string, hops int) (*url.URL, error) {
	if hops >= maxRedirects {
		return from, fail(Redirected, "it is redirected more than %d times", maxRedirects)
	}
	if len(location) > maxURL {
		return from, fail(Redirected, "it is redirected to a URL of %d bytes; the limit is %d", len(location), maxURL)
	}
	to, err := from.Parse(location)
	if err != nil {
		return from, fail(Redirected, "it is redirected to what is not a URL")
	}
	if from.Scheme == "https" && to.Scheme == "http" {
		return from, fail(Redirected, "it is redirected from https to http, which anybody on the way can change")
	}
	if err := f.guard.judge(to); err != nil {
		var e *Error
		if errors.As(err, &e) {
			e.words = "it is redirected to " + shown(to.String()) + ", and " + e.words
		}
		return from, err
	}
	return to, nil
}
