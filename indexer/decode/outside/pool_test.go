package outside

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"polylens/internal/hook"
)

// pool is one with all decoders, which is closed after the test.
func pool(t testing.TB, options Options) *Pool {
	t.Helper()
	options.Libraries = map[string]string{}
	for _, name := range []string{"paint", "crash", "sleep", "spin", "hog", "go-hog", "refuse", "garbage", "small", "escape", "process", "absent"} {
		options.Libraries[name] = ""
	}
	p := New(options)
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func request(decoder string) Request {
	return Request{Decoder: decoder, Size: image.Pt(3, 2), Memory: 16 << 20, Data: []byte("abcde")}
}

// works checks that the pool still paints.
func works(t *testing.T, p *Pool) {
	t.Helper()
	reply, err := p.Decode(t.Context(), request("paint"))
	if err != nil {
		t.Fatal(err)
	}
	m, ok := reply.Image.(*image.NRGBA)
	if !ok || m.Rect != image.Rect(0, 0, 3, 2) || string(m.Pix) != "abcdeabcdeabcdeabcdeabcd" {
		t.Errorf("%#v", reply.Image)
	}
	if string(reply.Profile) != "profile" || len(reply.Warnings) != 1 || reply.Warnings[0] != "It is painted." {
		t.Errorf("%q, %q", reply.Profile, reply.Warnings)
	}
}

// processOf is the process that decodes next, if nothing else happens.
func processOf(t testing.TB, p *Pool) int {
	t.Helper()
	_, err := p.Decode(t.Context(), request("process"))
	var pid int
	if _, scan := fmt.Sscanf(fmt.Sprint(err), ErrRefused.Error()+": %d", &pid); scan != nil {
		t.Fatalf("%v: %v", err, scan)
	}
	return pid
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func eventually(t *testing.T, what string, happens func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if happens() {
			return
		}
	}
	t.Errorf("%s: not within 10 s", what)
}

func TestDecode(t *testing.T) {
	p := pool(t, Options{})
	works(t, p)
	first := processOf(t, p)
	works(t, p)
	if second := processOf(t, p); first != second || first == os.Getpid() {
		t.Errorf("processes %d and %d; the parent is %d", first, second, os.Getpid())
	}
}

func TestLargePicture(t *testing.T) {
	p := pool(t, Options{})
	large := Request{Decoder: "paint", Size: image.Pt(3000, 2000), Memory: 64 << 20, Data: bytes.Repeat([]byte("0123456789abcdef"), 1<<20)}
	reply, err := p.Decode(t.Context(), large)
	if err != nil {
		t.Fatal(err)
	}
	if m := reply.Image.(*image.NRGBA); !bytes.Equal(m.Pix, bytes.Repeat([]byte("0123456789abcdef"), 4*3000*2000/16)) {
		t.Error("the picture has other pixels")
	}
}

// What happens to one picture is said of it, and the next is none the worse.
func TestProblems(t *testing.T) {
	p := pool(t, Options{})
	garbled := request("garbage")
	garbled.Data = bytes.Repeat([]byte("\xFF"), 100)
	for _, tt := range []struct {
		request Request
		want    error
		says    string
	}{
		{request("refuse"), ErrRefused, "it is ugly"},
		{request("small"), ErrRefused, "pixels instead of"},
		{request("absent"), ErrAbsent, "no such library"},
		{request("unheard of"), ErrAbsent, "unheard of"},
		{request("crash"), ErrCrashed, "fault address"},
		{request("hog"), ErrMemory, "MiB"},
		{request("go-hog"), ErrMemory, "memory"},
		{garbled, ErrCrashed, "no reply"},
	} {
		t.Run(tt.request.Decoder, func(t *testing.T) {
			reply, err := p.Decode(t.Context(), tt.request)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) || reply.Image != nil {
				t.Errorf("%v, want %q with %q", err, tt.want, tt.says)
			}
			works(t, p)
		})
	}
}

// The largest memory of any request is what the pool allows.
func TestPoolBoundsMemory(t *testing.T) {
	p := pool(t, Options{Memory: 8 << 20})
	greedy, dishonest := request("paint"), request("paint")
	greedy.Size, greedy.Memory = image.Pt(8000, 8000), 1<<40
	dishonest.Size, dishonest.Memory = image.Pt(8000, 8000), 1<<20
	for _, request := range []Request{greedy, dishonest} {
		if _, err := p.Decode(t.Context(), request); !errors.Is(err, ErrMemory) {
			t.Errorf("%v, want %q", err, ErrMemory)
		}
	}
	modest := request("paint")
	modest.Memory = 8 << 20
	if _, err := p.Decode(t.Context(), modest); err != nil {
		t.Error(err)
	}
}

