package data

import (
	"archive/tar"
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"polylens/indexer/archive"
	"polylens/indexer/metadata"
	"polylens/internal/disk"
	"polylens/internal/ordinary"
	"polylens/internal/replace"
)

// headOf reads the first bytes of a file, fewer if it has fewer.
func headOf(ctx context.Context, path string) ([]byte, error) {
	file, err := ordinary.OpenContext(ctx, path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(file, head)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = nil
	}
	return head[:n], err
}

// unpacked is the path of a plain tar file with what a shard holds: its own, or one in
// the cache, which is made when it is missing. Pictures are read where they lie in it.
func unpacked(ctx context.Context, path, cache string) (string, error) {
	head, err := headOf(ctx, path)
	if err != nil {
		return "", plain(err)
	}
	packing := archive.PackingOf(head)
	if packing == archive.None {
		return path, nil
	}
	if cache == "" {
		return "", fmt.Errorf("it is compressed (%s), and there is no cache folder: unpack it to a plain tar file first", packing)
	}
	kept, err := keptShard(ctx, path, cache)
	if err != nil {
		return "", err
	}
	if _, err := ordinary.StatContext(ctx, kept); err == nil {
		return kept, nil
	}
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
		return "", fmt.Errorf("cache of unpacked shards: %w", err)
	}
	return kept, unpack(ctx, path, packing, kept)
}

// keptShard names a shard in the cache by its path, size and time.
func keptShard(ctx context.Context, path, cache string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	info, err := ordinary.StatContext(ctx, absolute)
	if err != nil {
		return "", plain(err)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%d", absolute, info.Size(), info.ModTime().UnixNano()))
	return filepath.Join(cache, "shards", hex.EncodeToString(sum[:16])+".tar"), nil
}

func unpack(ctx context.Context, path string, packing archive.Packing, to string) error {
	file, err := ordinary.OpenContext(ctx, path)
	if err != nil {
		return plain(err)
	}
	defer file.Close()
	content, err := openPacked(file, packing)
	if err != nil {
		return fmt.Errorf("it cannot be unpacked: %w", err)
	}
	defer content.Close()
	info, err := file.Stat()
	if err != nil {
		return plain(err)
	}
	counted := &roomReader{ctx: ctx, reader: content, folder: filepath.Dir(to), most: slack + mostTimes*info.Size()}
	if err := replace.DurableFrom(to, counted, replace.Private); err != nil {
		return fmt.Errorf("it cannot be unpacked (%s): after %d bytes: %w", packing, counted.read, err)
	}
	return nil
}

func openPacked(file *ordinary.File, packing archive.Packing) (io.ReadCloser, error) {
	if packing != archive.Zip {
		return archive.Unpack(packing, file)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return tarOfZip(file, info.Size())
}

// roomReader ends with its context, when the disk that is written to gets full, and
// when more comes out of a shard than pictures and texts are ever packed into: a few
// bytes can stand for as many as the disk has.
type roomReader struct {
	ctx     context.Context
	reader  io.Reader
	most    int64
	folder  string
	read    int64
	checked int64
}

const (
	checkEvery = 64 << 20
	leaveFree  = 1 << 30
	slack      = 64 << 20 // bytes that any shard may have unpacked,
	mostTimes  = 100      // and as many times its own
)

// Read implements io.Reader.
func (r *roomReader) Read(p []byte) (int, error) {
	if r.read >= r.checked {
		r.checked = r.read + checkEvery
		if free, err := disk.Free(r.folder); err != nil || free < leaveFree {
			return 0, errors.Join(err, fmt.Errorf("the disk of %s has less than %d MB left", r.folder, leaveFree>>20))
		}
	}
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.reader.Read(p)
	if r.read += int64(n); r.read > r.most {
		return 0, fmt.Errorf("it has more than %d MB, over %d times what is packed: if that is meant, unpack it to a plain tar file", r.most>>20, mostTimes)
	}
	return n, err
}

// tarOfZip gives the files of a zip archive as a tar file.
func tarOfZip(file io.ReaderAt, size int64) (io.ReadCloser, error) {
	files, err := zip.NewReader(file, size)
	if err != nil {
		return nil, err
	}
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(copyZip(tar.NewWriter(writer), files)) }()
	return reader, nil
}

func copyZip(to *tar.Writer, files *zip.Reader) error {
	for _, file := range files.File {
		if strings.HasSuffix(file.Name, "/") {
			continue
		}
		if err := copyMember(to, file); err != nil {
			return fmt.Errorf("member %.200q: %w", file.Name, err)
		}
	}
	return to.Close()
}

func copyMember(to *tar.Writer, file *zip.File) error {
	size := int64(min(file.UncompressedSize64, 1<<62))
	if err := to.WriteHeader(&tar.Header{Name: metadata.Decode([]byte(file.Name)), Mode: 0o600, Size: size, Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	content, err := file.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	_, err = io.Copy(to, content)
	return err
}
