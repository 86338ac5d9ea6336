package disktest

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestDiskFillsUp(t *testing.T) {
	Run(t, 1<<20, func(t *testing.T, disk Disk) {
		path := filepath.Join(disk.Folder, "file")
		if err := os.WriteFile(path, make([]byte, 2<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
			t.Errorf("2 MiB on a disk of one: %v", err)
		}
		disk.Leave(t, 2<<20)
		if err := os.WriteFile(path, make([]byte, 2<<20), 0o600); err != nil {
			t.Error(err)
		}
		disk.Leave(t, 0)
		if err := os.WriteFile(path+"2", []byte("x"), 0o600); !errors.Is(err, unix.ENOSPC) {
			t.Errorf("a byte on a full disk: %v", err)
		}
	})
}
