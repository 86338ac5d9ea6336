package milvus

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"polylens/internal/disk"
	"polylens/internal/replace"
	"polylens/internal/text"
)

// ErrAway marks an embedded server that does not come to life, though nothing is missing
// and nobody refuses it: a later start may succeed.
var ErrAway = errors.New("Milvus does not come to life")

// Aside is a data folder that Milvus could not be started with. It lies beside its
// successor, which began empty.
type Aside struct {
	Folder string
	Bytes  int64 // that it takes on the disk
	Reason error // why Milvus ended, again and again
}

// asideMark is in the names of folders that were set aside, asideTime behind it.
const (
	asideMark = "-damaged-"
	asideTime = "20060102T150405Z"
	mostAside = 3 // beyond, something else is wrong, and the disk fills up
)

// SetAside lists the folders that were set aside for a data folder, the oldest first.
func SetAside(data string) ([]Aside, error) {
	found, err := filepath.Glob(text.QuoteGlob(data) + asideMark + "*")
	slices.Sort(found)
	aside := make([]Aside, 0, len(found))
	for _, folder := range found {
		aside = append(aside, Aside{Folder: folder, Bytes: bytesIn(folder)})
	}
	return aside, err
}

// bytesIn is the size of all files below a folder, as far as they can be seen.
func bytesIn(folder string) int64 {
	var sum int64
	_ = filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // the rest counts
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			sum += info.Size()
		}
		return nil
	})
	return sum
}

// renew gives a server that has died again and again an empty data folder, if it is
// the old one's fault, and otherwise returns whose fault it is. Everything that the
// old folder holds is also elsewhere: see search.Writer.
func (s *Server) renew(ctx context.Context, deaths []error) error {
	last := deaths[len(deaths)-1]
	if err := s.acquit(ctx, deaths); err != nil {
		return err
	}
	aside, err := s.folder.setAside(last)
	if err != nil {
		return fmt.Errorf("%w; its data folder seems to be damaged and cannot be set aside: %w", last, err)
	}
	s.log.Error("the data of Milvus is damaged: it is set aside, and Milvus begins with an empty folder, which the catalogue fills again",
		"reason", last, "kept", aside.Folder, "bytes", aside.Bytes, "remedy", "delete that folder once nobody wants to look into it")
	s.output.moved()
	if s.options.Renewed != nil {
		s.options.Renewed(aside)
	}
	return nil
}

// acquit returns nil only if nothing but the data folder can be at fault: the server
// ended by itself every time, not for want of room, memory or files, or lets nobody in,
// and one with an empty folder lives.
func (s *Server) acquit(ctx context.Context, deaths []error) error {
	last := deaths[len(deaths)-1]
	if err := disk.Check(s.folder.path, disk.Low); err != nil {
		return disk.Explain(fmt.Errorf("%w: %w", ErrAway, last), s.folder.path)
	}
	for _, death := range deaths {
		if !errors.Is(death, errDied) && !errors.Is(death, errLocked) || wasKilled(death) || isShort(death) {
			return death
		}
	}
	if !s.folder.used() || s.options.trial {
		return last
	}
	aside, err := SetAside(s.folder.path)
	if err != nil || len(aside) >= mostAside {
		return errors.Join(fmt.Errorf("%w; %d data folders were set aside before: delete them, or find out what damages them", last, len(aside)), err)
	}
	if err := s.tryEmpty(ctx); err != nil {
		return fmt.Errorf("%w; it does not start with an empty data folder either: its data is not at fault", last)
	}
	return nil
}

// wasKilled reports whether somebody ended the server, such as the kernel for want of
// memory.
func wasKilled(death error) bool {
	var exit *exec.ExitError
	if errors.As(death, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return true
		}
	}
	return strings.Contains(death.Error(), "signal: killed") || strings.Contains(death.Error(), "signal: terminated")
}

// isShort reports whether the server ended for want of something that more data needs
// more of, so that an empty folder proves nothing.
func isShort(death error) bool {
	text := strings.ToLower(death.Error())
	return slices.ContainsFunc([]string{
		"no space left", "disk quota", "out of memory", "cannot allocate", "bad_alloc", "too many open files",
		"resource temporarily unavailable", "permission denied", "read-only file system", "address already in use",
	}, func(words string) bool { return strings.Contains(text, words) })
}

// used reports whether a server has ever written into the folder.
func (f *dataFolder) used() bool {
	for _, name := range []string{"etcd", "rocksmq", "storage"} {
		if entries, err := os.ReadDir(filepath.Join(f.path, name)); err == nil && len(entries) > 0 {
			return true
		}
	}
	return false
}

// tryEmpty starts a server with an empty folder beside this one, and ends it.
func (s *Server) tryEmpty(ctx context.Context) error {
	options := s.options
	options.Data, options.trial, options.Renewed = s.folder.path+"-trial", true, nil
	options.Logger = slog.New(slog.DiscardHandler)
	if err := os.RemoveAll(options.Data); err != nil {
		return err
	}
	server, err := Start(ctx, options)
	if err == nil {
		server.kill()
	}
	return errors.Join(err, os.RemoveAll(options.Data))
}

// setAside gives the folder another name and takes an empty one in its place. The lock
// is held all the time: that of the old folder until the new one's is.
func (f *dataFolder) setAside(reason error) (Aside, error) {
	aside := Aside{Folder: f.path + asideMark + time.Now().UTC().Format(asideTime), Bytes: bytesIn(f.path), Reason: reason}
	if err := replace.Move(f.path, aside.Folder); err != nil {
		return Aside{}, err
	}
	fresh, err := openDataFolder(f.path)
	if err != nil {
		return Aside{}, errors.Join(err, replace.Move(aside.Folder, f.path))
	}
	f.lock.Close()
	f.lock = fresh.lock
	return aside, nil
}
