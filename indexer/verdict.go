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
	known *lru.Cache[verdictKey, verdict]
	large *lru.Cache[verdictKey, verdict] // of files of many pieces
}

// verdictKey is a state of a file, and the content that was looked for in it.
type verdictKey struct {
	stamp  source.Stamp
	sha256 string
}

// verdict is what was found. Whoever sends the file needs the sums: somebody may write
// to it while it is sent.
type verdict struct {
	same   bool
	pieces []pieceSum // of the content, if it is the same
}

// Bounds of the memory of verdicts: some megabytes for pictures of some megabytes, and
// at most 50.
const (
	mostVerdicts = 20_000
	manyPieces   = 64 // more make a file large
	mostLarge    = 256
)

func newVerdicts() (verdicts, error) {
	known, err := lru.New[verdictKey, verdict](mostVerdicts)
	large, failed := lru.New[verdictKey, verdict](mostLarge)
	return verdicts{known, large}, errors.Join(err, failed)
}

// of a file of so many bytes.
func (v verdicts) of(size int64) *lru.Cache[verdictKey, verdict] {
	if size > manyPieces*pieceBytes {
		return v.large
	}
	return v.known
}

// check returns the sums of the pieces of an open file, or catalog.ErrChanged, wrapped,
// unless it holds the content of an image. It may read all of the file.
func (v verdicts) check(ctx context.Context, file *ordinary.File, image catalog.Image) ([]pieceSum, error) {
	before, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if before.Size() != image.Size {
		return nil, errChanged // without reading what may be endless
	}
	stamp, lasting := source.StampOf(before, time.Now())
	key := verdictKey{stamp, image.SHA256}
	if found, known := v.of(image.Size).Get(key); lasting && known {
		return found.sums()
	}
	sum, pieces, err := digest(ctx, io.NewSectionReader(file, 0, image.Size))
	if err != nil {
		return nil, err
	}
	after, err := file.Stat()
	if err != nil {
		return nil, err
	}
	found := verdict{same: sum == image.SHA256}
	if found.same {
		found.pieces = pieces
	}
	if later, still := source.StampOf(after, time.Now()); lasting && still && later == stamp {
		v.of(image.Size).Add(key, found)
	}
	return found.sums()
}

func (v verdict) sums() ([]pieceSum, error) {
	if !v.same {
		return nil, errChanged
	}
	return v.pieces, nil
}

// digest is the SHA-256 of what a reader gives, hexadecimal, and that of each of its
// pieces, unless ctx ends before.
func digest(ctx context.Context, content io.Reader) (string, []pieceSum, error) {
	sum := sha256.New()
	var pieces []pieceSum
	buffer := make([]byte, pieceBytes)
	for {
		if err := ctx.Err(); err != nil {
			return "", nil, err
		}
		n, err := io.ReadFull(content, buffer)
		if n > 0 {
			sum.Write(buffer[:n])
			pieces = append(pieces, sha256.Sum256(buffer[:n]))
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return hex.EncodeToString(sum.Sum(nil)), pieces, nil
		}
		if err != nil {
			return "", nil, err
		}
	}
}

// unopened is the error of a file that could not be opened: what is there now, such as a
// link that leads out of the source, is not what was indexed. Other troubles of the file
// system, such as that it does not answer, stay what they are.
func unopened(err error) error {
	var number syscall.Errno
	if errors.Is(err, fs.ErrNotExist) || isSilent(err) || errors.As(err, &number) && number != syscall.ENOTDIR && number != syscall.ELOOP {
		return err
	}
	return fmt.Errorf("%w (%w)", errChanged, err)
}
