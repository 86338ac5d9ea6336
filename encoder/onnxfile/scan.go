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
	err = s.each(span{0, size}, func(p part) error {
		if !p.is(modelGraph) {
			return nil
		}
		return s.each(p.content, func(p part) error { return s.scanGraph(g, p) })
	})
	return requiredInputs(g), g.outputs, err
}

// span is a range of bytes of the file.
type span struct{ start, end int64 }

func (s span) length() int64 { return s.end - s.start }

// part is one field of a message in a file.
type part struct {
	number  protowire.Number
	wire    protowire.Type
	whole   span // with its tag and length
	content span
}

func (p part) is(number protowire.Number) bool {
	return p.number == number && p.wire == protowire.BytesType
}

// Numbers of the fields that scanning looks for.
const (
	modelGraph       protowire.Number = 7
	graphInitializer protowire.Number = 5
	graphInput       protowire.Number = 11
	graphOutput      protowire.Number = 12
	tensorName       protowire.Number = 8
	tensorRaw        protowire.Number = 9
	tensorExternal   protowire.Number = 13
	tensorLocation   protowire.Number = 14
)

// scanner walks over the fields of nested messages in a file.
type scanner struct {
	reader io.ReaderAt
	buffer []byte // content of the file from start on
	start  int64
	fields int
}

func (s *scanner) scanGraph(g *graphMessage, p part) error {
	switch {
	case p.is(graphInitializer):
		name, err := s.nameOfTensor(p.content)
		g.initializers = append(g.initializers, name)
		return err
	case p.is(graphInput):
		return s.scanPort(p.content, &g.inputs)
	case p.is(graphOutput):
		return s.scanPort(p.content, &g.outputs)
	default:
		return nil
	}
}

// errFound ends a walk early.
var errFound = errors.New("found")

func (s *scanner) nameOfTensor(at span) (name string, err error) {
	err = s.each(at, func(p part) error {
		if !p.is(tensorName) {
			return nil
		}
		content, err := s.read(p.content, maxName)
		if err != nil {
			return err
		}
		name = string(content)
		return errFound
	})
	if err == errFound {
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

// each calls visit for every field in a range.
func (s *scanner) each(within span, visit func(part) error) error {
	for within.start < within.end {
		if s.fields++; s.fields > maxFields {
			return fmt.Errorf("holds more than %d fields", maxFields)
		}
		p, err := s.next(within)
		if err != nil {
			return err
		}
		if err := visit(p); err != nil {
			return err
		}
		within.start = p.whole.end
	}
	return nil
}

// next returns the first field of a range.
func (s *scanner) next(within span) (part, error) {
	const longest = 20 // two varints: tag and length
	head, err := s.read(span{within.start, min(within.end, within.start+longest)}, longest)
	if err != nil {
		return part{}, err
	}
	number, wire, tag := protowire.ConsumeTag(head)
	if tag < 0 {
		return part{}, broken(tag)
	}
	var length uint64
	size := 0
	if wire == protowire.BytesType {
		length, size = protowire.ConsumeVarint(head[tag:])
	} else {
		size = protowire.ConsumeFieldValue(number, wire, head[tag:])
	}
	if size < 0 {
		return part{}, broken(size)
	}
	start := within.start + int64(tag)
	content := span{start, start + int64(size)}
	if wire == protowire.BytesType {
		if length > uint64(within.end-content.end) {
			return part{}, fmt.Errorf("is no ONNX model or cut short: %w", io.ErrUnexpectedEOF)
		}
		content = span{content.end, content.end + int64(length)}
	}
	return part{number, wire, span{within.start, content.end}, content}, nil
}

// read returns the bytes of a range, which are valid until the next call.
func (s *scanner) read(at span, limit int64) (message, error) {
	length := at.length()
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
