package milvus

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/ulikunitz/xz"
	"golang.org/x/sync/errgroup"
)

const (
	// binary is the server's executable in the unpacked folder.
	binary = "milvus"
	// wheelBin is where the wheel keeps the compressed executable and its libraries.
	wheelBin = "milvus/data/bin/"
	// maxUnpacked bounds one file: the largest real one, the executable, has 119 MB.
	maxUnpacked = 512 << 20
)

// Unpack writes the Milvus server (executable and libraries, about 250 MB)
// that the PyPI wheel "milvus" holds into destDir. The folder appears complete
// or not at all; one that is complete already is left as it is. The caller has
// verified the wheel's checksum.
func Unpack(ctx context.Context, wheelPath, destDir string) error {
	if CheckFolder(destDir) == nil {
		return nil
	}
	if _, err := os.Lstat(destDir); err == nil {
		return fmt.Errorf("unpack Milvus: %s exists but holds no server: remove it or choose another folder", destDir)
	}
	if err := os.MkdirAll(filepath.Dir(destDir), 0o755); err != nil {
		return fmt.Errorf("unpack Milvus: %w", err)
	}
	temp, err := os.MkdirTemp(filepath.Dir(destDir), ".milvus-unpack-")
	if err != nil {
		return fmt.Errorf("unpack Milvus: %w", err)
	}
	defer os.RemoveAll(temp)
	if err := unpackInto(ctx, wheelPath, temp); err != nil {
		return fmt.Errorf("unpack %s: %w", wheelPath, err)
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return fmt.Errorf("unpack Milvus: %w", err)
	}
	err = os.Rename(temp, destDir)
	if err != nil && CheckFolder(destDir) == nil {
		return nil // another process was faster
	}
	return err
}

// CheckFolder reports nil when dir looks like an unpacked Milvus server.
func CheckFolder(dir string) error {
	info, err := os.Stat(filepath.Join(dir, binary))
	if err == nil && (!info.Mode().IsRegular() || info.Mode()&0o111 == 0) {
		err = errors.New("not an executable file")
	}
	if err != nil {
		return fmt.Errorf("no Milvus server in %q (polylens setup fetches it, or name its folder with --milvus): %w", dir, err)
	}
	return nil
}

func unpackInto(ctx context.Context, wheelPath, dir string) error {
	wheel, err := zip.OpenReader(wheelPath)
	if err != nil {
		return err
	}
	defer wheel.Close()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2) // the executable is half of everything: more helps little
	for _, file := range wheel.File {
		if name, ok := serverFile(file.Name); ok {
			group.Go(func() error { return unpackFile(ctx, file, filepath.Join(dir, name)) })
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return CheckFolder(dir)
}

// serverFile says under which name a wheel's entry is unpacked, if at all. The
// names end in .lzma, but the format is xz.
func serverFile(entry string) (string, bool) {
	name, inBin := strings.CutPrefix(entry, wheelBin)
	name, packed := strings.CutSuffix(name, ".lzma")
	if !inBin || !packed || name == "" || name == "." || name == ".." || path.Base(name) != name || strings.ContainsAny(name, "\\\x00") {
		return "", false
	}
	return name, true
}

func unpackFile(ctx context.Context, entry *zip.File, dest string) error {
	in, err := entry.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	plain, err := xz.NewReader(contextReader{ctx, in})
	if err != nil {
		return fmt.Errorf("%s: %w", entry.Name, err)
	}
	out, err := os.OpenFile(dest, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	n, err := io.Copy(out, io.LimitReader(plain, maxUnpacked+1))
	if err == nil && n > maxUnpacked {
		err = fmt.Errorf("larger than %d bytes", maxUnpacked)
	}
	if err == nil {
		err = out.Sync() // the rename that follows must never publish an empty file
	}
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("%s: %w", entry.Name, err)
	}
	return nil
}

// contextReader makes a long decompression end with its context.
type contextReader struct {
	ctx context.Context
	io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
