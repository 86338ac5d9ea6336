package tune

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"polylens/encoder/ort"
	"polylens/internal/ordinary"
	"polylens/internal/replace"
)

// Key is what an answer holds for: on another machine, with another library or
// for another model it has to be measured again.
type Key struct {
	Processor string `json:"processor"`
	Cores     int    `json:"cores"`
	Library   string `json:"library"` // version of ONNX Runtime
	Device    string `json:"device"`
	Model     string `json:"model"` // fingerprint
	Precision string `json:"precision"`
}

// KeyOf is the key of a model on this machine. Of options, Device counts.
func KeyOf(environment *ort.Environment, options ort.Options, fingerprint, precision string) Key {
	if options.Device == "" {
		options.Device = ort.CPU
	}
	return Key{
		Processor: ort.Processor(), Cores: ort.Cores(), Library: environment.Version(),
		Device: options.Device, Model: fingerprint, Precision: precision,
	}
}

// answer is the content of a file.
type answer struct {
	Key
	Threads          int   `json:"threads"`
	SpinMicroseconds int64 `json:"spin_microseconds"`
}

// Beyond these an answer was not written by this package.
const (
	maxThreads = 4096
	maxSpin    = time.Second
)

// path is the file of a key, in a folder of its own in the cache folder.
func (k Key) path(cache string) string {
	hash := sha256.Sum256(fmt.Appendf(nil, "%#v", k))
	return filepath.Join(cache, "tuning", fmt.Sprintf("%x.json", hash[:8]))
}

// Load returns options with the threads that were stored for the key in the
// cache folder. What cannot be read counts as not stored: it is measured and
// stored again.
func Load(cache string, key Key, options ort.Options) (stored ort.Options, found bool) {
	content, err := ordinary.Read(key.path(cache), 1<<20)
	if err != nil {
		return options, false
	}
	kept, err := parse(content)
	if err != nil || kept.Key != key {
		return options, false
	}
	options.Threads = kept.Threads
	options.Spin = time.Duration(kept.SpinMicroseconds) * time.Microsecond
	return options, true
}

func parse(content []byte) (answer, error) {
	var kept answer
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&kept); err != nil {
		return kept, err
	}
	if kept.Threads < 1 || kept.Threads > maxThreads || kept.SpinMicroseconds < 0 || kept.SpinMicroseconds > maxSpin.Microseconds() {
		return kept, fmt.Errorf("%d threads that wait %d microseconds are out of range", kept.Threads, kept.SpinMicroseconds)
	}
	return kept, nil
}

// Save stores the threads of options for the key in the cache folder.
func Save(cache string, key Key, options ort.Options) error {
	content, err := json.MarshalIndent(answer{key, options.Threads, options.Spin.Microseconds()}, "", "  ")
	if err != nil {
		return err
	}
	path := key.path(cache)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("storing the measured threads: %w", err)
	}
	if err := replace.Volatile(path, append(content, '\n')); err != nil {
		return fmt.Errorf("storing the measured threads: %w", err)
	}
	return nil
}