// A request that needs its memory gets it, time after time.
func TestMemoryIsGivenBack(t *testing.T) {
	p := pool(t, Options{Memory: 70 << 20})
	large := Request{Decoder: "paint", Size: image.Pt(4000, 4000), Memory: 70 << 20, Data: []byte("x")}
	for range 5 {
		if _, err := p.Decode(t.Context(), large); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDeadline(t *testing.T) {
	p := pool(t, Options{})
	for _, decoder := range []string{"sleep", "spin"} {
		before := processOf(t, p)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		begun := time.Now()
		_, err := p.Decode(ctx, request(decoder))
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > 5*time.Second {
			t.Errorf("%s: %v after %v", decoder, err, time.Since(begun))
		}
		if alive(before) {
			t.Errorf("%s: process %d is still there", decoder, before)
		}
		works(t, p)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Decode(canceled, request("paint")); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	works(t, p)
}

// working waits for the only child at work and returns its process.
func working(t *testing.T, p *Pool) *os.Process {
	t.Helper()
	var process *os.Process
	eventually(t, "a child works", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		for c := range p.working {
			process = c.command.Process
		}
		return process != nil
	})
	time.Sleep(50 * time.Millisecond) // into the picture
	return process
}

// A child that is killed during a picture costs a second try; killed again, it is said.
func TestKilled(t *testing.T) {
	p := pool(t, Options{})
	problem := make(chan error)
	go func() {
		_, err := p.Decode(t.Context(), request("sleep"))
		problem <- err
	}()
	first := working(t, p)
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first is gone", func() bool { return !alive(first.Pid) })
	second := working(t, p)
	if second.Pid == first.Pid {
		t.Fatal("there is no second try")
	}
	if err := second.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-problem; !errors.Is(err, ErrKilled) {
		t.Errorf("%v, want %q", err, ErrKilled)
	}
	works(t, p)
}

// One that is killed while it waits costs nothing.
func TestKilledWhileWaiting(t *testing.T) {
	p := pool(t, Options{})
	for range 3 {
		pid := processOf(t, p)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		works(t, p)
	}
}

func TestIdleEnd(t *testing.T) {
	p := pool(t, Options{Idle: 30 * time.Millisecond})
	pid := processOf(t, p)
	eventually(t, "the idle child has ended", func() bool { return !alive(pid) })
	works(t, p)
}

func TestChildren(t *testing.T) {
	p := pool(t, Options{Children: 2})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20 {
				if _, err := p.Decode(t.Context(), request("paint")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if n := len(p.waiting); n < 1 || n > 2 {
		t.Errorf("%d children", n)
	}
}

func TestClose(t *testing.T) {
	p := pool(t, Options{Children: 2})
	waits := processOf(t, p)
	problem := make(chan error)
	go func() {
		_, err := p.Decode(t.Context(), request("sleep"))
		problem <- err
	}()
	working(t, p)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-problem; err == nil {
		t.Error("a picture of a closed pool")
	}
	if alive(waits) {
		t.Error("a child has survived")
	}
	if _, err := p.Decode(t.Context(), request("paint")); !errors.Is(err, ErrAbsent) {
		t.Errorf("%v after the end", err)
	}
}

// A child at work notices that the parent is gone, without a signal.
func TestParentGone(t *testing.T) {
	for _, decoder := range []string{"sleep", "spin"} {
		c, err := start(childTask{Libraries: map[string]string{decoder: ""}})
		if err != nil {
			t.Fatal(err)
		}
		if err := writeRequest(c.requests, request(decoder)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
		c.requests.Close() // as the system does for a process that ends
		select {
		case <-c.ended:
		case <-time.After(10 * time.Second):
			t.Errorf("%s: the child goes on", decoder)
		}
		c.end()
	}
}

func TestConfined(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux filters system calls")
	}
	written := filepath.Join(t.TempDir(), "written")
	attempt := request("escape")
	attempt.Data = []byte(written)
	_, err := pool(t, Options{}).Decode(t.Context(), attempt)
	if want := ErrRefused.Error() + ": free to: []"; err == nil || err.Error() != want {
		t.Errorf("%v, want %q", err, want)
	}
	if _, err := os.Stat(written); err == nil {
		t.Error("a file was written")
	}
}

func TestNone(t *testing.T) {
	var none *Pool
	if none.Has("paint") || none.Close() != nil || New(Options{}).Has("paint") {
		t.Error("there is a decoder")
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, size := range []image.Point{{100, 100}, {1000, 1000}, {4000, 3000}} {
		p := pool(b, Options{})
		want := Request{Decoder: "paint", Size: size, Memory: 1 << 30, Data: make([]byte, size.X*size.Y/4)}
		b.Run(size.String(), func(b *testing.B) {
			b.SetBytes(int64(4 * size.X * size.Y))
			for b.Loop() {
				if _, err := p.Decode(b.Context(), want); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A program whose main has not called MaybeRunChild would run itself, without an end.
func TestForgottenHook(t *testing.T) {
	hooked.Called(false)
	defer hooked.Called(true)
	c, err := start(childTask{})
	if !errors.Is(err, hook.ErrMissing) {
		t.Errorf("got %v", err)
	}
	if err == nil {
		c.kill()
	}
}
