package milvus

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// trySigned reports nil when signed sockets work here: who has the key gets through
// to a stand-in for Milvus, and nobody else.
func trySigned() error {
	command, err := childCommand(childTask{StandIn: true})
	if err != nil {
		return err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	command.Stdout, command.Stderr = write, os.Stderr
	key := newKey()
	err = startSigned(command, key)
	write.Close()
	if err != nil {
		return err
	}
	defer func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	}()
	port, err := readPort(read)
	if err != nil {
		return err
	}
	return knock(fmt.Sprintf("127.0.0.1:%d", port), key.dialer())
}

// standInReport is what the stand-in says: its port, or why it has none.
type standInReport struct {
	keeperReport
	Port int
}

// readPort reads the report of the stand-in.
func readPort(pipe *os.File) (int, error) {
	if err := pipe.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return 0, err
	}
	var report standInReport
	if err := json.NewDecoder(pipe).Decode(&report); err != nil {
		return 0, fmt.Errorf("the stand-in for Milvus says nothing: %w", err)
	}
	return report.Port, report.err()
}

// knock tries an address with the key and without.
func knock(address string, friend net.Dialer) error {
	friend.Timeout = 5 * time.Second
	conn, err := friend.Dial("tcp4", address)
	if err != nil {
		return fmt.Errorf("try a signed socket: %w", err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(friend.Timeout)); err != nil {
		return err
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		return fmt.Errorf("try a signed socket: %w", err)
	}
	// A stranger's packets are dropped, so this takes its whole time.
	stranger, err := net.DialTimeout("tcp4", address, 250*time.Millisecond)
	if err == nil {
		return errors.Join(errUnguarded, stranger.Close())
	}
	return nil
}

// standIn opens a port as Milvus does, says which, and greets everybody who comes.
func standIn() error {
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		return errors.Join(err, json.NewEncoder(os.Stdout).Encode(standInReport{keeperReport: reportOf(err)}))
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := json.NewEncoder(os.Stdout).Encode(standInReport{Port: port}); err != nil {
		return err
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		_, _ = conn.Write([]byte{doorOpen})
		conn.Close()
	}
}
