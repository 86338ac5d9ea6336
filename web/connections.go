package web

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Connections that are open at a time, each of which holds some KiB whether it asks for
// anything or not. WebSockets are counted by Limits.Live. Those who are refused have few
// of their own, so that they keep nobody out.
const (
	maxConnections = 1024
	maxStrangers   = 64
)

// fullAnswer is all that a connection beyond the limit gets.
const fullAnswer = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

// connections counts what is open, apart for strangers.
type connections struct {
	most, mostStrangers int

	mu        sync.Mutex
	strangers map[net.Conn]bool // of all that are open, whether the door refuses them
	refused   int               // how many of them it refuses
}

func newConnections(most, mostStrangers int) *connections {
	return &connections{most: most, mostStrangers: mostStrangers, strangers: make(map[net.Conn]bool)}
}

// context is for http.Server.ConnContext; handler finds out whose a connection is.
func (c *connections) context(handler *Handler) func(context.Context, net.Conn) context.Context {
	return func(ctx context.Context, connection net.Conn) context.Context {
		ctx = handler.ConnContext(ctx, connection)
		if !c.enter(connection, !handler.door.admits(callerOf(ctx))) {
			_ = connection.SetWriteDeadline(time.Now().Add(time.Second)) // it has room for so little
			_, _ = io.WriteString(connection, fullAnswer)
			connection.Close()
		}
		return ctx
	}
}

// enter counts a connection, and reports whether there is room for it.
func (c *connections) enter(connection net.Conn, stranger bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.strangers[connection] = stranger
	if stranger {
		c.refused++
		return c.refused <= c.mostStrangers
	}
	return len(c.strangers)-c.refused <= c.most
}

// watch is for http.Server.ConnState.
func (c *connections) watch(connection net.Conn, state http.ConnState) {
	if state != http.StateClosed && state != http.StateHijacked {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.strangers[connection] {
		c.refused--
	}
	delete(c.strangers, connection)
}
