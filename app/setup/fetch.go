package setup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"polylens/internal/ordinary"
)

// fetchTimeout bounds one download. The clients have shorter limits of their
// own for a connection that stalls.
const fetchTimeout = time.Hour

// fetch returns the path of the package's file, verified: in the user's folder
// of packages if it is there, else downloaded into folder.
func (s *Setup) fetch(ctx context.Context, item Item, pkg Package, folder string) (string, error) {
	if s.options.From != "" {
		path := filepath.Join(s.options.From, pkg.File)
		if _, err := os.Stat(path); err == nil {
			return path, verify(path, pkg)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	if err := os.Mkdir(folder, 0o755); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	start := time.Now()
	event := Event{Item: item.Name, Stage: StageFetch, Name: pkg.Name + " " + pkg.Version, Total: pkg.Size}
	s.options.Progress(event)
	stop := s.watch(event, folder)
	err := download(ctx, pkg, folder)
	stop()
	if err != nil {
		return "", fmt.Errorf("fetch %s %s: %w", pkg.Name, pkg.Version, err)
	}
	path := filepath.Join(folder, pkg.File)
	if err := verify(path, pkg); err != nil {
		return "", fmt.Errorf("fetch %s %s: %w", pkg.Name, pkg.Version, err)
	}
	event.Stage, event.Elapsed = StageFetched, time.Since(start)
	s.options.Progress(event)
	return path, nil
}

// watch reports every few seconds how much has arrived below folder, until the
// returned function is called.
func (s *Setup) watch(event Event, folder string) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		start := time.Now()
		ticker := time.NewTicker(3 * time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
			}
			if _, bytes, err := measure(folder); err == nil { // files come and go: the next look will succeed
				event.Bytes = bytes
			}
			event.Elapsed = time.Since(start)
			s.options.Progress(event)
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// verify compares a file with the pinned hash.
func verify(path string, pkg Package) error {
	file, err := ordinary.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the client delivered no %s", pkg.File)
	}
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, file)
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != pkg.SHA256 {
		return fmt.Errorf("%s does not match its pinned checksum and is not used: SHA-256 is %s instead of %s, size %d instead of %d",
			pkg.File, got, pkg.SHA256, size, pkg.Size)
	}
	return nil
}
