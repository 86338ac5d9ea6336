package relaytest

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"
)

// Dial connects to the server.
type Dial func(ctx context.Context) (net.Conn, error)

// Relay is an address of this machine at which a server elsewhere is reached, until the
// test ends.
type Relay struct {
	Address string

	dial     Dial
	listener net.Listener
	mu       sync.Mutex
	slow     time.Duration // that each piece waits
	open     map[net.Conn]bool
	shut     bool // everybody is turned away
}

// Start begins to relay.
func Start(t testing.TB, dial Dial) *Relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &Relay{Address: listener.Addr().String(), dial: dial, listener: listener, open: make(map[net.Conn]bool)}
	t.Cleanup(func() { r.Shut(true); listener.Close() })
	go r.accept()
	return r
}

// Slow lets each piece of what is said wait for so long; 0 ends that.
func (r *Relay) Slow(pause time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slow = pause
}

// Drop cuts all connections in the middle of whatever they carry. New ones can be made.
func (r *Relay) Drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for conn := range r.open {
		conn.Close()
	}
}

// Shut cuts all connections and lets nobody in, until it is taken back.
func (r *Relay) Shut(shut bool) {
	r.mu.Lock()
	r.shut = shut
	r.mu.Unlock()
	if shut {
		r.Drop()
	}
}

func (r *Relay) accept() {
	for {
		near, err := r.listener.Accept()
		if err != nil {
			return
		}
		go r.carry(near)
	}
}

func (r *Relay) carry(near net.Conn) {
	defer near.Close()
	if !r.keep(near, true) {
		return
	}
	defer r.keep(near, false)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	far, err := r.dial(ctx)
	cancel()
	if err != nil {
		return
	}
	defer far.Close()
	go func() {
		r.copy(far, near)
		far.Close()
	}()
	r.copy(near, far)
}

// keep notes that a connection is open, unless nobody is let in, or forgets it.
func (r *Relay) keep(conn net.Conn, open bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !open {
		delete(r.open, conn)
		return true
	}
	if !r.shut {
		r.open[conn] = true
	}
	return !r.shut
}

func (r *Relay) copy(to, from net.Conn) {
	piece := make([]byte, 64<<10)
	for {
		n, err := from.Read(piece)
		r.mu.Lock()
		pause := r.slow
		r.mu.Unlock()
		time.Sleep(pause)
		if _, writeErr := to.Write(piece[:n]); err != nil || writeErr != nil {
			return
		}
	}
}
