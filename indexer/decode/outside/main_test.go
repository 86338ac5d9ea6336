package outside

import (
	"errors"
	"fmt"
	"image"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unsafe"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	MaybeRunChild(map[string]Opener{
		"paint":   opens(paint),
		"crash":   opens(crash),
		"sleep":   opens(sleep),
		"spin":    opens(spin),
		"hog":     opens(hog),
		"go-hog":  opens(goHog),
		"refuse":  opens(refuse),
		"garbage": opens(garbage),
		"small":   opens(small),
		"escape":  opens(escape),
		"process": opens(process),
		"absent":  func(string) (Decode, error) { return nil, errors.New("there is no such library") },
	})
	goleak.VerifyTestMain(m)
}

func opens(decode Decode) Opener { return func(string) (Decode, error) { return decode, nil } }

// paint repeats the data.
func paint(request Request, allocate func(int) ([]byte, error)) (Reply, error) {
	pixels, err := allocate(4 * request.Size.X * request.Size.Y)
	if err != nil {
		return Reply{}, err
	}
	for done := copy(pixels, request.Data); done < len(pixels); done += done {
		copy(pixels[done:], pixels[:done])
	}
	img := &image.NRGBA{Pix: pixels, Stride: 4 * request.Size.X, Rect: image.Rectangle{Max: request.Size}}
	return Reply{Image: img, Profile: []byte("profile"), Warnings: []string{"It is painted."}}, nil
}

// crash writes where there is no memory, as a C library with a fault does.
func crash(Request, func(int) ([]byte, error)) (Reply, error) {
	nowhere := uintptr(0x100000)
	**(**int)(unsafe.Pointer(&nowhere)) = 1
	return Reply{}, nil
}

func sleep(Request, func(int) ([]byte, error)) (Reply, error) {
	time.Sleep(time.Hour)
	return Reply{}, nil
}

func spin(Request, func(int) ([]byte, error)) (Reply, error) {
	for i := 0; ; i++ {
		if i < 0 {
			return Reply{}, nil
		}
	}
}

// hog takes twice as much as it may have, piece by piece.
func hog(request Request, allocate func(int) ([]byte, error)) (Reply, error) {
	const piece = 8 << 20
	for taken := int64(0); taken < 2*request.Memory+2*room; taken += piece {
		memory, err := allocate(piece)
		if err != nil {
			return Reply{}, err
		}
		memory[0] = 1
	}
	return Reply{}, errors.New("nothing stopped it")
}

var hoard [][]byte

// goHog is hog for a decoder that does not survive a refusal.
func goHog(request Request, _ func(int) ([]byte, error)) (Reply, error) {
	for taken := int64(0); taken < 2*request.Memory+2*room; taken += 1 << 20 {
		hoard = append(hoard, make([]byte, 1<<20))
	}
	return Reply{}, errors.New("nothing stopped it")
}

func refuse(Request, func(int) ([]byte, error)) (Reply, error) {
	return Reply{}, errors.New("it is ugly")
}

func garbage(request Request, _ func(int) ([]byte, error)) (Reply, error) {
	os.Stdout.Write(request.Data)
	time.Sleep(time.Hour)
	return Reply{}, nil
}

func small(Request, func(int) ([]byte, error)) (Reply, error) {
	return Reply{Image: image.NewGray(image.Rect(0, 0, 1, 1))}, nil
}

// escape tries what a library that a picture has taken over would try, and says what
// succeeded.
func escape(request Request, _ func(int) ([]byte, error)) (Reply, error) {
	var free []string
	if _, err := os.ReadFile("/etc/passwd"); err == nil {
		free = append(free, "read a file")
	}
	if err := os.WriteFile(string(request.Data), []byte("x"), 0o600); err == nil {
		free = append(free, "wrote a file")
	}
	if _, err := net.Dial("unix", "/nowhere"); err != nil && !strings.Contains(err.Error(), "not permitted") {
		free = append(free, "made a socket")
	}
	if err := exec.Command("/bin/true").Run(); err == nil {
		free = append(free, "ran a program")
	}
	if n := len(os.Environ()); n > 0 {
		free = append(free, fmt.Sprintf("saw %d variables", n))
	}
	return Reply{}, fmt.Errorf("free to: %v", free)
}

// process tells its number.
func process(Request, func(int) ([]byte, error)) (Reply, error) {
	return Reply{}, fmt.Errorf("%d", os.Getpid())
}
