package progress

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal is a terminal and the side of it at which one sits.
func terminal(t *testing.T) (program, person *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return program, person
}

func TestNewKnowsTerminals(t *testing.T) {
	program, person := terminal(t)
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if New(file).live || New(&bytes.Buffer{}).live {
		t.Error("a file or a buffer counts as a terminal")
	}
	New(program).Show(Text("half"))
	seen := make([]byte, 100)
	n, err := person.Read(seen)
	if want := "\r\x1b[Khalf\r"; err != nil || string(seen[:n]) != want {
		t.Errorf("the terminal gets %q, %v", seen[:n], err)
	}
}
