package web

import (
	"context"
	"crypto/tls"
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

// Where everybody needs a key, each connection is a stranger's until a key has come by it.
// There may be more of them, but not all of one address.
const (
	maxUnknown = 512
	maxOfOne   = 64
)

// fullAnswer is all that a connection beyond the limit gets.
const fullAnswer = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

// connections counts what is open, apart for strangers.
type connections struct {
	most, mostStrangers int

	mu      sync.Mutex
	seats   map[net.Conn]*seat // of all that are open
	refused int                // how many of them are strangers'
	from    map[string]int     // how many of those come from an address
}

// seat is the place of one connection.
type seat struct {
	among    *connections
	address  string
	stranger bool
	left     bool
}

func newConnections(most, mostStrangers int) *connections {
	return &connections{most: most, mostStrangers: mostStrangers, seats: make(map[net.Conn]*seat), from: make(map[string]int)}
}

// admit makes the connection one of somebody who may use the server, if there is room.
func (s *seat) admit() {
	if s == nil {
		return
	}
	s.among.mu.Lock()
	defer s.among.mu.Unlock()
	if s.stranger && !s.left && len(s.among.seats)-s.among.refused < s.among.most {
		s.among.leave(s)
		s.stranger = false
	}
}

// leave lets a stranger's place go; the lock is held.
func (c *connections) leave(s *seat) {
	c.refused--
	if c.from[s.address]--; c.from[s.address] == 0 {
		delete(c.from, s.address)
	}
}

// context is for http.Server.ConnContext; look finds out whose a connection is.
func (c *connections) context(handler *Handler, look func(context.Context, net.Conn) context.Context) func(context.Context, net.Conn) context.Context {
	return func(ctx context.Context, connection net.Conn) context.Context {
		ctx = look(ctx, connection)
		who := callerOf(ctx)
		taken, room := c.enter(connection, !handler.door.admits(who))
		if !room {
			refuseConnection(connection)
		}
		who.seat = taken
		return context.WithValue(ctx, callerKey{}, who)
	}
}

// refuseConnection says why, where that needs no handshake, for which nobody has time.
func refuseConnection(connection net.Conn) {
	if _, encrypted := connection.(*tls.Conn); !encrypted {
		_ = connection.SetWriteDeadline(time.Now().Add(time.Second)) // it has room for so little
		_, _ = io.WriteString(connection, fullAnswer)
	}
	connection.Close()
}

// enter counts a connection, and reports whether there is room for it.
func (c *connections) enter(connection net.Conn, stranger bool) (*seat, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := &seat{among: c, stranger: stranger}
	c.seats[connection] = taken
	if stranger {
		taken.address = addressOf(connection.RemoteAddr().String())
		c.refused++
		c.from[taken.address]++
		return taken, c.refused <= c.mostStrangers && c.from[taken.address] <= maxOfOne
	}
	return taken, len(c.seats)-c.refused <= c.most
}

// watch is for http.Server.ConnState.
func (c *connections) watch(connection net.Conn, state http.ConnState) {
	if state != http.StateClosed && state != http.StateHijacked {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	taken, open := c.seats[connection]
	if !open {
		return
	}
	if taken.left = true; taken.stranger {
		c.leave(taken)
	}
	delete(c.seats, connection)
}
