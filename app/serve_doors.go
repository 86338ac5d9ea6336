package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"polylens/indexer/catalog"
	"polylens/web"
)

// checkNumbers refuses flags that make no sense.
func (c *serveCommand) checkNumbers() error {
	switch {
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return errors.New("--tls-certificate and --tls-key belong together")
	case !(c.KeyRate > 0 && c.KeyRate <= catalog.MaxKeyRate):
		return fmt.Errorf("--key-rate %g: want more than 0 and at most %d requests a second", c.KeyRate, int(catalog.MaxKeyRate))
	case c.KeyBurst < 1 || c.KeyBurst > catalog.MaxKeyBurst:
		return fmt.Errorf("--key-burst %d: want 1 to %d", c.KeyBurst, int(catalog.MaxKeyBurst))
	}
	return nil
}

// encryption is nil without a certificate.
func (c *serveCommand) encryption(p *program) (*tls.Config, error) {
	if c.TLSCert == "" {
		return nil, nil
	}
	certificate, err := web.NewCertificate(c.TLSCert, c.TLSKey, p.log)
	if err != nil {
		return nil, err
	}
	return certificate.TLS(), nil
}

// open listens. Where everybody needs a key, or the address speaks TLS, the last door is one
// of the loopback interface for the commands of the server's own user, who need neither.
func (c *serveCommand) open(ctx context.Context, encryption *tls.Config, keys bool) ([]web.Door, error) {
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w (name another address with --addr or ADDR)", c.Addr, err)
	}
	doors := []web.Door{{Listener: listener, TLS: encryption}}
	if encryption == nil && !keys {
		return doors, nil
	}
	private, err := listening.Listen(ctx, "tcp", "localhost:0")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen for commands of this machine: %w", err), listener.Close())
	}
	return append(doors, web.Door{Listener: private, Private: true}), nil
}

func closeDoors(doors []web.Door) error {
	var err error
	for _, door := range doors {
		err = errors.Join(err, door.Listener.Close())
	}
	return err
}

// say tells where the server listens, and what others can read on the way.
func (c *serveCommand) say(p *program, door web.Door, access access) {
	scheme := "http"
	if door.TLS != nil {
		scheme = "https"
	}
	p.print("Polylens listens on %s://%s", scheme, door.Listener.Addr())
	if access.network && door.TLS == nil {
		p.log.Warn("keys and pictures cross the network in the clear: give --tls-certificate and --tls-key, or listen on a loopback address behind a proxy that speaks HTTPS")
	}
}
