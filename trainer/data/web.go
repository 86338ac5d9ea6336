package data

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"code.dny.dev/ssrf"

	"polylens/internal/ordinary"
	"polylens/internal/replace"
)

const maxRedirects = 3

// web reads pictures from the web and keeps them.
type web struct {
	options FileOptions
	client  *http.Client
}

// newWeb makes a client that connects to public addresses only. It judges the address
// that is about to be dialled, after names are resolved and redirects followed, so
// that neither names nor redirects can lead into the network that Polylens runs in.
func newWeb(options FileOptions) *web {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	transport := &http.Transport{
		DialContext: dialer.DialContext, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 4,
		TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10,
	}
	if options.Private {
		transport.Proxy = http.ProxyFromEnvironment
	} else {
		dialer.Control = ssrf.New().Safe
	}
	return &web{options, &http.Client{Transport: transport, CheckRedirect: checkRedirect}}
}

func checkRedirect(request *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("redirected more than %d times", maxRedirects)
	}
	if via[0].URL.Scheme == "https" && request.URL.Scheme != "https" {
		return errors.New("redirected to an address without encryption")
	}
	return nil
}

// bytes gives the picture as it was when it was first read.
func (w *web) bytes(ctx context.Context, address string) ([]byte, error) {
	if w.options.Cache == "" {
		return nil, errors.New("pictures from the web need a cache folder: set one")
	}
	sum := sha256.Sum256([]byte(address))
	name := hex.EncodeToString(sum[:])
	kept := filepath.Join(w.options.Cache, name[:2], name)
	file, err := ordinary.OpenContext(ctx, kept)
	if err == nil {
		defer file.Close()
		return readWhole(file, w.options.MaxBytes)
	}
	content, err := w.fetch(ctx, address)
	if err != nil {
		return nil, err
	}
	return content, keep(kept, content)
}

func (w *web) fetch(ctx context.Context, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, w.options.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("its URL is not usable")
	}
	request.Header.Set("User-Agent", "polylens")
	request.Header.Set("Accept", "image/*")
	response, err := w.client.Do(request)
	if err != nil {
		return nil, w.explain(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %d %s", response.Request.URL.Host, response.StatusCode, http.StatusText(response.StatusCode))
	}
	content, err := readMost(response.Body, w.options.MaxBytes)
	if err == nil && len(content) == 0 {
		err = fmt.Errorf("%s answers with no bytes", response.Request.URL.Host)
	}
	return content, err
}

// explain leaves out the address, whose query may hold a secret.
func (w *web) explain(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err
	}
	if errors.Is(err, ssrf.ErrProhibitedIP) || errors.Is(err, ssrf.ErrProhibitedPort) || errors.Is(err, ssrf.ErrProhibitedNetwork) {
		return fmt.Errorf("its address is not a public one, which has to be allowed: %w", err)
	}
	return err
}

// keep writes a file that is there as a whole or not at all.
func keep(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("cache of pictures from the web: %w", err)
	}
	// Readers cannot tell a picture that a power failure has cut from a whole one.
	if err := replace.Durable(path, content, replace.Private); err != nil {
		return fmt.Errorf("cache of pictures from the web: %w", err)
	}
	return nil
}
