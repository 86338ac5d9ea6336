package main

import (
	"context"
	"errors"
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
	Addr     string  `placeholder:"HOST:PORT" env:"ADDR" default:"127.0.0.1:8080" help:"Address to listen on (default: ${default})."`
	TLSCert  string  `name:"tls-certificate" placeholder:"FILE" env:"POLYLENS_TLS_CERTIFICATE" help:"Certificate with its chain, in PEM form, to speak HTTPS with; it is read again when it changes. Needs --tls-key."`
	TLSKey   string  `name:"tls-key" placeholder:"FILE" env:"POLYLENS_TLS_KEY" help:"Private key of the certificate, in PEM form."`
	KeyRate  float64 `placeholder:"N" env:"POLYLENS_KEY_RATE" default:"200" help:"Requests a second of each API key that has no limit of its own (default: ${default})."`
	KeyBurst int     `placeholder:"N" env:"POLYLENS_KEY_BURST" default:"400" help:"Requests that such a key may make at once (default: ${default})."`
	Demo     bool    `help:"Index the demo pictures into the collection \"demo\" first, if that has not been done."`
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
    polylens serve --addr 0.0.0.0:8443 --allowed-host photos.example.org --tls-certificate fullchain.pem --tls-key privkey.pem

By default only this machine can reach it, and only the user who runs it and root are answered: the system tells which user has made a ` +
		`connection. Others need an API key ("polylens key create"), and so does everybody as soon as the address can be reached from the ` +
		`network; the commands of this program on the machine itself go on to work without one. --allow-user lets other users of this ` +
		`machine in without a key, --insecure-allow-network the whole network. Folders are indexed, and models trained with files, only ` +
		`for the user who runs it and root, without a key and from this machine. Who did what stands in audit.log in the data folder.

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
	if err := c.checkNumbers(); err != nil {
		return usageError{err}
	}
	if err := access.check(ctx); err != nil {
		return err
	}
	encryption, err := c.encryption(p)
	if err != nil {
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
	handler, err := parts.handler(handlerOptions{access: access, rate: web.Rate{PerSecond: c.KeyRate, Burst: c.KeyBurst}, demo: c.Demo, tended: true})
	if err != nil {
		return err
	}
	doors, err := c.open(ctx, encryption, access.guests.Keys)
	if err != nil {
		handler.Close()
		return err
	}
	if err := hold.Announce(localAddress(doors[len(doors)-1].Listener.Addr())); err != nil {
		handler.Close()
		return errors.Join(err, closeDoors(doors))
	}
	c.say(p, doors[0], access)
	serving, fail := context.WithCancelCause(ctx)
	starting := make(chan struct{})
	go func() {
		defer close(starting)
		if err := c.start(serving, parts); err != nil {
			fail(err)
		}
	}()
	err = web.Serve(serving, handler, p.log, doors...)
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
