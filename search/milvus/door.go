package milvus

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

const (
	doorName = "door.sock"
	// doorOpen is the byte that comes with a connected socket. Any other
	// answer is the text of an error.
	doorOpen = '+'
	// longestSocketPath is what fits into sockaddr_un, with its final zero.
	longestSocketPath = 107
)

// withDoorPath calls use with a name of the folder's door that fits into a
// socket address, however long the folder's own name is.
func withDoorPath(folder string, use func(path string) error) error {
	path := filepath.Join(folder, doorName)
	if len(path) <= longestSocketPath {
		return use(path)
	}
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer dir.Close()
	return use(fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), doorName))
}

// listenDoor opens the door for its owner alone and returns it as a file, to
// be inherited.
func listenDoor(folder string) (file *os.File, err error) {
	if err := removeIfExists(filepath.Join(folder, doorName)); err != nil {
		return nil, err
	}
	err = withDoorPath(folder, func(path string) error {
		listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			return err
		}
		listener.SetUnlinkOnClose(false)
		defer listener.Close()
		// Nobody slips in before this: the folder is its owner's alone.
		if err := os.Chmod(path, 0o600); err != nil {
			return err
		}
		file, err = listener.File()
		return err
	})
	return file, err
}

// dialDoor asks the keeper for a connection to Milvus.
func dialDoor(ctx context.Context, folder string) (conn net.Conn, err error) {
	err = withDoorPath(folder, func(path string) error {
		var dialer net.Dialer
		visitor, err := dialer.DialContext(ctx, "unix", path)
		if err != nil {
			return err
		}
		defer visitor.Close()
		deadline, ok := ctx.Deadline()
		if !ok {
			deadline = time.Now().Add(10 * time.Second)
		}
		if err := visitor.SetDeadline(deadline); err != nil {
			return err
		}
		conn, err = receiveConn(visitor.(*net.UnixConn))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("embedded Milvus: %w", err)
	}
	return conn, nil
}

// receiveConn takes the connected socket that comes through the door.
func receiveConn(visitor *net.UnixConn) (net.Conn, error) {
	file, err := receiveFile(visitor)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return net.FileConn(file)
}

// receiveFile takes the file that comes with one message. A message without one is
// the text of an error, a refusal.
func receiveFile(conn *net.UnixConn) (*os.File, error) {
	text, rights := make([]byte, 4096), make([]byte, unix.CmsgSpace(4))
	n, rightsLength, _, _, err := conn.ReadMsgUnix(text, rights)
	if err != nil {
		return nil, err
	}
	messages, err := unix.ParseSocketControlMessage(rights[:rightsLength])
	if err != nil {
		return nil, err
	}
	if len(messages) == 0 {
		return nil, refusal(text[:n])
	}
	files, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return nil, err
	}
	if len(files) != 1 {
		return nil, fmt.Errorf("%d files came at once", len(files))
	}
	return os.NewFile(uintptr(files[0]), "received"), nil
}

// sendFile sends what receiveFile takes.
func sendFile(conn *net.UnixConn, file int) error {
	_, _, err := conn.WriteMsgUnix([]byte{doorOpen}, unix.UnixRights(file), nil)
	return err
}

// refusal is what came instead of a file.
type refusal string

func (r refusal) Error() string {
	if r == "" {
		return "its keeper closed the door"
	}
	return string(r)
}
