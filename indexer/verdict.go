package indexer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"polylens/indexer/catalog"
	"polylens/indexer/source"
	"polylens/internal/ordinary"
)

// errChanged is for a file that is not what the catalogue says.
var errChanged = fmt.Errorf("its file has %w; index the folder again", catalog.ErrChanged)

// verdicts remember which files hold what was indexed, so that a file is read once for
// that, and not for each part of it that somebody asks for.
//
// The times and the size that the catalogue has are not enough to trust a file by: many
// file systems give all files that change within some milliseconds one time, so that a
// file of somebody else can be made to match. Two states of one inode cannot.
type verdicts struct {
	known *lru.Cache[verdictKey, bool]
}

// verdictKey is a state of a file, and the content that was looked for in it.
type verdictKey struct {
	stamp  source.Stamp
	sha256 string
}

// mostVerdicts bounds the memory of verdicts to some megabytes.
const mostVerdicts = 20_000

func newVerdicts() (verdicts, error) {
	known, err := lru.New[verdictKey, bool](mostVerdicts)
	return verdicts{known}, err
}

// check returns catalog.ErrChanged, wrapped, unless an open file holds the content of an
// image. It may read all of the file, and leaves it at its beginning.
func (v verdicts) check(ctx context.Context, file *ordinary.File, image catalog.Image) error {
	before, err := file.Stat()
	if err != nil {
		return err
	}
	if before.Size() != image.Size {
		return errChanged // without reading what may be endless
	}
	stamp, lasting := source.StampOf(before, time.Now())
	key := verdictKey{stamp, image.SHA256}
	if same, known := v.known.Get(key); lasting && known {
		return verdict(same)
	}
	found, err := digest(ctx, io.NewSectionReader(file, 0, image.Size))
	if err != nil {
		return err
	}
	after, err := file.Stat()
	if err != nil {
		return err
	}
	same := found == image.SHA256
	if later, still := source.StampOf(after, time.Now()); lasting && still && later == stamp {
		v.known.Add(key, same)
	}
	return verdict(same)
}

func verdict(same bool) error {
	if same {
		return nil
	}
	return errChanged
}

// digest is the SHA-256 of what a reader gives, hexadecimal, unless ctx ends before.
func digest(ctx context.Context, content io.Reader) (string, error) {
	sum := sha256.New()
	buffer := make([]byte, 128<<10)
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := content.Read(buffer)
		sum.Write(buffer[:n])
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(sum.Sum(nil)), nil
		}
		if err != nil {
			return "", err
		}
	}
}

// unopened is the error of a file that could not be opened: what is there now, such as a
// link that leads out of the source, is not what was indexed. Other troubles of the file
// system stay what they are.
func unopened(err error) error {
	var number syscall.Errno
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, &number) && number != syscall.ENOTDIR && number != syscall.ELOOP {
		return err
	}
	return fmt.Errorf("%w (%w)", errChanged, err)
}
