package milvus

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"

	"polylens/internal/ordinary"
	"polylens/internal/replace"
)

// choosePorts returns the default ports for a server with a network of its own, else
// free ones: those of the last run, if they still are. A Milvus that was killed has
// left its addresses in etcd, and its next run calls there before it is well.
func (f *dataFolder) choosePorts(ownNetwork bool) (ports, error) {
	if ownNetwork {
		return defaultPorts(), nil
	}
	if last, err := f.lastPorts(); err == nil {
		if chosen, err := freePorts(last); err == nil {
			return chosen, nil
		}
	}
	chosen, err := freePorts(make([]int, len(new(ports).all())))
	if err != nil {
		return ports{}, fmt.Errorf("find a free port for Milvus: %w", err)
	}
	return chosen, f.rememberPorts(chosen)
}

// freePorts takes a number for each of the ports, 0 for any. It fails if one is in use.
func freePorts(numbers []int) (chosen ports, err error) {
	var held []net.Listener // all at once, so that no port is found twice
	defer func() {
		for _, listener := range held {
			listener.Close()
		}
	}()
	for i, port := range chosen.all() {
		listener, err := net.Listen("tcp", fmt.Sprintf(":%d", numbers[i]))
		if err != nil {
			return ports{}, err
		}
		held = append(held, listener)
		*port = listener.Addr().(*net.TCPAddr).Port
	}
	return chosen, nil
}

func (f *dataFolder) portsFile() string { return filepath.Join(f.path, "ports.json") }

// lastPorts are the numbers of the last run's ports.
func (f *dataFolder) lastPorts() (numbers []int, err error) {
	text, err := ordinary.Read(f.portsFile(), 4096)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &numbers); err != nil {
		return nil, err
	}
	if len(numbers) != len(new(ports).all()) {
		return nil, errors.New("another number of ports")
	}
	return numbers, nil
}

func (f *dataFolder) rememberPorts(chosen ports) error {
	var numbers []int
	for _, port := range chosen.all() {
		numbers = append(numbers, *port)
	}
	text, err := json.Marshal(numbers)
	if err != nil {
		return err
	}
	return replace.Durable(f.portsFile(), text, replace.Private)
}
