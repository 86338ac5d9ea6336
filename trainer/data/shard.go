package data

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"polylens/indexer/metadata"
)

// Shards are tar files as WebDataset has them: the members of one sample follow
// one another and share the name up to the first dot. A picture member (jpg,
// png, webp, ...) is described by a json member with the fields of the package
// comment, by txt members with one text each, or by both; LANGUAGE.txt is a text
// in that language. A shard that is compressed (gzip, zstd, bzip2, xz) or a zip
// archive is unpacked once into ReadOptions.Cache, since pictures are read where
// they lie. One that is cut off is an error.
type Shards struct {
	Paths   []string
	Options ReadOptions
}

// Read implements Source.
func (s Shards) Read(ctx context.Context, record func(Record) error, problem func(Problem)) error {
	for _, path := range s.Paths {
		if err := s.readOne(ctx, path, record, problem); err != nil {
			return err
		}
	}
	return nil
}

func (s Shards) readOne(ctx context.Context, path string, record func(Record) error, problem func(Problem)) error {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("shard %s: %w", path, err)
	}
	flat, err := unpacked(ctx, path, s.Options.Cache)
	if err != nil {
		return fmt.Errorf("shard %s: %w", path, err)
	}
	return readFile(ctx, flat, func(content io.Reader, _ string) error {
		seeker, ok := content.(io.ReadSeeker)
		if !ok {
			return fmt.Errorf("shard %s cannot be read at any place", path)
		}
		reader := shardReader{name: path, uri: fileURI(absolute), options: s.Options, record: record, problem: problem}
		return reader.read(ctx, seeker)
	})
}

// shardReader is one shard being read.
type shardReader struct {
	name, uri string
	options   ReadOptions
	record    func(Record) error
	problem   func(Problem)

	sample  sample
	samples int   // met so far
	forks   int   // members that macOS adds
	inside  int64 // where the member ends that is being read
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
	reader := tar.NewReader(content)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return s.end(content)
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return s.cutOff()
		}
		if err != nil {
			return fmt.Errorf("shard %s, after sample %.200q: %w", s.name, s.sample.key, err)
		}
		if s.inside, err = content.Seek(0, io.SeekCurrent); err != nil {
			return fmt.Errorf("shard %s: %w", s.name, err)
		}
		if !sparse(header) { // whose size is not what the archive holds of it
			s.inside += header.Size
		}
		if header.Typeflag != tar.TypeReg && header.Typeflag != tar.TypeGNUSparse {
			continue
		}
		if err := s.member(header, reader, content); err != nil {
			return err
		}
	}
}

// end finishes the shard if it is whole: nothing but empty blocks follows the last
// member of a tar file, one at least.
func (s *shardReader) end(content io.Seeker) error {
	const block = 512
	at, err := content.Seek(0, io.SeekCurrent)
	if err != nil {
		return fmt.Errorf("shard %s: %w", s.name, err)
	}
	if at < (s.inside+block-1)/block*block+block {
		return s.cutOff()
	}
	if s.forks > 0 {
		s.problem(Problem{s.place(""), fmt.Errorf("%d of its members are resource forks of macOS (._NAME) and are left out", s.forks)})
	}
	return s.finish("")
}

// cutOff says how far the shard is good. The last sample may lack members.
func (s *shardReader) cutOff() error {
	return fmt.Errorf("shard %s is cut off after sample %.200q, the last of %d that begin in it; fetch it again, or end it with empty blocks as tar does",
		s.name, s.sample.key, s.samples)
}

func (s *shardReader) member(header *tar.Header, reader io.Reader, content io.Seeker) error {
	if isFork(header.Name) {
		s.forks++
		return nil
	}
	key, extension := keyOf(header.Name)
	if key != s.sample.key || s.samples == 0 {
		s.samples++
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
		err := fmt.Errorf("the sample has a picture already, %.200q", s.sample.picture.Member)
		if stem(header.Name) != stem(s.sample.picture.Member) {
			err = fmt.Errorf("%w: the name of a sample ends at its first dot, so these are one sample", err)
		}
		return err
	}
	if sparse(header) {
		return errors.New("it is stored with holes: write the shard again without --sparse")
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
	content = metadata.WithoutNaN(content)
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
	if err != nil && strings.ContainsAny(language, ".0123456789") {
		err = fmt.Errorf("%w: the name of a sample ends at its first dot, and what stands between that and .txt is the language", err)
	}
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

// sparse reports whether a member is stored with holes.
func sparse(header *tar.Header) bool {
	if header.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for name := range header.PAXRecords {
		if strings.HasPrefix(name, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// isFork reports whether macOS has added a member for what only it can store.
func isFork(member string) bool {
	return strings.HasPrefix(path.Base(member), "._") || strings.HasPrefix(member, "__MACOSX/")
}

// stem is a name up to its last dot.
func stem(name string) string { return strings.TrimSuffix(name, path.Ext(name)) }
