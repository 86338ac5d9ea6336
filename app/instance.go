package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"polylens/app/rollout"
	"polylens/internal/lock"
	"polylens/internal/replace"
)

// instance is this process's hold on the data folder. The kernel lets go of it
// with the process, however it ends.
type instance struct {
	lock *lock.File
	card string // path of the file that says where the server listens
}

// card tells other processes how to reach a server. It counts only while its
// writer holds the lock.
type card struct {
	PID     int       `json:"pid"`
	Address string    `json:"address"` // host:port
	Started time.Time `json:"started"`
}

// hold takes the data folder for this process, creating it if needed, or
// fails with errInUse, wrapped, and the holder's card if it has one.
func hold(data, command string) (*instance, card, error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, card{}, fmt.Errorf("data folder: %w", err)
	}
	i := &instance{card: filepath.Join(data, "serve.json")}
	var err error
	var held *lock.HeldError
	i.lock, err = lock.Try(filepath.Join(data, "lock"), fmt.Sprintf("%d (polylens %s)", os.Getpid(), command))
	if errors.As(err, &held) {
		return nil, readCard(i.card), fmt.Errorf("the data folder %s is %w by process %s: wait for it, stop it, or name another folder with --data",
			data, errInUse, held.Holder)
	}
	if err != nil {
		return nil, card{}, fmt.Errorf("data folder: %w", err)
	}
	if err := i.clear(data); err != nil {
		return nil, card{}, errors.Join(fmt.Errorf("data folder: %w", err), i.lock.Close())
	}
	return i, card{}, nil
}

// clear removes what an earlier holder has left.
func (i *instance) clear(data string) error {
	err := os.Remove(i.card)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, replace.Sweep(i.card), replace.Sweep(filepath.Join(data, rollout.ChoiceFile)))
}

// announce writes the card: from now on other processes find this server.
func (i *instance) announce(address string) error {
	data, err := json.Marshal(card{PID: os.Getpid(), Address: address, Started: time.Now().UTC()})
	if err != nil {
		return err
	}
	return replace.Volatile(i.card, data) // it counts no longer than the lock is held
}

// release lets go of the data folder.
func (i *instance) release(context.Context) error {
	err := os.Remove(i.card)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, i.lock.Close())
}

func readCard(path string) card {
	var c card
	if data, err := os.ReadFile(path); err == nil {
		_ = json.Unmarshal(data, &c) // a broken card is no card
	}
	return c
}

// alive reports whether a server answers at the card's address.
func (c card) alive(ctx context.Context) bool {
	if c.Address == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Address+"/healthz", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	return response.Body.Close() == nil && response.StatusCode == http.StatusOK
}
