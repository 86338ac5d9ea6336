package milvus

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// dataFolder is the folder of one embedded server, held by one process:
//
//	lock            whoever holds its flock owns the folder; text: its pid
//	door.sock       the way in, while the server runs
//	processes.json  what runs, so that a later start can end leftovers
//	password        of Milvus' root user, used when it is not isolated
//	configs/        written by us before every start
//	logs/           server.log (output), Milvus' own log and etcd's
//	etcd/ rocksmq/ storage/ tmp/  Milvus' own
type dataFolder struct {
	path string
	lock *os.File
}

// openDataFolder creates the folder if needed and takes its lock.
func openDataFolder(path string) (*dataFolder, error) {
	if path == "" {
		return nil, errors.New("the embedded Milvus needs a data folder")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	for _, dir := range []string{path, filepath.Join(path, "configs"), filepath.Join(path, "logs"), filepath.Join(path, "tmp")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	if err := os.Chmod(path, 0o700); err != nil {
		return nil, fmt.Errorf("the data folder must belong to the user who runs Polylens: %w", err)
	}
	lock, err := takeLock(filepath.Join(path, "lock"))
	if err != nil {
		return nil, err
	}
	return &dataFolder{path: path, lock: lock}, nil
}

// takeLock locks a file for this process and writes its pid into it.
func takeLock(path string) (*os.File, error) {
	lock, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		holder, _ := os.ReadFile(path)
		err = fmt.Errorf("the Milvus data folder %s is in use by process %s: stop that Polylens or give this one another data folder",
			filepath.Dir(path), strings.TrimSpace(string(holder)))
	}
	if err == nil {
		err = lock.Truncate(0)
	}
	if err == nil {
		_, err = fmt.Fprintln(lock, os.Getpid())
	}
	if err != nil {
		lock.Close()
		return nil, err
	}
	return lock, nil
}

// close releases the lock.
func (f *dataFolder) close() { f.lock.Close() }

func (f *dataFolder) door() string { return filepath.Join(f.path, doorName) }
func (f *dataFolder) logs() string { return filepath.Join(f.path, "logs") }

// password reads the password of Milvus' root user, making it at first use.
func (f *dataFolder) password() (string, error) {
	path := filepath.Join(f.path, "password")
	text, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	password := rand.Text()
	return password, writeFile(path, []byte(password+"\n"))
}

// writeSettings writes the configuration of Milvus and of its etcd.
func (f *dataFolder) writeSettings(ports ports, isolated bool) error {
	for name, settings := range map[string]any{
		"milvus.yaml": milvusSettings(f.path, ports, !isolated),
		"etcd.yaml":   etcdSettings(ports),
	} {
		text, err := json.MarshalIndent(settings, "", "  ") // JSON is YAML
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(f.path, "configs", name), append(text, '\n')); err != nil {
			return err
		}
	}
	return writeFile(filepath.Join(f.path, "configs", "glog.conf"), []byte(glogSettings))
}

// writeFile replaces a file that only its owner can read, at once or not at all.
func writeFile(path string, content []byte) error {
	temp := path + ".new"
	file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(temp, path)
}
