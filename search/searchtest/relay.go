package searchtest

import (
	"context"
	"io"
	"net"
	"testing"
)

// Relay lets a server that is reached by dial alone, such as an embedded one, be reached at
// an address of this machine, until the test ends.
func Relay(t testing.TB, dial func(ctx context.Context, address string) (net.Conn, error)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			go relay(t.Context(), near, dial)
		}
	}()
	return listener.Addr().String()
}

func relay(ctx context.Context, near net.Conn, dial func(context.Context, string) (net.Conn, error)) {
	defer near.Close()
	far, err := dial(ctx, "")
	if err != nil {
		return
	}
	defer far.Close()
	go func() { _, _ = io.Copy(far, near); far.Close() }()
	_, _ = io.Copy(near, far)
}
