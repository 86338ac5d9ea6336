package onnxfile

import (
	"io"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// detachFrom is the size from which on an initializer stays in its file.
const detachFrom = 64 << 10

// detach reads a model without the values of its large initializers. Each of
// them becomes external data: a reference to where its values lie in the file
// itself, which has the given name. What ONNX Runtime gets is then small, and
// it maps the weights instead of copying them twice. Nothing is judged here:
// what detach does not understand it copies.
func detach(r io.ReaderAt, size int64, name string) ([]byte, error) {
	s := &scanner{reader: r}
	var out []byte
	err := s.each(span{0, size}, func(p part) (err error) {
		if !p.is(modelGraph) || checkLocation(name) != nil {
			out, err = s.copy(out, p.whole)
			return err
		}
		inner, err := s.detachGraph(p.content, name)
		out = protowire.AppendTag(out, p.number, p.wire)
		out = protowire.AppendBytes(out, inner)
		return err
	})
	return out, err
}

func (s *scanner) detachGraph(at span, name string) ([]byte, error) {
	var out []byte
	err := s.each(at, func(p part) (err error) {
		if !p.is(graphInitializer) || p.content.length() < detachFrom {
			out, err = s.copy(out, p.whole)
			return err
		}
		inner, err := s.detachTensor(p.content, name)
		out = protowire.AppendTag(out, p.number, p.wire)
		out = protowire.AppendBytes(out, inner)
		return err
	})
	return out, err
}

// detachTensor replaces the raw values of a tensor. Tensors that already have
// external data keep all that they have.
func (s *scanner) detachTensor(at span, name string) ([]byte, error) {
	var out []byte
	var raw []span
	external := false
	err := s.each(at, func(p part) (err error) {
		external = external || p.number == tensorExternal || p.number == tensorLocation
		if p.is(tensorRaw) {
			raw = append(raw, p.content)
			return nil
		}
		out, err = s.copy(out, p.whole)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(raw) != 1 || external {
		return s.copy(nil, at)
	}
	out = appendEntry(out, "location", name)
	out = appendEntry(out, "offset", strconv.FormatInt(raw[0].start, 10))
	out = appendEntry(out, "length", strconv.FormatInt(raw[0].length(), 10))
	out = protowire.AppendTag(out, tensorLocation, protowire.VarintType)
	return protowire.AppendVarint(out, 1), nil
}

func appendEntry(out []byte, key, value string) []byte {
	entry := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), key)
	entry = protowire.AppendString(protowire.AppendTag(entry, 2, protowire.BytesType), value)
	return protowire.AppendBytes(protowire.AppendTag(out, tensorExternal, protowire.BytesType), entry)
}

// copy appends a range of the file.
func (s *scanner) copy(out []byte, at span) ([]byte, error) {
	for at.start < at.end {
		content, err := s.read(span{at.start, min(at.end, at.start+window)}, window)
		if err != nil {
			return nil, err
		}
		out = append(out, content...)
		at.start += int64(len(content))
	}
	return out, nil
}
