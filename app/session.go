package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"time"

	"polylens/app/folder"
	"polylens/app/rollout"
	"polylens/web/client"
)

// runningServer is a server that holds the data folder.
type runningServer struct {
	*client.Client
	address string
}

// hold takes the data folder for this process.
func (p *program) hold(command string) (*folder.Hold, folder.Card, error) {
	hold, card, err := folder.Take(p.globals.Data, command, rollout.ChoiceFile)
	if err == nil {
		p.tighten()
	}
	return hold, card, err
}

// tighten keeps other users out of the data folder, as far as it is ours.
func (p *program) tighten() {
	changed, err := folder.Tighten(p.globals.Data)
	for _, name := range changed {
		p.log.Info("other users could reach a part of the data folder, and can no longer", "part", filepath.Join(p.globals.Data, name))
	}
	if err != nil {
		p.log.Warn("other users may reach parts of the data folder", "error", err)
	}
}

// startPatience is how long a command waits for a server that has just started.
const startPatience = time.Minute

// holdOrFind takes the data folder for this process, until the program closes, or
// returns the server that holds it, which is nil otherwise. Its calls wait until that
// server has started Milvus.
func (p *program) holdOrFind(ctx context.Context, command string) (*runningServer, error) {
	hold, holder, err := p.holdPatiently(ctx, command)
	if errors.Is(err, folder.ErrInUse) && holder.Alive(ctx) {
		p.log.Info("using the server that runs already", "address", holder.Address, "pid", holder.PID)
		server := client.New("http://"+holder.Address).Patient(startPatience, p.waits)
		return &runningServer{server, holder.Address}, nil
	}
	if err != nil {
		return nil, err
	}
	p.later(hold.Release)
	return nil, nil
}

// holdPatiently is hold, but waits while a server that has just started does not listen
// yet.
func (p *program) holdPatiently(ctx context.Context, command string) (*folder.Hold, folder.Card, error) {
	for end, told := time.Now().Add(startPatience), false; ; {
		hold, holder, err := p.hold(command)
		if !errors.Is(err, folder.ErrComing) || time.Now().After(end) {
			return hold, holder, err
		}
		if !told {
			p.waits("it does not listen yet")
			told = true
		}
		select {
		case <-ctx.Done():
			return nil, holder, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// waits says that a command waits for the server, and why.
func (p *program) waits(reason string) {
	fmt.Fprintf(p.terminal.err, "polylens: waiting up to %s for the running server: %s\n", startPatience, reason)
}

// api is the API of the server that holds the data folder, or of this process, with
// Milvus and everything else. Jobs run here only if the command is to work.
func (p *program) api(ctx context.Context, command string, works bool) (*client.Client, error) {
	api, here, err := p.catalogueAPI(ctx, command)
	if err != nil {
		return nil, err
	}
	return api, here.begin(ctx, works)
}

// begin starts what the API of this process needs beyond the catalogue: Milvus, and
// the jobs if the command is to work. With a server there are no parts here, and it
// does nothing.
func (x *parts) begin(ctx context.Context, works bool) error {
	if x == nil {
		return nil
	}
	if err := x.connect(ctx); err != nil || !works {
		return err
	}
	return x.work(ctx)
}

// beginJobs starts the jobs for what needs no Milvus. With a server it does nothing.
func (x *parts) beginJobs(ctx context.Context) error {
	if x == nil {
		return nil
	}
	return x.work(ctx)
}

// catalogueAPI is api for commands that need only the catalogue: this process starts
// no Milvus and runs no jobs. The parts are those of this process; nil with a server.
func (p *program) catalogueAPI(ctx context.Context, command string) (*client.Client, *parts, error) {
	if p.globals.Server != "" {
		api, err := p.elsewhere()
		return api, nil, err
	}
	running, err := p.holdOrFind(ctx, command)
	if err != nil {
		return nil, nil, err
	}
	if running != nil {
		return running.Client, nil, p.agrees(ctx, running.Client)
	}
	x, err := p.openParts(ctx)
	if err != nil {
		return nil, nil, err
	}
	api, err := x.client()
	return api, x, err
}

// elsewhere is the API of the server that the user named.
func (p *program) elsewhere() (*client.Client, error) {
	address, err := url.Parse(p.globals.Server)
	if err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" || address.User != nil || address.RawQuery != "" {
		return nil, usageError{fmt.Errorf("--server %.200q: give an address such as https://photos.example.org", p.globals.Server)}
	}
	if host := address.Hostname(); address.Scheme == "http" && p.globals.Key != "" && !isLoopback(host) {
		return nil, usageError{fmt.Errorf("--server %s: everybody on the way would read the key; use https", p.globals.Server)}
	}
	return client.At(p.globals.Server, p.globals.Key), nil
}

// isLoopback reports whether a host is this machine.
func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// client is the API of this process.
func (x *parts) client() (*client.Client, error) {
	handler, err := x.handler(handlerOptions{patient: true})
	if err != nil {
		return nil, err
	}
	x.program.later(func(context.Context) error { handler.Close(); return nil })
	return client.Of(handler.Inside()), nil
}

// agrees refuses a server that works with a model or precision other than the one
// that the command line names.
func (p *program) agrees(ctx context.Context, c *client.Client) error {
	if !p.globals.named && p.globals.Precision == "" {
		return nil
	}
	named, err := p.openEncoder(ctx)
	if err != nil {
		return err
	}
	info, err := c.Info(ctx)
	if err != nil || info.Model.Fingerprint == named.Fingerprint() {
		return err
	}
	return usageError{fmt.Errorf("the server of the data folder works with its model %s, not with %s in %s: leave --model and --precision out, or stop it",
		info.Model.Name, p.globals.Model, named.Precision())}
}
