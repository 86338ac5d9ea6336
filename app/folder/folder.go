package folder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"polylens/internal/lock"
	"polylens/internal/ordinary"
	"polylens/internal/replace"
)

// cardFile is the file in a data folder that says where its server listens.
const cardFile = "serve.json"

// LockFile is the file in a data folder whose lock its holder has.
const LockFile = "lock"

// RestoringFile is there while a backup is being restored into a data folder.
const RestoringFile = "restoring"

// ErrInUse marks a data folder that another process holds.
var ErrInUse = errors.New("in use")

// ErrComing is an ErrInUse by a server that does not listen yet, or no longer does.
var ErrComing error = coming{}

type coming struct{}

// Error implements error.
func (coming) Error() string { return ErrInUse.Error() }

// Is lets errors.Is find ErrInUse.
func (coming) Is(target error) bool { return target == ErrInUse }

// ServeCommand is the command that announces its holds.
const ServeCommand = "serve"

// Hold is this process's hold on a data folder. The kernel releases it when the
// process ends, however it ends.
type Hold struct {
	lock *lock.File
	card string // path of the file that says where the server listens
}

// Card tells other processes how to reach a server. It counts only while its
// writer holds the lock.
type Card struct {
	PID     int       `json:"pid"`
	Address string    `json:"address"` // host:port
	Started time.Time `json:"started"`
}

// Take takes the data folder for this process, creating it if needed, or fails
// with ErrInUse, wrapped, and the holder's card if it has one. One into which a backup was
// not restored to the end is refused. It removes what an
// earlier holder left half written when it replaced its card or one of the files in
// replaced.
func Take(data, command string, replaced ...string) (*Hold, Card, error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, Card{}, fmt.Errorf("data folder: %w", err)
	}
	h := &Hold{card: filepath.Join(data, cardFile)}
	var err error
	var held *lock.HeldError
	h.lock, err = lock.Try(filepath.Join(data, LockFile), fmt.Sprint(os.Getpid(), note(command)))
	if errors.As(err, &held) {
		card, inUse := readCard(h.card), ErrInUse
		if card.Address == "" && strings.HasSuffix(held.Holder, note(ServeCommand)) {
			inUse = ErrComing
		}
		return nil, card, fmt.Errorf("the data folder %s is %w by process %s: wait for it, stop it, or name another folder with --data",
			data, inUse, held.Holder)
	}
	if err != nil {
		return nil, Card{}, fmt.Errorf("data folder: %w", err)
	}
	if _, err := os.Lstat(filepath.Join(data, RestoringFile)); err == nil {
		return nil, Card{}, errors.Join(fmt.Errorf("a restore into the data folder %s did not come to its end: delete all that is in it, and restore again", data), h.lock.Close())
	}
	if err := h.clear(data, replaced); err != nil {
		return nil, Card{}, errors.Join(fmt.Errorf("data folder: %w", err), h.lock.Close())
	}
	return h, Card{}, nil
}

// note says in the lock what its holder does.
func note(command string) string { return fmt.Sprintf(" (polylens %s)", command) }

// clear removes what an earlier holder has left.
func (h *Hold) clear(data string, replaced []string) error {
	err := os.Remove(h.card)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	for _, name := range append(replaced, cardFile) {
		err = errors.Join(err, replace.Sweep(filepath.Join(data, name)))
	}
	return err
}

// Announce writes the card: from now on other processes find this server.
func (h *Hold) Announce(address string) error {
	data, err := json.Marshal(Card{PID: os.Getpid(), Address: address, Started: time.Now().UTC()})
	if err != nil {
		return err
	}
	return replace.Volatile(h.card, data) // it counts no longer than the lock is held
}

// Release lets go of the data folder.
func (h *Hold) Release(context.Context) error {
	err := os.Remove(h.card)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, h.lock.Close())
}

func readCard(path string) Card {
	var c Card
	if data, err := ordinary.Read(path, 1<<20); err == nil {
		_ = json.Unmarshal(data, &c) // a broken card is no card
	}
	return c
}

// Alive reports whether a server answers at the card's address.
func (c Card) Alive(ctx context.Context) bool {
	if c.Address == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Address+"/healthz", nil)
	if err != nil {
		return false
	}
	request.Host = "localhost" // which it answers for, whatever names others know it by
	direct := &http.Transport{DisableKeepAlives: true}
	response, err := direct.RoundTrip(request)
	if err != nil {
		return false
	}
	return response.Body.Close() == nil && response.StatusCode == http.StatusOK
}
