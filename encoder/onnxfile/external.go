package onnxfile

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"polylens/internal/ordinary"
)

// external is the range of a file that holds the values of a tensor.
type external struct {
	location string // relative to the model's folder, with slashes
	offset   int64
	length   int64 // -1 when not given: to the end of the file
}

func decodeExternal(entries []message) (*external, error) {
	at := &external{length: -1}
	seen := map[string]bool{}
	for _, entry := range entries {
		key, value, err := decodeEntry(entry)
		if err != nil {
			return nil, err
		}
		if seen[key] {
			return nil, fmt.Errorf("tells its %s twice", key)
		}
		seen[key] = true
		switch key {
		case "location":
			at.location = value
		case "offset":
			at.offset, err = decimal(value)
		case "length":
			at.length, err = decimal(value)
		case "checksum": // of the whole file; nothing reads it
		default:
			err = fmt.Errorf("has the unknown entry %q of external data", key)
		}
		if err != nil {
			return nil, err
		}
	}
	return at, checkLocation(at.location)
}

func decodeEntry(m message) (key, value string, err error) {
	err = m.each(entryFields, func(f field) (err error) {
		if f.number == 1 {
			key, err = f.name()
		} else {
			value, err = f.name()
		}
		return err
	})
	return key, value, err
}

// decimal accepts only the spelling that every parser reads as the same number.
func decimal(text string) (int64, error) {
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil || value < 0 || strconv.FormatInt(value, 10) != text {
		return 0, fmt.Errorf("has %q where a number of bytes belongs", text)
	}
	return value, nil
}

// checkLocation accepts the plain path of a file below the model's folder. A
// "*" never names a file: ONNX Runtime marks addresses in memory with it
// ("*/_ORT_MEM_ADDR_/*"), and would read there.
func checkLocation(location string) error {
	unusual := func(r rune) bool { return !unicode.IsPrint(r) || strings.ContainsRune(`\:*?"<>|`, r) }
	switch {
	case location == "":
		return errors.New("does not tell the location of its external data")
	case strings.ContainsFunc(location, unusual):
		return fmt.Errorf("has its data at %q, which is refused: file names hold no \\ : * ? \" < > | nor control characters", location)
	case !filepath.IsLocal(location) || path.Clean(location) != location || location == ".":
		return fmt.Errorf("has its data at %q, outside the model's folder or not plainly below it, which is refused", location)
	default:
		return nil
	}
}

// checkFiles checks the ranges of all tensors against the files of a folder
// and returns the files, sorted.
func checkFiles(dir string, tensors []*tensor, options Options) ([]string, error) {
	sizes := map[string]int64{}
	var ranged []*tensor
	for _, tensor := range tensors {
		at := tensor.external
		if at == nil {
			continue
		}
		if _, known := sizes[at.location]; !known {
			if len(sizes) >= maxExternal {
				return nil, fmt.Errorf("refers to more than %d files", maxExternal)
			}
			info, err := regularFile(dir, filepath.FromSlash(at.location), options)
			if err != nil {
				return nil, &FileError{Tensor: tensor.where, Err: err}
			}
			sizes[at.location] = info.Size()
		}
		if err := at.fits(tensor.bytes, sizes[at.location]); err != nil {
			return nil, &FileError{Tensor: tensor.where, Err: err}
		}
		ranged = append(ranged, tensor)
	}
	files := make([]string, 0, len(sizes))
	for file := range sizes {
		files = append(files, file)
	}
	slices.Sort(files)
	return files, checkOverlaps(ranged)
}

// fits demands that the tensor's bytes lie in a file of the given size, and
// that a range without a length ends where the file does.
func (e *external) fits(bytes, size int64) error {
	if e.offset > size || bytes > size-e.offset {
		return fmt.Errorf("takes %d bytes from byte %d of %q, which has only %d", bytes, e.offset, e.location, size)
	}
	if e.length < 0 && e.offset+bytes != size {
		return fmt.Errorf("takes %q from byte %d to its end, %d bytes, but its shape needs %d", e.location, e.offset, size-e.offset, bytes)
	}
	return nil
}

// checkOverlaps accepts shared ranges, as tied weights have, and refuses those
// that share a part.
func checkOverlaps(tensors []*tensor) error {
	slices.SortFunc(tensors, func(a, b *tensor) int {
		return cmp.Or(strings.Compare(a.external.location, b.external.location),
			cmp.Compare(a.external.offset, b.external.offset), cmp.Compare(a.bytes, b.bytes))
	})
	var before *tensor
	for _, tensor := range tensors {
		if tensor.bytes == 0 {
			continue
		}
		if before != nil && overlap(before, tensor) {
			return &FileError{Tensor: tensor.where, Err: fmt.Errorf("overlaps %s in %q", before.where, tensor.external.location)}
		}
		before = tensor
	}
	return nil
}

// overlap compares two tensors of which a does not begin after b.
func overlap(a, b *tensor) bool {
	if a.external.location != b.external.location || b.external.offset >= a.external.offset+a.bytes {
		return false
	}
	return a.external.offset != b.external.offset || a.bytes != b.bytes
}

// regularFile demands that the file at a relative path below dir is regular
// and that the way to it has no symbolic link.
func regularFile(dir, name string, options Options) (fs.FileInfo, error) {
	var info fs.FileInfo
	at := dir
	for part := range strings.SplitSeq(name, string(filepath.Separator)) {
		at = filepath.Join(at, part)
		var err error
		info, err = ordinary.Lstat(at)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("needs the file %q, which is missing", name)
		}
		if err != nil {
			return nil, err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			return nil, linkError(at)
		}
	}
	return info, checkRegular(info, name, options)
}

func checkRegular(info fs.FileInfo, name string, options Options) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("needs the file %q, which is no regular file", name)
	}
	if !options.AllowHardLinks && hardLinks(info) > 1 {
		return fmt.Errorf("needs the file %q, which has another name elsewhere (a hard link), which is refused: copy it", name)
	}
	return nil
}

// linkError says that the file at path is a symbolic link, with a *CacheLinkError
// where it is one of the Hugging Face cache.
func linkError(path string) error {
	target, err := filepath.EvalSymlinks(path)
	if err == nil && inBlobs(path, target) {
		return &CacheLinkError{Path: path, Target: target}
	}
	return fmt.Errorf("needs the file %q, which is a symbolic link, which is refused: copy the file it points to in its place", filepath.Base(path))
}

// inBlobs reports whether link lies in the snapshots and target in the blobs
// of one repository of a Hugging Face cache: <repository>/snapshots/<revision>/...
// and <repository>/blobs/<hash>.
func inBlobs(link, target string) bool {
	blobs := filepath.Dir(target)
	if filepath.Base(blobs) != "blobs" {
		return false
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(link))
	if err != nil {
		return false
	}
	inside, err := filepath.Rel(filepath.Join(filepath.Dir(blobs), "snapshots"), folder)
	return err == nil && filepath.IsLocal(inside)
}
