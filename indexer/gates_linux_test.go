package indexer

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"polylens/internal/disktest"
)

// mountAt mounts a file system in memory, or the folder from, at a folder.
func mountAt(t *testing.T, folder, from string) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	kind, flags := "tmpfs", uintptr(unix.MS_NOSUID|unix.MS_NODEV)
	if from != "" {
		kind, flags = "", unix.MS_BIND
	}
	if err := unix.Mount(from, folder, kind, flags, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(folder, unix.MNT_DETACH) })
}

func unmount(t *testing.T, folder string) {
	t.Helper()
	if err := unix.Unmount(folder, 0); err != nil {
		t.Fatal(err)
	}
}

// TestVanishedMounts: a disk that is mounted in the folder, and is not any more, has not
// lost its pictures, whatever is in its place.
func TestVanishedMounts(t *testing.T) {
	disktest.Run(t, 16<<20, func(t *testing.T, _ disktest.Disk) {
		for _, from := range []string{"", t.TempDir()} {
			for _, test := range []struct {
				what     string
				change   func(t *testing.T, folder, disk string)
				withheld int
				why      string
			}{
				{"it is not there", func(t *testing.T, _, disk string) {
					unmount(t, disk)
					removeAll(t, disk)
				}, 10, "nothing is mounted"},
				{"nor is the folder that it was in", func(t *testing.T, folder, disk string) {
					unmount(t, disk)
					removeAll(t, filepath.Dir(disk))
				}, 10, "nothing is mounted"},
				{"it is empty", func(t *testing.T, _, disk string) { unmount(t, disk) }, 10, "empty"},
				{"it is a folder with pictures", func(t *testing.T, _, disk string) {
					unmount(t, disk)
					numbered(t, disk, "x%d.png", 300, 9)
				}, 10, "another folder"},
				{"it is another disk", func(t *testing.T, _, disk string) {
					unmount(t, disk)
					mountAt(t, disk, "")
					for i := range 5 {
						write(t, disk, map[string][]byte{fmt.Sprintf("%d.png", i): append(picture(300+i), "longer"...)})
					}
				}, 10, "another folder"},
				{"it lies over a folder with pictures", func(t *testing.T, folder, disk string) {
					rest := filepath.Join(folder, "rest")
					mountAt(t, rest, "")
					numbered(t, rest, "x%d.png", 400, 9)
				}, 20, "another folder"},
				{"its pictures are deleted, but one", func(t *testing.T, _, disk string) {
					for i := range 4 {
						removeAll(t, filepath.Join(disk, fmt.Sprintf("%d.png", i)))
					}
				}, 0, ""},
				{"a folder on it is deleted", func(t *testing.T, folder, disk string) {
					removeAll(t, filepath.Join(disk, "more"))
				}, 0, ""},
				{"it is mounted again, with the same pictures", func(t *testing.T, _, disk string) {
					unmount(t, disk)
					mountAt(t, disk, "")
					numbered(t, disk, "%d.png", 200, 5)
					numbered(t, disk, "more/%d.png", 210, 5)
				}, 0, ""},
			} {
				t.Run(test.what, func(t *testing.T) {
					b := newBench(t, Options{})
					disk := filepath.Join(b.folder, "deep/disk")
					numbered(t, b.folder, "rest/%02d.png", 0, 20)
					numbered(t, b.folder, "others/%02d.png", 50, 100)
					mountAt(t, disk, from)
					numbered(t, disk, "%d.png", 200, 5)
					numbered(t, disk, "more/%d.png", 210, 5)
					wantCounts(t, "first", b.run(t), counts{encoded: 130})
					test.change(t, b.folder, disk)
					b.wantWithheld(t, test.withheld, test.why, func(*Request) {})
				})
				if from != "" {
					removeAll(t, from)
					if err := os.Mkdir(from, 0o755); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	})
}

// TestUnmountedByALink: a mount point that was reached through a link which is gone may be
// mounted still; the link was taken away by somebody.
func TestUnmountedByALink(t *testing.T) {
	disktest.Run(t, 16<<20, func(t *testing.T, _ disktest.Disk) {
		b, elsewhere := newBench(t, Options{}), t.TempDir()
		numbered(t, b.folder, "rest/%02d.png", 0, 100)
		mountAt(t, filepath.Join(elsewhere, "disk"), "")
		numbered(t, elsewhere, "disk/%d.png", 200, 5)
		link(t, b.folder, map[string]string{"away": elsewhere})
		follow := b.following(t)
		wantCounts(t, "first", b.runAs(t, follow), counts{encoded: 105})
		removeAll(t, filepath.Join(b.folder, "away"))
		wantCounts(t, "without the link", b.runAs(t, follow), counts{skipped: 100, removed: 5})
	})
}
