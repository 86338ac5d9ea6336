package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// shutdownGrace is how long running answers may take to finish at the end.
const shutdownGrace = 10 * time.Second

// Bounds of what comes before a body. The address is the smaller part, so that we are the
// ones who refuse one that is too long, and say what to do.
const (
	maxAddress      = 64 << 10
	maxOtherHeaders = 64 << 10
)

// httpServer returns an HTTP server with limits against slow and silent
// clients. A large picture over a slow line may take minutes.
func httpServer(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       2 * time.Minute,
		WriteTimeout:      10 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxAddress + maxOtherHeaders,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}

// Door is one listener of a server.
type Door struct {
	Listener net.Listener
	TLS      *tls.Config // nil: what is said can be read by others on the way
	Private  bool        // for the server's own user and root alone, without a key
}

// Serve answers on all doors until ctx ends, then lets running answers finish, closes
// the handler's live connections and returns nil.
func Serve(ctx context.Context, handler *Handler, logger *slog.Logger, doors ...Door) error {
	stopped := make(chan error, len(doors))
	servers := make([]*http.Server, len(doors))
	for i, door := range doors {
		servers[i] = door.server(handler, logger)
		go func() { stopped <- door.serve(servers[i]) }()
	}
	var failed error
	select {
	case failed = <-stopped:
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	errs := make([]error, len(servers))
	var ending sync.WaitGroup
	for i, server := range servers {
		ending.Go(func() { errs[i] = endServer(grace, server) })
	}
	ending.Wait()
	handler.Close()
	return errors.Join(append(errs, failed)...)
}

func endServer(ctx context.Context, server *http.Server) error {
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}

// server is the HTTP server behind a door. Each has connections of its own, so that
// nobody outside keeps the server's own user out.
func (d Door) server(handler *Handler, logger *slog.Logger) *http.Server {
	server, look, strangers := httpServer(handler, logger), handler.ConnContext, maxStrangers
	switch {
	case d.Private:
		look = handler.PrivateConnContext
	case handler.door.guests.Keys:
		strangers = maxUnknown
	}
	open := newConnections(maxConnections, strangers)
	server.ConnContext, server.ConnState = open.context(handler, look), open.watch
	server.TLSConfig, server.Protocols = d.TLS, new(http.Protocols)
	server.Protocols.SetHTTP1(true) // connections are counted by one request at a time
	return server
}

func (d Door) serve(server *http.Server) error {
	var err error
	if d.TLS != nil {
		err = server.ServeTLS(d.Listener, "", "")
	} else {
		err = server.Serve(d.Listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve on %s: %w", d.Listener.Addr(), err)
}
