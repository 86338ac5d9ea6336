package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
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

// NewServer returns an HTTP server with limits against slow and silent
// clients. A large picture over a slow line may take minutes.
func NewServer(handler http.Handler, logger *slog.Logger) *http.Server {
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

// Serve answers on listener until ctx ends, then lets running answers finish,
// closes the handler's live connections and returns nil.
func Serve(ctx context.Context, listener net.Listener, handler *Handler, logger *slog.Logger) error {
	server := NewServer(handler, logger)
	open := newConnections(maxConnections, maxStrangers)
	server.ConnContext, server.ConnState = open.context(handler), open.watch
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(listener) }()
	select {
	case err := <-stopped:
		handler.Close()
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	err := server.Shutdown(grace)
	handler.Close()
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}
