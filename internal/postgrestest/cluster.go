package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"polylens/internal/needs"
)

// Cluster is a server of a test's own, which may be killed and started again. What it has
// committed outlives that, but not a crash of the machine.
type Cluster struct {
	server  *server
	user    *syscall.SysProcAttr
	program string
}

// StartCluster runs a server until the test ends.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	programs := needs.Postgres(t)
	folder, err := os.MkdirTemp("", "polylens-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{server: &server{folder: folder, finished: make(chan struct{}), durable: true}}
	t.Cleanup(func() {
		if err := c.server.stop(); err != nil {
			t.Error(err)
		}
	})
	if c.user, programs, err = c.server.settle(programs); err != nil {
		t.Fatal(err)
	}
	c.program = filepath.Join(programs, "bin", "postgres")
	err = c.server.initialize(c.user, filepath.Join(programs, "bin", "initdb"))
	if err == nil {
		err = c.server.launch(c.user, c.program)
	}
	if err != nil {
		t.Fatalf("start Postgres: %v", err)
	}
	return c
}

// URL is the URL of the database that every server has, by the server's own socket.
func (c *Cluster) URL() string { return c.server.url() }

// Dial connects to the server's socket, for a relay. URLAt is the URL that leads there.
func (c *Cluster) Dial(ctx context.Context) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(c.server.folder, ".s.PGSQL.5432"))
}

// URLAt is URL by an address from which a relay leads to Dial.
func (c *Cluster) URLAt(address string) string {
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Host: address, Path: "/postgres", RawQuery: "sslmode=disable"}
	return u.String()
}

// Kill ends the server at once: by SIGKILL its main process alone, by SIGQUIT, which is
// Postgres' immediate stop, all of them.
func (c *Cluster) Kill(signal syscall.Signal) error {
	if err := c.server.process.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-c.server.finished:
		return nil
	case <-time.After(patience):
		return errors.New("the server does not end")
	}
}

// Restart starts a killed server, as soon as the last process of the one before has ended.
func (c *Cluster) Restart() error {
	deadline := time.Now().Add(patience)
	for {
		c.server.finished = make(chan struct{})
		c.server.output.Reset()
		err := c.server.launch(c.user, c.program)
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("start Postgres again: %w", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
