package webtest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"syscall"
	"testing"
)

// ClientOf is a client whose connections another user of this machine makes, as far as the
// kernel can tell. It needs root; without, it is one of this user's and isOther is false,
// which the test's log says.
func ClientOf(t testing.TB, user int) (client *http.Client, isOther bool) {
	t.Helper()
	if isOther = syscall.Geteuid() == 0; !isOther {
		t.Logf("not root: user %d makes the connections of user %d", syscall.Geteuid(), user)
		user = syscall.Geteuid()
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		return dialAs(ctx, user, address)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}, isOther
}

// dialAs makes a socket as a user: its owner is who its thread is to file systems then.
func dialAs(ctx context.Context, user int, address string) (net.Conn, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := beForFiles(user); err != nil {
		return nil, err
	}
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "tcp4", address) // of one family, so that no other thread helps
	if back := beForFiles(syscall.Geteuid()); back != nil {
		panic(back) // other tests would go on as that user
	}
	return connection, err
}

// beForFiles sets the user that this thread is to file systems, and only that.
func beForFiles(user int) error {
	set := func(number int) int {
		before, _, _ := syscall.RawSyscall(syscall.SYS_SETFSUID, uintptr(uint32(number)), 0, 0)
		return int(int32(before))
	}
	set(user)
	if now := set(-1); now != user { // asks without a change
		return fmt.Errorf("cannot become user %d to file systems", user)
	}
	return nil
}
