package postgrestest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// nobody is the user that Postgres runs as when the tests run as root, which Postgres
// refuses.
const nobody = 65534

// settle returns the user to run Postgres as, and where that user finds its
// programs: if nobody cannot reach them, as in a cache of root, they are copied
// into the server's folder.
func (s *server) settle(programs string) (*syscall.SysProcAttr, string, error) {
	user := diesWithParent()
	programs, err := filepath.Abs(programs)
	if err != nil || os.Geteuid() != 0 {
		return user, programs, err
	}
	user.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	if err := os.Chown(s.folder, nobody, nobody); err != nil {
		return nil, "", err
	}
	if reachable(programs) {
		return user, programs, nil
	}
	own := filepath.Join(s.folder, "programs")
	if err := copyFor(nobody, programs, own); err != nil {
		return nil, "", fmt.Errorf("copy for the user %d: %w", nobody, err)
	}
	return user, own, nil
}

// copyFor makes a copy that belongs to a user.
func copyFor(user int, source, target string) error {
	if err := os.CopyFS(target, os.DirFS(source)); err != nil {
		return err
	}
	return filepath.WalkDir(target, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, user, user)
	})
}

// reachable reports whether every user may enter a folder and all above it.
func reachable(folder string) bool {
	folder, err := filepath.EvalSymlinks(folder)
	for err == nil {
		var info os.FileInfo
		if info, err = os.Stat(folder); err != nil || info.Mode()&0o001 == 0 {
			return false
		}
		if folder == filepath.Dir(folder) {
			return true
		}
		folder = filepath.Dir(folder)
	}
	return false
}
