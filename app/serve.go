package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"polylens/app/folder"
	"polylens/app/setup"
	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/search/milvus"
	"polylens/web"
)

type serveCommand struct {
	Addr string `placeholder:"HOST:PORT" env:"ADDR" default:"127.0.0.1:8080" help:"Address to listen on (default: ${default})."`
	Demo bool   `help:"Index the demo pictures into the collection \"demo\" first, if that has not been done."`
	accessFlags
}

// Help documents the command.
func (*serveCommand) Help() string {
	return `Serves the page, the API (/openapi.json describes it) and live progress. The page answers at once; searches are ` +
		`answered as soon as Milvus has started, which /readyz reports. SIGINT or SIGTERM ends it in order, a second one at once.

Examples:

    polylens serve
    polylens serve --demo --addr 127.0.0.1:9000
    ADDR=127.0.0.1:0 polylens serve
    polylens serve --allow-user www-data --allowed-host photos.example.org
    polylens serve --addr 192.0.2.7:8080 --insecure-allow-network --allowed-host 192.0.2.7

Only this machine can reach it, and only the user who runs it and root are answered: the system tells which user has made a ` +
		`connection. --allow-user lets others of this machine in, --insecure-allow-network the whole network. Folders are indexed, ` +
		`and models trained with files, only for the user who runs it and root, by connections from this machine.

` + exitHelp
}

// Run ends without an error when it is told to end, however early: there is nothing that a
// server has left undone then.
func (c *serveCommand) Run(ctx context.Context, p *program) error {
	err := c.serve(ctx, p)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil
	}
	return err
}

func (c *serveCommand) serve(ctx context.Context, p *program) error {
	access, err := c.forAddress(c.Addr)
	if err != nil {
		return usageError{err}
	}
	if err := access.check(ctx); err != nil {
		return err
	}
	hold, _, err := p.hold(folder.ServeCommand)
	if err != nil {
		return err
	}
	p.later(hold.Release)
	parts, err := p.openParts(ctx)
	if err != nil {
		return err
	}
	if err := c.setUp(p); err != nil {
		return err
	}
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w (name another address with --addr or ADDR)", c.Addr, err)
	}
	handler, err := parts.handler(handlerOptions{access: access, demo: c.Demo, tended: true})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := hold.Announce(localAddress(listener.Addr())); err != nil {
		return errors.Join(err, listener.Close())
	}
	p.print("Polylens listens on http://%s", listener.Addr())
	serving, fail := context.WithCancelCause(ctx)
	starting := make(chan struct{})
	go func() {
		defer close(starting)
		if err := c.start(serving, parts); err != nil {
			fail(err)
		}
	}()
	err = web.Serve(serving, listener, handler, p.log)
	fail(nil) // start must end, too
	select {
	case <-starting:
	case <-time.After(closeStart):
		p.log.Warn("what was starting has not ended in time, and is left behind")
	}
	if err == nil && ctx.Err() == nil { // so that it was start that failed
		err = context.Cause(serving)
	}
	return err
}

// setUp fails for want of what is needed only after the server has begun to listen.
func (c *serveCommand) setUp(p *program) error {
	if c.Demo {
		if _, err := p.item(setup.Demo); err != nil {
			return err
		}
	}
	if p.globals.milvusAddress() != "" {
		return nil
	}
	if _, err := p.item(setup.Milvus); err != nil {
		return err
	}
	_, err := milvus.Probe(p.globals.Expose)
	return err
}

// start does what may take a while, when the page is up already.
func (c *serveCommand) start(ctx context.Context, x *parts) error {
	var group errgroup.Group
	group.Go(func() error { return x.encoder().Load(true, false) }) // the first query should not wait for it
	group.Go(func() error { return x.connectPatiently(ctx) })
	if err := group.Wait(); err != nil {
		return err
	}
	if x.milvus != nil {
		x.program.log.Info("Milvus is ready", "isolated", x.milvus.Exposure().Isolated, "exposure", x.milvus.Exposure().String())
	}
	if err := x.work(ctx); err != nil {
		return err
	}
	x.tend(ctx)
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
	pictures, err := x.program.item(setup.Demo)
	if err != nil {
		return err
	}
	_, err = x.jobs.Index(ctx, demoCollection, indexer.JobParams{Directory: pictures})
	return err
}
