package searchtest

import (
	"context"
	"net"
	"testing"

	"polylens/internal/relaytest"
)

// Relay lets a server that is reached by dial alone, such as an embedded one, be reached at
// an address of this machine, until the test ends.
func Relay(t testing.TB, dial func(ctx context.Context, address string) (net.Conn, error)) *relaytest.Relay {
	t.Helper()
	return relaytest.Start(t, func(ctx context.Context) (net.Conn, error) { return dial(ctx, "") })
}
