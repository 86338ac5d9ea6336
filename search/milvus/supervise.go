package milvus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	firstPause   = 500 * time.Millisecond
	longPause    = 30 * time.Second
	calm         = time.Minute // a run this long forgets earlier failures
	lockedTrials = 20          // refusals of the password in a row, after which it is lost: Milvus may still be reading its own
	startTrials  = 3           // deaths in a row, none healthy before, after which somebody must be at fault
)

// supervise keeps the server running until ctx ends. It sends to first, once, whether
// the server came to life. A data folder that it cannot live with is replaced.
func (s *Server) supervise(ctx context.Context, first chan<- error) {
	defer close(s.finished)
	pause := firstPause
	var deaths []error // since the server was last healthy
	for {
		began := time.Now()
		wasHealthy, err := s.runOnce(ctx, first)
		if ctx.Err() != nil {
			return
		}
		deaths = append(deaths, err)
		if wasHealthy {
			deaths = nil
		}
		if len(deaths) == startTrials {
			if err = s.renew(ctx, deaths); err == nil {
				pause, deaths = firstPause, nil
				continue
			}
			deaths = nil
			offer(first, err) // heard only while Start still waits
		}
		if time.Since(began) > calm {
			pause = firstPause
		}
		s.log.Error("Milvus ended, starting it again", "error", err, "pause", pause, "log", s.folder.logs())
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, longPause)
	}
}

// offer sends without waiting for a listener.
func offer(channel chan<- error, err error) {
	select {
	case channel <- err:
	default:
	}
}

// runOnce starts the server, waits for its health, then for its end or until
// it has been sick for too long.
func (s *Server) runOnce(ctx context.Context, first chan<- error) (wasHealthy bool, err error) {
	ports, err := s.folder.choosePorts(s.exposure.cage.ownNetwork())
	if err != nil {
		return false, err
	}
	if err := s.folder.writeSettings(ports, s.exposure.cage.ownNetwork()); err != nil {
		return false, err
	}
	s.output.begin()
	process, err := s.startProcess(ports)
	if err != nil {
		return false, err
	}
	s.setRunning(process, ports)
	defer s.setStopped(process)

	healthCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	health := make(chan error, 2)
	go func() {
		err := s.waitHealthy(healthCtx)
		if health <- err; err == nil {
			health <- s.waitSick(healthCtx)
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return wasHealthy, ctx.Err()
		case <-process.done:
			return wasHealthy, s.died(process.err)
		case err := <-health:
			if err == nil {
				wasHealthy = true
				s.setHealthy()
				offer(first, nil)
			} else if ctx.Err() == nil {
				return wasHealthy, err // wrong password, or sick for too long
			}
		}
	}
}

// died says how the server ended.
func (s *Server) died(err error) error {
	how := cmp.Or(err, errNoReason)
	if line := s.output.lastLine(); strings.HasPrefix(line, keeperName) {
		how = fmt.Errorf("%w, %s", how, line)
	}
	return fmt.Errorf("%w (%w); its last words: %s", errDied, how, s.output.tail())
}

func (s *Server) setRunning(process *process, ports ports) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = process
	s.starts++
	if !s.exposure.cage.ownNetwork() {
		s.exposure.Ports = ports.open()
	}
	if err := s.folder.remember(process.keeperPID, process.milvusPID); err != nil {
		s.log.Warn("cannot note the process id of Milvus", "error", err)
	}
}

func (s *Server) setHealthy() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.healthy = true
	s.log.Info("Milvus is healthy", "pid", s.running.milvusPID, "isolated", s.exposure.Isolated)
}

// setStopped kills what is left of a process and forgets it.
func (s *Server) setStopped(process *process) {
	process.kill()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running, s.healthy = nil, false
	if err := errors.Join(removeIfExists(s.folder.door()), s.folder.forget()); err != nil {
		s.log.Warn("cannot tidy the Milvus data folder", "error", err)
	}
}

// waitHealthy asks until the server says that it is healthy. Silence beyond
// the limit, also after a restart, is an error: the supervisor starts afresh.
func (s *Server) waitHealthy(ctx context.Context) error {
	limit := max(s.options.StartTimeout, time.Minute)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began, told := time.Now(), time.Now()
	refused := 0
	for {
		err := s.checkHealth(ctx)
		if err == nil {
			return nil
		}
		if refused++; !errors.Is(err, errLocked) {
			refused = 0
		} else if refused == lockedTrials {
			return err
		}
		if time.Since(told) > 5*time.Second {
			told = time.Now()
			s.log.Info("waiting for Milvus", "for", time.Since(began).Round(time.Second), "answer", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not healthy after %s: %w", limit, err)
		case <-time.After(150 * time.Millisecond):
		}
	}
}

// waitSick watches a healthy server and returns why it no longer is one. A server
// that lost its session (a machine so busy that no lease was renewed in time) shuts
// its port and hangs forever instead of ending.
func (s *Server) waitSick(ctx context.Context) error {
	well := time.Now()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(s.options.SickAfter / 6):
		}
		err := s.checkHealth(ctx)
		if err == nil {
			well = time.Now()
			continue
		}
		if sick := time.Since(well); sick > s.options.SickAfter && ctx.Err() == nil {
			return fmt.Errorf("no healthy answer for %s: %w", sick.Round(time.Second), err)
		}
	}
}
