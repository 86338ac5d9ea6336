package web

import (
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"polylens/internal/ordinary"
)

const (
	certificateEvery = time.Second // at most, the files are looked at anew
	maxCertificate   = 1 << 20     // bytes of each file
)

// Certificate is a certificate in two files, which are read again when they have changed:
// certificates are renewed while servers run.
type Certificate struct {
	files [2]string // certificate and key
	log   *slog.Logger

	mu     sync.Mutex
	now    *tls.Certificate
	seen   [2]fs.FileInfo
	looked time.Time
}

// NewCertificate reads a certificate with the chain to its root, and its private key, each
// from a file in PEM form.
func NewCertificate(certificate, key string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{files: [2]string{certificate, key}, log: log}
	var err error
	if c.seen, err = c.look(); err != nil {
		return nil, err
	}
	c.now, err = c.read()
	c.looked = time.Now()
	return c, err
}

// TLS is a configuration for servers, which always uses the present certificate.
func (c *Certificate) TLS() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.present(), nil },
	}
}

// present is the certificate of now. Files that cannot be used leave the one before: they
// may be half written.
func (c *Certificate) present() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) < certificateEvery {
		return c.now
	}
	c.looked = time.Now()
	seen, err := c.look()
	if err == nil && isSameFile(seen[0], c.seen[0]) && isSameFile(seen[1], c.seen[1]) {
		return c.now
	}
	var fresh *tls.Certificate
	if err == nil {
		fresh, err = c.read()
	}
	if err != nil {
		c.log.Warn("the new certificate cannot be used, going on with the one before", "error", err)
		return c.now
	}
	c.now, c.seen = fresh, seen
	c.log.Info("the certificate was read anew", "file", c.files[0], "expires", fresh.Leaf.NotAfter)
	return c.now
}

func isSameFile(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

func (c *Certificate) look() (seen [2]fs.FileInfo, err error) {
	for i, name := range c.files {
		if seen[i], err = os.Stat(name); err != nil {
			return seen, fmt.Errorf("certificate: %w", err)
		}
	}
	return seen, nil
}

func (c *Certificate) read() (*tls.Certificate, error) {
	var parts [2][]byte
	for i, name := range c.files {
		var err error
		if parts[i], err = ordinary.Read(name, maxCertificate); err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
	}
	pair, err := tls.X509KeyPair(parts[0], parts[1])
	if err != nil {
		return nil, fmt.Errorf("certificate %s with the key %s: %w", c.files[0], c.files[1], err)
	}
	return &pair, nil
}
