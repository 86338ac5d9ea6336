package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"polylens/app/setup"
	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/web"
)

type serveCommand struct {
	Addr                 string `placeholder:"HOST:PORT" env:"ADDR" default:"127.0.0.1:8080" help:"Address to listen on (default: ${default})."`
	Demo                 bool   `help:"Index the demo pictures into the collection \"demo\" first, if that has not been done."`
	InsecureAllowNetwork bool   `help:"Allow an address that others on the network can reach. Polylens asks nobody for a password yet."`
}

// Help documents the command.
func (*serveCommand) Help() string {
	return `Serves the page, the API (/openapi.json describes it) and live progress. The page answers at once; searches are ` +
		`answered as soon as Milvus has started, which /readyz reports. SIGINT or SIGTERM ends it in order, a second one at once.

Examples:

    polylens serve
    polylens serve --demo --addr 127.0.0.1:9000
    ADDR=127.0.0.1:0 polylens serve

Only this machine can reach it, unless --insecure-allow-network says otherwise.

` + exitHelp
}

func (c *serveCommand) Run(ctx context.Context, p *program) error {
	if err := c.checkAddress(); err != nil {
		return err
	}
	hold, _, err := p.hold("serve")
	if err != nil {
		return err
	}
	p.later(hold.Release)
	parts, err := p.openParts(ctx)
	if err != nil {
		return err
	}
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w (name another address with --addr or ADDR)", c.Addr, err)
	}
	handler, err := parts.handler(handlerOptions{local: c.local(), demo: c.Demo})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := hold.Announce(listener.Addr().String()); err != nil {
		return errors.Join(err, listener.Close())
	}
	p.print("Polylens listens on http://%s", listener.Addr())
	ctx, fail := context.WithCancelCause(ctx)
	starting := make(chan struct{})
	go func() {
		defer close(starting)
		if err := c.start(ctx, parts); err != nil {
			fail(err)
		}
	}()
	err = web.Serve(ctx, listener, handler, p.log)
	fail(nil) // start must end, too
	select {
	case <-starting:
	case <-time.After(closeStart):
		p.log.Warn("what was starting has not ended in time, and is left behind")
	}
	if cause := context.Cause(ctx); err == nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	return err
}

// checkAddress refuses an address that the network can reach. A name counts as
// loopback only if it is localhost: what others resolve to may change.
func (c *serveCommand) checkAddress() error {
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return usageError{fmt.Errorf("--addr %q: %w", c.Addr, err)}
	}
	ip := net.ParseIP(host)
	if host == "localhost" || ip != nil && ip.IsLoopback() || c.InsecureAllowNetwork {
		return nil
	}
	return usageError{fmt.Errorf("--addr %s can be reached from the network, and Polylens asks nobody for a password yet: "+
		"use a loopback address, or accept it with --insecure-allow-network", c.Addr)}
}

// local reports whether only this machine reaches the address.
func (c *serveCommand) local() bool { return !c.InsecureAllowNetwork }

// start does what may take a while, when the page is up already.
func (c *serveCommand) start(ctx context.Context, x *parts) error {
	var group errgroup.Group
	group.Go(func() error { return x.encoder().Load(true, false) }) // the first query should not wait for it
	group.Go(func() error { return x.connect(ctx) })
	if err := group.Wait(); err != nil {
		return err
	}
	if x.milvus != nil {
		x.program.log.Info("Milvus is ready", "isolated", x.milvus.Exposure().Isolated, "exposure", x.milvus.Exposure().String())
	}
	if err := x.work(ctx); err != nil {
		return err
	}
	if c.Demo {
		if err := x.indexDemo(ctx); err != nil {
			return err
		}
	}
	return nil
}

// indexDemo queues the demo pictures unless they are indexed or queued.
func (x *parts) indexDemo(ctx context.Context) error {
	found, err := x.store.Collection(ctx, demoCollection)
	if err == nil && x.rollout.Searches(found) && found.Images > 0 {
		return nil
	}
	if err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return err
	}
	folder, err := x.program.item(setup.Demo)
	if err != nil {
		return err
	}
	_, err = x.jobs.Index(ctx, demoCollection, indexer.JobParams{Directory: folder})
	return err
}
