package milvus

import (
	"errors"
	"fmt"
	"strings"
)

// Exposure says who can reach the embedded server.
type Exposure struct {
	// Isolated: nobody but this program.
	Isolated bool
	// Reason says why it is not isolated.
	Reason string
	// Ports it listens on, on every address of the machine. With a network of its
	// own there are none; if it is isolated without one, they do not answer.
	Ports []int

	cage cage
}

// String is one sentence for people, or two.
func (e Exposure) String() string {
	switch {
	case e.cage.ownNetwork():
		return fmt.Sprintf("Milvus runs in a network of its own (%s); nothing of it listens on this machine.", e.cage)
	case e.Isolated:
		return "Milvus listens on this machine, but hears only what Polylens and itself have signed with a key that nobody else knows."
	}
	return fmt.Sprintf("Milvus listens on every address of this machine%s, with a password on its main port only, because %s. Close these ports with a firewall.",
		portWords(e.Ports), e.Reason)
}

func portWords(ports []int) string {
	if len(ports) == 0 {
		return ""
	}
	words := make([]string, len(ports))
	for i, port := range ports {
		words[i] = fmt.Sprint(port)
	}
	return fmt.Sprintf(" (ports %s)", strings.Join(words, ", "))
}

// Probe says what a server that Start runs on this system would expose, without
// starting one. It fails where Start would refuse, with the same error.
func Probe(expose bool) (Exposure, error) {
	found, err := findCage()
	switch {
	case err == nil:
		return Exposure{Isolated: true, cage: found}, nil
	case !errors.Is(err, ErrRefused):
		return Exposure{}, err
	case expose:
		return Exposure{Reason: err.Error()}, nil
	}
	return Exposure{}, fmt.Errorf("%w: %s", err, Remedies)
}
