package hub

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"polylens/internal/ordinary"
	"polylens/internal/replace"
)

// Fingerprint identifies what a model computes: 64 hexadecimal digits, the
// SHA-256 over names, sizes and contents of its config, weights, tokenizer and
// preprocessing files. Digests of files are remembered in the user's cache
// folder by path, size and time of change, so that only new files are read.
func Fingerprint(dir string) (string, error) {
	files, err := filesOf(dir)
	if err != nil {
		return "", err
	}
	return fingerprintIn(dir, files)
}

// FingerprintExport is the fingerprint of a model of kind onnx that is opened
// with the files of a suffix, one of onnxfile.Suffixes.
func FingerprintExport(dir, suffix string) (string, error) {
	names, err := exportFiles(dir, suffix)
	if err != nil {
		return "", err
	}
	files, err := sized(dir, names)
	if err != nil {
		return "", err
	}
	return fingerprintIn(dir, files)
}

func fingerprintIn(dir string, files []File) (string, error) {
	return fingerprintOf(files, func(name string) (string, error) {
		return fileDigest(filepath.Join(dir, filepath.FromSlash(name)))
	})
}

// fingerprintOf combines files, sorted by name, and their digests.
func fingerprintOf(files []File, digestOf func(name string) (string, error)) (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, "polylens model 1")
	for _, file := range files {
		digest, err := digestOf(file.Name)
		if err != nil {
			return "", fmt.Errorf("fingerprint of the model: %w", err)
		}
		fmt.Fprintf(sum, "%s %d %s\n", file.Name, file.Bytes, digest)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// settled is how long a file must have been left alone before its digest is
// remembered: a change within one tick of the clock leaves size and time equal.
const settled = 3 * time.Second

// fileDigest is the SHA-256 of a file in hexadecimal, from the cache if it can.
func fileDigest(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	info, err := ordinary.Stat(absolute)
	if err != nil {
		return "", err
	}
	entry := cacheEntry(absolute, info)
	if digest, ok := readDigest(entry); ok {
		return digest, nil
	}
	digest, err := hashFile(absolute)
	if err == nil && time.Since(info.ModTime()) > settled {
		writeDigest(entry, digest)
	}
	return digest, err
}

// rememberDigest spares the next call the reading of a file that this process
// alone has just written and hashed.
func rememberDigest(path, digest string) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return
	}
	if info, err := ordinary.Stat(absolute); err == nil {
		writeDigest(cacheEntry(absolute, info), digest)
	}
}

func hashFile(path string) (string, error) {
	f, err := ordinary.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// cacheEntry names the file that remembers a digest; "" without a cache folder.
func cacheEntry(path string, info os.FileInfo) string {
	folder, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	key := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%d", path, info.Size(), info.ModTime().UnixNano()))
	return filepath.Join(folder, "polylens", "digests", hex.EncodeToString(key[:]))
}

func readDigest(entry string) (string, bool) {
	content, err := ordinary.Read(entry, 2*sha256.Size)
	if err != nil || len(content) != 2*sha256.Size {
		return "", false
	}
	if _, err := hex.DecodeString(string(content)); err != nil {
		return "", false
	}
	return string(content), true
}

// writeDigest remembers a digest. It may fail silently: the next call then reads the
// file again.
func writeDigest(entry, digest string) {
	if entry == "" || os.MkdirAll(filepath.Dir(entry), 0o700) != nil {
		return
	}
	_ = replace.Volatile(entry, []byte(digest))
}
