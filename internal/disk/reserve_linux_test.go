package disk_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"polylens/internal/disk"
	"polylens/internal/disktest"
)

// On a full disk, what makes room gets what was reserved; afterwards that is reserved
// again, if there is room.
func TestReserve(t *testing.T) {
	disktest.Run(t, disk.Low+16<<20, func(t *testing.T, d disktest.Disk) {
		reserve, written := disk.NewReserve(filepath.Join(d.Folder, "reserve"), 4<<20), filepath.Join(d.Folder, "written")
		for range 2 {
			if err := reserve.Fill(); err != nil {
				t.Fatal(err)
			}
		}
		if used := d.Used(t); used < 4<<20 || used > 5<<20 {
			t.Errorf("%d bytes are in use", used)
		}
		d.Leave(t, 0)
		calls := 0
		write := func() error { calls++; return os.WriteFile(written, make([]byte, 1<<20), 0o600) }
		if err := reserve.Spend(write); err != nil || calls != 2 {
			t.Errorf("%d calls, %v", calls, err)
		}
		if err := reserve.Fill(); !errors.Is(err, disk.ErrFull) {
			t.Errorf("it is reserved again where it takes all that is left: %v", err)
		}
		d.Leave(t, 0)
		written += "-too"
		if err := reserve.Spend(write); !disk.IsFull(err) || calls != 3 {
			t.Errorf("once spent: %d calls, %v", calls, err)
		}
		d.Leave(t, disk.Low+8<<20)
		if err := reserve.Fill(); err != nil {
			t.Error(err)
		}
		if err := reserve.Spend(write); err != nil || calls != 4 {
			t.Errorf("with room: %d calls, %v", calls, err)
		}
		other := errors.New("another error")
		if err := reserve.Spend(func() error { return other }); err != other {
			t.Error(err)
		}
		if info, err := os.Stat(filepath.Join(d.Folder, "reserve")); err != nil || info.Size() != 4<<20 {
			t.Errorf("it was spent for nothing: %v, %v", info, err)
		}
	})
}
