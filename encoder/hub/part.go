package hub

import (
	"context"
	"crypto/sha1" // git names its blobs so
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"polylens/internal/ordinary"
)

// part is a file that is being fetched. What an earlier process has left of it
// counts.
type part struct {
	file   *os.File
	wanted remoteFile
	bytes  int64     // so far
	sha256 hash.Hash // of these
	blob   hash.Hash // git's SHA-1 of these
}

// openPart opens or creates a part and reads what it holds.
func openPart(path string, wanted remoteFile) (*part, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	p := &part{file: file, wanted: wanted}
	p.restart()
	p.bytes, err = io.Copy(p.hashes(), file)
	if err == nil && p.bytes > wanted.Bytes {
		err = p.clear()
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return p, nil
}

func (p *part) restart() {
	p.bytes, p.sha256, p.blob = 0, sha256.New(), newBlobHash(p.wanted.Bytes)
}

// newBlobHash is git's hash of a blob of the given size, begun.
func newBlobHash(bytes int64) hash.Hash {
	sum := sha1.New()
	fmt.Fprintf(sum, "blob %d\x00", bytes)
	return sum
}

// hashes takes git's hash only where the hub names no other.
func (p *part) hashes() io.Writer {
	if p.wanted.SHA256 != "" {
		return p.sha256
	}
	return io.MultiWriter(p.sha256, p.blob)
}

// clear begins the file again.
func (p *part) clear() error {
	p.restart()
	_, err := p.file.Seek(0, io.SeekStart)
	return errors.Join(err, p.file.Truncate(0))
}

// Write adds to the file. Its errors are permanent: they are the disk's.
func (p *part) Write(content []byte) (int, error) {
	n, err := p.file.Write(content)
	p.bytes += int64(n)
	_, _ = p.hashes().Write(content[:n]) // a hash does not fail
	if err != nil {
		return n, permanent(err)
	}
	return n, nil
}

func (p *part) isWhole() bool { return p.bytes == p.wanted.Bytes }

// check compares the whole file with the hash that the hub names.
func (p *part) check() error {
	found, kind := hex.EncodeToString(p.sha256.Sum(nil)), "SHA-256"
	if p.wanted.SHA256 == "" {
		found, kind = hex.EncodeToString(p.blob.Sum(nil)), "git hash"
	}
	if p.bytes != p.wanted.Bytes {
		return fmt.Errorf("%s has %d bytes instead of %d", p.wanted.Name, p.bytes, p.wanted.Bytes)
	}
	if found != p.wanted.hash() {
		return fmt.Errorf("%s is not what the hub announces: its %s is %s instead of %s", p.wanted.Name, kind, found, p.wanted.hash())
	}
	return nil
}

// stamp describes the whole file for the manifest.
func (p *part) stamp() StampedFile {
	return StampedFile{Name: p.wanted.Name, Bytes: p.bytes, SHA256: hex.EncodeToString(p.sha256.Sum(nil))}
}

// checkFile compares a file on this machine with what the hub names.
func checkFile(ctx context.Context, path string, wanted remoteFile) (StampedFile, error) {
	info, err := ordinary.Stat(path)
	if err != nil {
		return StampedFile{}, err
	}
	if !info.Mode().IsRegular() || info.Size() != wanted.Bytes {
		return StampedFile{}, fmt.Errorf("%s is no file of %d bytes", path, wanted.Bytes)
	}
	file, err := ordinary.Open(path)
	if err != nil {
		return StampedFile{}, err
	}
	defer file.Close()
	p := &part{wanted: wanted}
	p.restart()
	if p.bytes, err = io.Copy(p.hashes(), contextReader{ctx, file}); err != nil {
		return StampedFile{}, err
	}
	return p.stamp(), p.check()
}
