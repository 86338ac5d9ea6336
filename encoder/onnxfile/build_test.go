package onnxfile

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// What follows writes ONNX models field by field, so that tests can write wrong ones.

func number(field protowire.Number, value int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.VarintType), uint64(value))
}

func bytesOf(field protowire.Number, parts ...[]byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), slices.Concat(parts...))
}

func word(field protowire.Number, value string) []byte { return bytesOf(field, []byte(value)) }

// port is a float32 input (11) or output (12) of a graph.
func port(field protowire.Number, name string, dims ...int64) []byte {
	var shape []byte
	for _, dim := range dims {
		shape = append(shape, bytesOf(1, number(1, dim))...)
	}
	return bytesOf(field, word(1, name), bytesOf(2, bytesOf(1, number(1, 1), bytesOf(2, shape))))
}

// floats is a dense float32 TensorProto of the given shape and raw bytes.
func floats(name string, raw int, dims ...int64) []byte {
	return append(tensorHead(name, 1, dims...), bytesOf(9, make([]byte, raw))...)
}

func tensorHead(name string, dtype int64, dims ...int64) []byte {
	var out []byte
	for _, dim := range dims {
		out = append(out, number(1, dim)...)
	}
	return slices.Concat(out, number(2, dtype), word(8, name))
}

// stored is a float32 TensorProto of external data: pairs of keys and values.
func stored(name string, dims []int64, entries ...string) []byte {
	out := tensorHead(name, 1, dims...)
	for i := 0; i < len(entries); i += 2 {
		out = append(out, bytesOf(13, word(1, entries[i]), word(2, entries[i+1]))...)
	}
	return append(out, number(14, 1)...)
}

// operator is a node with one output and at most one input.
func operator(op, in, out string, more ...[]byte) []byte {
	parts := [][]byte{word(2, out), word(4, op)}
	if in != "" {
		parts = append(parts, word(1, in))
	}
	return bytesOf(1, append(parts, more...)...)
}

// holding is an attribute of the given kind with its value in a field.
func holding(name string, kind int64, value []byte) []byte {
	return bytesOf(5, word(1, name), number(20, kind), value)
}

var standard = bytesOf(8, word(1, ""), number(2, 18))

// graphOf has the input x, the node y = Relu(x), the output y and more.
func graphOf(more ...[]byte) []byte {
	return slices.Concat(operator("Relu", "x", "y"), word(2, "main"), slices.Concat(more...), port(11, "x", 1), port(12, "y", 1))
}

// modelOf is a model around graphOf.
func modelOf(more ...[]byte) []byte { return modelWith(graphOf(more...)) }

func modelWith(graph []byte, more ...[]byte) []byte {
	return slices.Concat(number(1, 8), word(2, "test"), bytesOf(7, graph), standard, slices.Concat(more...))
}

// functionOf is a FunctionProto y = body(x) of the domain "local".
func functionOf(name string, nodes ...[]byte) []byte {
	parts := [][]byte{word(1, name), word(4, "x"), word(5, "y"), word(10, "local"), bytesOf(9, word(1, ""), number(2, 18))}
	for _, node := range nodes { // a node is field 1 of a graph and field 7 of a function
		_, _, tag := protowire.ConsumeTag(node)
		content, _ := protowire.ConsumeBytes(node[tag:])
		parts = append(parts, bytesOf(7, content))
	}
	return bytesOf(25, parts...)
}

func local() []byte { return word(7, "local") }

func floatBits(values ...float32) []byte {
	var out []byte
	for _, value := range values {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(value))
	}
	return out
}

func writeFile(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// openBytes writes a model beside what is in dir and opens it.
func openBytes(t testing.TB, dir string, content []byte) (*Model, error) {
	t.Helper()
	path := filepath.Join(dir, "model.onnx")
	writeFile(t, path, content)
	return Open(path, Options{})
}
