package postgrestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"polylens/internal/pinned"
)

// server is a running Postgres.
type server struct {
	folder   string // everything it has, removed at its end
	process  *exec.Cmd
	output   bytes.Buffer  // its log, to be read when it has finished
	durable  bool          // what was committed outlives the server's death
	finished chan struct{} // closed when the process has ended
}

// start runs a server from a folder that holds bin/initdb and bin/postgres.
func start(programs string) (*server, error) {
	folder, err := os.MkdirTemp("", "polylens-postgres-")
	if err != nil {
		return nil, err
	}
	s := &server{folder: folder, finished: make(chan struct{})}
	if err := s.run(programs); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

func (s *server) run(programs string) error {
	user, programs, err := s.settle(programs)
	if err != nil {
		return err
	}
	if err := s.initialize(user, filepath.Join(programs, "bin", "initdb")); err != nil {
		return err
	}
	return s.launch(user, filepath.Join(programs, "bin", "postgres"))
}

// initialize orders texts as servers usually do, by the rules of a language, and
// not by their bytes as SQLite does.
func (s *server) initialize(user *syscall.SysProcAttr, program string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	initdb := s.command(ctx, user, program, "--pgdata", s.data(), "--username", "postgres", "--auth", "trust", "--no-sync",
		"--encoding", "UTF8", "--locale", "C", "--locale-provider", "icu", "--icu-locale", "en-US")
	if output, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, output)
	}
	return nil
}

// launch starts the server and waits until it answers.
func (s *server) launch(user *syscall.SysProcAttr, program string) error {
	arguments := []string{"-D", s.data(), "-k", s.folder, "-c", "listen_addresses=", "-c", "unix_socket_permissions=0700", "-c", "fsync=off"}
	if !s.durable {
		arguments = append(arguments, "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
	}
	s.process = s.command(context.Background(), user, program, arguments...)
	s.process.Stdout, s.process.Stderr = &s.output, &s.output
	if err := pinned.Start(s.process, func(error) { close(s.finished) }); err != nil { // its output says how it ended
		s.process = nil
		return err
	}
	return s.await()
}

// await returns nil once the server answers.
func (s *server) await() error {
	deadline := time.Now().Add(patience)
	for {
		err := executeOn(context.Background(), s.url(), "SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-s.finished:
			return fmt.Errorf("it ended at once: %s", s.output.Bytes())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("it does not answer: %w", err)
		}
	}
}

// stop ends the server and removes all it had.
func (s *server) stop() error {
	var err error
	if s.process != nil {
		err = s.end()
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}

func (s *server) end() error {
	if err := s.process.Process.Signal(syscall.SIGQUIT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.finished:
		return nil
	case <-time.After(patience):
		return errors.Join(errors.New("the server does not stop"), s.process.Process.Kill())
	}
}

// url is the URL of the database that every server has.
func (s *server) url() string {
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres", RawQuery: url.Values{"host": {s.folder}}.Encode()}
	return u.String()
}

func (s *server) data() string { return filepath.Join(s.folder, "data") }

// command lets neither the variables nor the folder of the caller change what
// Postgres does.
func (s *server) command(ctx context.Context, user *syscall.SysProcAttr, program string, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, program, arguments...)
	command.Dir, command.Env, command.SysProcAttr = s.folder, []string{"LC_ALL=C", "TZ=UTC"}, user
	command.WaitDelay = 5 * time.Second
	return command
}
