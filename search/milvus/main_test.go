package milvus

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"polylens/internal/hardened"
	"polylens/internal/needs"
	"polylens/search"
	"polylens/search/searchtest"
)

// shared is one server for all tests that do not disturb it: starting one
// takes seconds.
var shared *Server

func TestMain(m *testing.M) {
	MaybeRunChild()
	if err := hardened.Apply(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for variable, role := range roles {
		if value := os.Getenv(variable); value != "" {
			os.Exit(role(value))
		}
	}
	flag.Parse()
	os.Exit(runShared(m))
}

// roles are what this program does instead of tests when a test starts it with
// one of these variables.
var roles = map[string]func(value string) int{
	"POLYLENS_TEST_PARENT": runParent,
}

func runShared(m *testing.M) int {
	folder := os.Getenv("POLYLENS_MILVUS")
	if folder == "" || os.Getenv(hardened.Variable) != "" {
		return needs.Main(m)
	}
	data, err := os.MkdirTemp("", "polylens-milvus-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(data)
	shared, err = Start(context.Background(), ServerOptions{Folder: folder, Data: filepath.Join(data, "shared"), Logger: testLog()})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer shared.kill()
	return needs.Main(m)
}

func testLog() *slog.Logger {
	level := slog.LevelWarn
	if testing.Verbose() {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}

// needServer returns the folder of the unpacked server.
func needServer(t testing.TB) string {
	t.Helper()
	return needs.Milvus(t)
}

// startServer starts a server of the test's own.
func startServer(t *testing.T, options ServerOptions) *Server {
	t.Helper()
	options.Folder, options.Logger = needServer(t), testLog()
	if options.Data == "" {
		options.Data = filepath.Join(t.TempDir(), "milvus")
	}
	server, err := Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		select {
		case <-server.finished: // stopped by the test
		default:
			server.kill()
		}
	})
	return server
}

// connect opens an index on a server.
func connect(t testing.TB, server *Server) *Index {
	t.Helper()
	return connectWith(t, server, func(*Config) {})
}

func connectWith(t testing.TB, server *Server, change func(*Config)) *Index {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	config := server.Config()
	change(&config)
	index, err := Connect(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := index.Close(); err != nil {
			t.Error(err)
		}
	})
	return index
}

func TestConformance(t *testing.T) {
	needServer(t)
	searchtest.Run(t, func(t *testing.T) search.Index { return connect(t, shared) })
}

// TestUpsertWithoutEnsure: a process that has not made an index ready asks
// Milvus how long its vectors are.
func TestUpsertWithoutEnsure(t *testing.T) {
	needServer(t)
	maker, other := connect(t, shared), connect(t, shared)
	key := fill(t, maker, 1)
	short := []search.Row{{ID: "short", Vector: []float32{1}}}
	if err := other.Upsert(t.Context(), key, short); err == nil || !strings.Contains(err.Error(), "1 numbers, the collection's have 2") {
		t.Errorf("a short vector: %v", err)
	}
	if err := other.Upsert(t.Context(), key, []search.Row{{ID: "fits", Vector: []float32{0, 1}}}); err != nil {
		t.Error(err)
	}
	if n, err := count(t.Context(), maker, key); n != 2 || err != nil {
		t.Errorf("%d rows, %v, want 2", n, err)
	}
	if err := maker.Drop(t.Context(), key); err != nil {
		t.Error(err)
	}
}
