package milvus

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"polylens/internal/lock"
	"polylens/internal/replace"
)

// dataFolder is the folder of one embedded server, held by one process:
//
//	lock            whoever holds its flock owns the folder; text: its pid
//	door.sock       the way in, while the server runs
//	processes.json  what runs, so that a later start can end leftovers
//	ports.json      of the last run, used when it has no network of its own
//	password        of Milvus' root user, used when it has no network of its own
//	configs/        written by us before every start
//	logs/           server.log (output), Milvus' own log and etcd's
//	etcd/ rocksmq/ storage/ tmp/  Milvus' own
//
// Beside it may lie NAME-damaged-TIME, folders that were set aside, see damage.go.
type dataFolder struct {
	path string
	lock *lock.File
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
	held, err := takeLock(filepath.Join(path, "lock"))
	if err != nil {
		return nil, err
	}
	folder := &dataFolder{path: path, lock: held}
	if err := errors.Join(replace.Sweep(folder.passwordFile()), replace.Sweep(folder.processes()), replace.Sweep(folder.portsFile())); err != nil {
		return nil, errors.Join(err, held.Close())
	}
	return folder, nil
}

// takeLock locks a file for this process and writes its pid into it.
func takeLock(path string) (*lock.File, error) {
	taken, err := lock.Try(path, strconv.Itoa(os.Getpid()))
	var held *lock.HeldError
	if errors.As(err, &held) {
		return nil, fmt.Errorf("the Milvus data folder %s is in use by process %s: stop that Polylens or give this one another data folder",
			filepath.Dir(path), held.Holder)
	}
	return taken, err
}

// close releases the lock.
func (f *dataFolder) close() { f.lock.Close() }

func (f *dataFolder) door() string { return filepath.Join(f.path, doorName) }
func (f *dataFolder) logs() string { return filepath.Join(f.path, "logs") }

func (f *dataFolder) passwordFile() string { return filepath.Join(f.path, "password") }

// password reads the password of Milvus' root user, making it at first use.
func (f *dataFolder) password() (string, error) {
	path := f.passwordFile()
	text, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	password := rand.Text()
	return password, replace.Durable(path, []byte(password+"\n"), replace.Private)
}

// writeSettings writes the configuration of Milvus and of its etcd.
func (f *dataFolder) writeSettings(ports ports, ownNetwork bool) error {
	for name, settings := range map[string]any{
		"milvus.yaml": milvusSettings(f.path, ports, !ownNetwork),
		"etcd.yaml":   etcdSettings(ports),
	} {
		text, err := json.MarshalIndent(settings, "", "  ") // JSON is YAML
		if err != nil {
			return err
		}
		if err := replace.Durable(filepath.Join(f.path, "configs", name), append(text, '\n'), replace.Private); err != nil {
			return err
		}
	}
	return replace.Durable(filepath.Join(f.path, "configs", "glog.conf"), []byte(glogSettings), replace.Private)
}
