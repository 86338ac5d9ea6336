package data

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// Shards are tar files as WebDataset has them: the members of one sample follow
// one another and share the name up to the first dot. A picture member (jpg,
// png, webp, ...) is described by a json member with the fields of the package
// comment, by txt members with one text each, or by both; LANGUAGE.txt is a text
// in that language. The tar files must not be compressed, since pictures are
// read where they lie.
type Shards struct {
	Paths   []string
	Options ReadOptions
}

// Read implements Source.
func (s Shards) Read(ctx context.Context, record func(Record) error, problem func(Problem)) error {
	for _, path := range s.Paths {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return fmt.Errorf("shard %s: %w", path, err)
		}
		err = readFile(path, func(content io.Reader, _ string) error {
			seeker, ok := content.(io.ReadSeeker)
			if !ok {
				return fmt.Errorf("shard %s cannot be read at any place", path)
			}
			reader := shardReader{name: path, uri: fileURI(absolute), options: s.Options, record: record, problem: problem}
			return reader.read(ctx, seeker)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// shardReader is one shard being read.
type shardReader struct {
	name, uri string
	options   ReadOptions
	record    func(Record) error
	problem   func(Problem)

	sample sample
}

// sample is what has been met of the members that share a key.
type sample struct {
	key      string
	picture  *Picture
	describe *Record // of the json member
	texts    []Caption
	empty    int
}

func (s *shardReader) read(ctx context.Context, content io.ReadSeeker) error {
	if err := notCompressed(content); err != nil {
		return fmt.Errorf("shard %s: %w", s.name, err)
	}
	reader := tar.NewReader(content)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return s.finish("")
		}
		if err != nil {
			return fmt.Errorf("shard %s, after sample %.200q: %w", s.name, s.sample.key, err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		if err := s.member(header, reader, content); err != nil {
			return err
		}
	}
}

func (s *shardReader) member(header *tar.Header, reader io.Reader, content io.Seeker) error {
	key, extension := keyOf(header.Name)
	if key != s.sample.key {
		if err := s.finish(key); err != nil {
			return err
		}
	}
	err := s.take(header, extension, reader, content)
	if err != nil {
		s.problem(Problem{s.place(header.Name), err})
	}
	return nil
}

func (s *shardReader) place(member string) Place { return Place{s.name, member} }

// take adds a member to the sample.
func (s *shardReader) take(header *tar.Header, extension string, reader io.Reader, content io.Seeker) error {
	switch last := extension[strings.LastIndexByte(extension, '.')+1:]; {
	case isPicture(last):
		return s.takePicture(header, content)
	case extension == "json":
		return s.takeJSON(reader)
	case last == "txt":
		return s.takeText(strings.TrimSuffix(strings.TrimSuffix(extension, "txt"), "."), reader)
	}
	return nil
}

func (s *shardReader) takePicture(header *tar.Header, content io.Seeker) error {
	if s.sample.picture != nil {
		return fmt.Errorf("the sample has a picture already, %.200q", s.sample.picture.Member)
	}
	for name := range header.PAXRecords {
		if strings.HasPrefix(name, "GNU.sparse.") {
			return errors.New("it is stored with holes: write the shard again without --sparse")
		}
	}
	// The reader of the archive takes headers only, and no byte of what follows.
	offset, err := content.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	s.sample.picture = &Picture{URI: s.uri, Member: strings.ToValidUTF8(header.Name, "�"), Offset: offset, Size: header.Size}
	return nil
}

func (s *shardReader) takeJSON(reader io.Reader) error {
	content, err := readMember(reader)
	if err != nil {
		return err
	}
	var fields map[string]any
	if err := json.Unmarshal(content, &fields); err != nil {
		return fmt.Errorf("it is not a JSON object: %w", err)
	}
	r, err := s.options.describe(content, fields)
	if err != nil {
		return err
	}
	s.sample.describe = &r
	return nil
}

func (s *shardReader) takeText(language string, reader io.Reader) error {
	content, err := readMember(reader)
	if err != nil {
		return err
	}
	text := strings.TrimSpace(string(bytes.TrimPrefix(content, []byte("\ufeff"))))
	if text == "" {
		s.sample.empty++
		return nil
	}
	// The same rules hold as for texts in JSON.
	line, err := json.Marshal(map[string]any{"captions": []any{map[string]any{"language": language, "text": text}}})
	if err == nil && !utf8.ValidString(text) {
		err = errors.New("it is not text in UTF-8")
	}
	if err != nil {
		return err
	}
	r, err := s.options.describe(line, nil)
	if err != nil {
		return err
	}
	s.sample.texts = append(s.sample.texts, r.Captions...)
	return nil
}

func readMember(reader io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(reader, maxRecord+1))
	if err == nil && len(content) > maxRecord {
		err = fmt.Errorf("it has more than %d bytes", maxRecord)
	}
	return content, err
}

// finish hands on the sample and begins another.
func (s *shardReader) finish(next string) error {
	done := s.sample
	s.sample = sample{key: next}
	if done.picture == nil {
		if done.describe != nil || len(done.texts) > 0 {
			s.problem(Problem{s.place(done.key), errors.New("the sample has no picture: its members must follow one another")})
		}
		return nil
	}
	r := Record{Relevance: 1}
	if done.describe != nil {
		r = *done.describe
	}
	r.Picture, r.Place = *done.picture, s.place(done.picture.Member)
	r.Captions = append(r.Captions, done.texts...)
	r.Empty += done.empty
	return s.record(r)
}

// notCompressed refuses gzip, zstd, bzip2 and xz.
func notCompressed(content io.ReadSeeker) error {
	head := make([]byte, 6)
	n, err := io.ReadFull(content, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	for _, magic := range []string{"\x1f\x8b", "\x28\xb5\x2f\xfd", "BZh", "\xfd7zXZ\x00"} {
		if strings.HasPrefix(string(head[:n]), magic) {
			return errors.New("it is compressed: unpack it to a plain tar file first")
		}
	}
	_, err = content.Seek(0, io.SeekStart)
	return err
}
