package milvus

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// socketCall is struct seccomp_notif: a thread of Milvus waits in socket(2).
type socketCall struct {
	ID     uint64
	PID    uint32
	Flags  uint32
	Number int32
	Arch   uint32
	At     uint64
	Args   [6]uint64
}

// socketGrant is struct seccomp_notif_addfd.
type socketGrant struct {
	ID       uint64
	Flags    uint32
	Socket   uint32
	As       uint32
	NewFlags uint32
}

// socketRefusal is struct seccomp_notif_resp.
type socketRefusal struct {
	ID    uint64
	Value int64
	Error int32
	Flags uint32
}

// answerCalls opens the sockets that Milvus asks for, until it has ended.
func answerCalls(calls *os.File, key signingKey) {
	defer calls.Close()
	listener := int(calls.Fd())
	for {
		var call socketCall
		err := nextCall(listener, &call)
		switch {
		case errors.Is(err, unix.EINTR) || errors.Is(err, unix.ENOENT):
			continue // the thread that called has been interrupted, and calls again
		case err != nil:
			fmt.Fprintln(os.Stderr, "keeper of Milvus: no more sockets for it:", err)
			return
		}
		if err := answerCall(listener, call, key); err != nil && !errors.Is(err, unix.ENOENT) {
			fmt.Fprintln(os.Stderr, "keeper of Milvus: a socket for it:", err)
		}
	}
}

// nextCall waits for a call.
func nextCall(listener int, call *socketCall) error {
	waiting := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
	if _, err := unix.Poll(waiting, -1); err != nil {
		return err
	}
	if waiting[0].Revents&unix.POLLIN == 0 {
		return errors.New("Milvus has ended")
	}
	return control(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(call))
}

// answerCall gives the caller its socket, or the error why it gets none.
func answerCall(listener int, call socketCall, key signingKey) error {
	err := grantSocket(listener, call, key)
	if err == nil {
		return nil
	}
	number := unix.EACCES
	errors.As(err, &number)
	refusal := socketRefusal{ID: call.ID, Error: -int32(number)}
	return control(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&refusal))
}

func grantSocket(listener int, call socketCall, key signingKey) error {
	kind := int(call.Args[1])
	socket, err := key.socket(int(call.Args[0]), kind, int(call.Args[2]))
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	// In one step, so that nothing is left in Milvus if the call was interrupted.
	grant := socketGrant{ID: call.ID, Flags: unix.SECCOMP_ADDFD_FLAG_SEND, Socket: uint32(socket)}
	if kind&unix.SOCK_CLOEXEC != 0 {
		grant.NewFlags = unix.O_CLOEXEC
	}
	return control(listener, unix.SECCOMP_IOCTL_NOTIF_ADDFD, unsafe.Pointer(&grant))
}

// control is ioctl(2). Its result does not matter: a grant returns the file's number
// in Milvus.
func control(file int, request uint, argument unsafe.Pointer) error {
	if _, _, number := unix.Syscall(unix.SYS_IOCTL, uintptr(file), uintptr(request), uintptr(argument)); number != 0 {
		return number
	}
	return nil
}
