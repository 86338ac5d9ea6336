package postgrestest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // database/sql driver "pgx"

	"polylens/internal/needs"
)

// ServerURL is the variable that names a server of your own, on which the tests
// may create databases: postgres://user:password@host/database.
const ServerURL = "POLYLENS_POSTGRES_URL"

// patience bounds every request to the server.
const patience = time.Minute

// count makes names of databases differ within a process.
var count atomic.Int64

// Database returns the URL of an empty database for the test alone, which is removed
// when the test ends. The package calls needs.Main in its TestMain, which stops the
// server.
func Database(t testing.TB) string {
	t.Helper()
	server := serverURL(t)
	name := fmt.Sprintf("polylens_test_%d_%d", os.Getpid(), count.Add(1))
	execute(t, server, "CREATE DATABASE "+name)
	t.Cleanup(func() { execute(t, server, "DROP DATABASE "+name+" WITH (FORCE)") })
	parsed, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	parsed.Path = "/" + name
	return parsed.String()
}

func execute(t testing.TB, server, statement string) {
	t.Helper()
	if err := executeOn(context.Background(), server, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func executeOn(ctx context.Context, server, statement string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	db, err := sql.Open("pgx", server)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, statement)
	return err
}

// shared is the one server of the tests of a process: starting one takes a
// second.
var shared struct {
	sync.Mutex
	server *server
	err    error
}

// serverURL starts the server when it is asked for the first time.
func serverURL(t testing.TB) string {
	t.Helper()
	if given := os.Getenv(ServerURL); given != "" {
		return given
	}
	programs := needs.Postgres(t)
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil && shared.err == nil {
		needs.AtEnd(t, stopShared)
		shared.server, shared.err = start(programs)
	}
	if shared.err != nil {
		t.Fatalf("start Postgres of %s: %v", programs, shared.err)
	}
	return shared.server.url()
}

func stopShared() error {
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		return nil
	}
	return shared.server.stop()
}
