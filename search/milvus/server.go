package milvus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// ServerOptions say where the embedded server lives.
type ServerOptions struct {
	Folder string       // the unpacked server, see Unpack
	Data   string       // its own folder: created if missing, mode 0700
	Logger *slog.Logger // nil: no log

	// StartTimeout bounds the time from start to healthy; 0 means two minutes.
	StartTimeout time.Duration
	// SickAfter is how long a server may go without a healthy answer before it
	// is ended and started again; 0 means half a minute.
	SickAfter time.Duration
	// Expose accepts that the server's ports are open to everybody who reaches this
	// machine, if this system does not let it be isolated. Without it Start fails.
	Expose bool
	// Renewed hears, where it is not nil, that the data folder was damaged and has been
	// replaced by an empty one. It must not call the server.
	Renewed func(Aside)

	trial bool // whether an empty data folder helps
}

// Server is the embedded Milvus: a supervised child that is restarted when it
// dies. Its methods may be called from many goroutines.
type Server struct {
	options  ServerOptions
	log      *slog.Logger
	folder   *dataFolder
	output   *serverWords
	exposure Exposure

	stop     context.CancelFunc // ends the supervisor
	finished chan struct{}      // closed when the supervisor has ended

	mu      sync.Mutex
	running *process // nil while there is none
	healthy bool
	starts  int
}

// Start runs the server and returns when it is healthy. The context and
// StartTimeout bound the start alone: the server then runs until Stop. It
// fails when the data folder is in use, when the server dies again and again,
// or when it does not become healthy in time; nothing is left running then.
// Where the server cannot be isolated, the error is ErrRefused, wrapped.
func Start(ctx context.Context, options ServerOptions) (*Server, error) {
	server, err := newServer(options)
	if err != nil {
		return nil, fmt.Errorf("start Milvus: %w", err)
	}
	supervised, stop := context.WithCancel(context.Background())
	server.stop = stop
	first := make(chan error, 1)
	go server.supervise(supervised, first)
	select {
	case err = <-first:
	case <-ctx.Done():
		err = server.late(ctx.Err())
	case <-time.After(server.options.StartTimeout):
		err = server.late(context.DeadlineExceeded)
	}
	if err != nil {
		server.kill()
		return nil, fmt.Errorf("start Milvus (logs in %s): %w: %w", server.folder.logs(), ErrAway, err)
	}
	return server, nil
}

// late says that the server has not become healthy in time.
func (s *Server) late(cause error) error {
	return fmt.Errorf("not healthy after %s: %w; its last words: %s", s.options.StartTimeout, cause, s.output.tail())
}

func newServer(options ServerOptions) (*Server, error) {
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if options.StartTimeout == 0 {
		options.StartTimeout = 2 * time.Minute
	}
	if options.SickAfter == 0 {
		options.SickAfter = 30 * time.Second
	}
	if _, child := os.LookupEnv(childVariable); child {
		return nil, errors.New("this process is a keeper: its main must call milvus.MaybeRunChild first")
	}
	if err := CheckFolder(options.Folder); err != nil {
		return nil, err
	}
	var err error
	if options.Folder, err = filepath.Abs(options.Folder); err != nil {
		return nil, err
	}
	folder, err := openDataFolder(options.Data)
	if err != nil {
		return nil, err
	}
	server := &Server{options: options, log: options.Logger, folder: folder, finished: make(chan struct{})}
	if err := server.prepare(); err != nil {
		folder.close()
		return nil, err
	}
	return server, nil
}

// prepare does what needs the locked data folder, before the first process.
func (s *Server) prepare() error {
	killed, err := s.folder.killLeftovers()
	if err != nil {
		return err
	}
	if killed > 0 {
		s.log.Warn("killed a Milvus that an earlier run left behind", "processes", killed)
	}
	if s.exposure, err = Probe(s.options.Expose); err != nil {
		return err
	}
	if !s.exposure.Isolated {
		s.log.Warn("Milvus runs in the network of this machine: its ports are reachable from outside unless a firewall forbids it",
			"reason", s.exposure.Reason)
	}
	s.output, err = openWords(filepath.Join(s.folder.logs(), "server.log"), logLimit)
	return err
}

// Stop flushes what has been written and ends the server. Flushing is bounded
// by ctx and by 30 seconds; when it fails nothing is lost: the server replays
// its log at the next start. Stop may be called twice.
func (s *Server) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var err error
	if pid := s.PID(); s.Healthy() {
		err = flushServer(ctx, s.Config())
		if err != nil && s.diesSoon(ctx, pid) {
			s.log.Warn("Milvus died before it was flushed; it replays its log at its next start", "error", err)
			err = nil
		}
		if err != nil {
			err = fmt.Errorf("flush Milvus before its end: %w", err)
		}
	}
	s.kill()
	return err
}

// diesSoon reports whether Milvus as it was is no more. A call hears of that a little
// sooner than who waits for the process.
func (s *Server) diesSoon(ctx context.Context, pid int) bool {
	for range 50 {
		if s.PID() != pid {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	return false
}

// kill ends supervisor and processes and releases the data folder. SIGKILL is
// the only quick way (SIGTERM takes minutes), and safe: see the package tests.
func (s *Server) kill() {
	s.stop()
	<-s.finished
	s.mu.Lock()
	defer s.mu.Unlock()
	s.output.Close()
	s.folder.close()
}

// Healthy reports whether the server answers now.
func (s *Server) Healthy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.healthy
}

// Starts counts how often the server has been started: 1 until it first dies.
func (s *Server) Starts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.starts
}

// PID is the process id of Milvus itself, 0 while it does not run.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return 0
	}
	return s.running.milvusPID
}

// Exposure says who can reach the server.
func (s *Server) Exposure() Exposure {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.exposure
}

// Config connects to this server, see Connect.
func (s *Server) Config() Config {
	// Its version has holes that are known, which nobody can use: in a cage its ports answer
	// this program alone. Outside of one, whoever asked for that was told that everybody can
	// read and delete; most ports want no password there to begin with.
	config := Config{Address: "embedded.invalid:19530", Dialer: s.Dial, Logger: s.log, AcceptHoles: true}
	if s.exposure.cage.ownNetwork() {
		return config // nobody else can come in
	}
	if password, err := s.folder.password(); err == nil {
		config.Username, config.Password = rootUser, password
	}
	return config
}

// Dial opens a connection to the server, ignoring the address. It fails at
// once while no server runs.
func (s *Server) Dial(ctx context.Context, _ string) (net.Conn, error) {
	return dialDoor(ctx, s.folder.path)
}

// errDied says that the server ended by itself, errNoReason that it did so with exit
// code 0.
var (
	errDied     = errors.New("the server died")
	errNoReason = errors.New("it says that all is well")
)

// removeIfExists is os.Remove without complaint about a missing file.
func removeIfExists(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
