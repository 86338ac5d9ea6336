package onnxfile

import (
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	window    = 64 << 10  // bytes read at once while scanning
	maxFields = 4_000_000 // looked at while scanning
)

// scanPorts reads the required inputs and the outputs of a model and skips its
// weights. It checks no more than it needs: Open does.
func scanPorts(path string) (inputs, outputs []Port, err error) {
	f, size, err := openRegular(path, Options{AllowHardLinks: true})
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	return scan(f, size)
}

func scan(r io.ReaderAt, size int64) (inputs, outputs []Port, err error) {
	s := &scanner{reader: r}
	g := &graphMessage{}
	err = s.each(span{0, size}, func(number protowire.Number, at span) error {
		if number != 7 {
			return nil
		}
		return s.each(at, func(number protowire.Number, at span) error { return s.scanGraph(g, number, at) })
	})
	return requiredInputs(g), g.outputs, err
}

// span is a range of bytes of the file.
type span struct{ start, end int64 }

// scanner walks over the fields of nested messages in a file.
type scanner struct {
	reader io.ReaderAt
	buffer []byte // content of the file from start on
	start  int64
	fields int
}

func (s *scanner) scanGraph(g *graphMessage, number protowire.Number, at span) error {
	switch number {
	case 5:
		name, err := s.nameOfTensor(at)
		g.initializers = append(g.initializers, name)
		return err
	case 11:
		return s.scanPort(at, &g.inputs)
	case 12:
		return s.scanPort(at, &g.outputs)
	default:
		return nil
	}
}

var errFound = errors.New("found")

func (s *scanner) nameOfTensor(at span) (name string, err error) {
	err = s.each(at, func(number protowire.Number, at span) error {
		if number != 8 {
			return nil
		}
		content, err := s.read(at, maxName)
		name = string(content)
		return errors.Join(err, errFound)
	})
	if errors.Is(err, errFound) {
		err = nil
	}
	return name, err
}

func (s *scanner) scanPort(at span, ports *[]Port) error {
	content, err := s.read(at, window)
	if err != nil {
		return err
	}
	port, err := decodePort(content)
	*ports = append(*ports, port)
	return err
}

// each calls visit with the number and the content of every field in a range.
func (s *scanner) each(within span, visit func(protowire.Number, span) error) error {
	for at := within.start; at < within.end; {
		if s.fields++; s.fields > maxFields {
			return fmt.Errorf("holds more than %d fields", maxFields)
		}
		number, content, err := s.next(span{at, within.end})
		if err != nil {
			return err
		}
		if err := visit(number, content); err != nil {
			return err
		}
		at = content.end
	}
	return nil
}

// next returns the number of the first field of a range and where its content
// lies.
func (s *scanner) next(within span) (protowire.Number, span, error) {
	const longest = 20 // two varints: tag and length
	head, err := s.read(span{within.start, min(within.end, within.start+longest)}, longest)
	if err != nil {
		return 0, span{}, err
	}
	number, wire, tag := protowire.ConsumeTag(head)
	if tag < 0 {
		return 0, span{}, broken(tag)
	}
	start := within.start + int64(tag)
	if wire != protowire.BytesType {
		size := protowire.ConsumeFieldValue(number, wire, head[tag:])
		if size < 0 {
			return 0, span{}, broken(size)
		}
		return number, span{start, start + int64(size)}, nil
	}
	length, size := protowire.ConsumeVarint(head[tag:])
	if size < 0 {
		return 0, span{}, broken(size)
	}
	start += int64(size)
	if length > uint64(within.end-start) {
		return 0, span{}, broken(-1) // as protowire calls an unexpected end
	}
	return number, span{start, start + int64(length)}, nil
}

// read returns the bytes of a range, which are valid until the next call.
func (s *scanner) read(at span, limit int64) (message, error) {
	length := at.end - at.start
	if length > limit {
		return nil, fmt.Errorf("holds a name or type of %d bytes, more than %d", length, limit)
	}
	if at.start < s.start || at.end > s.start+int64(len(s.buffer)) {
		if err := s.fill(at.start); err != nil {
			return nil, err
		}
	}
	offset := at.start - s.start
	if offset+length > int64(len(s.buffer)) {
		return nil, io.ErrUnexpectedEOF
	}
	return s.buffer[offset : offset+length], nil
}

func (s *scanner) fill(start int64) error {
	if s.buffer == nil {
		s.buffer = make([]byte, 0, window)
	}
	read, err := s.reader.ReadAt(s.buffer[:window], start)
	s.buffer, s.start = s.buffer[:read], start
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
