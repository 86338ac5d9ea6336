package onnxfile

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// hostile is a model file that lies, and what its refusal says.
type hostile struct {
	name    string
	content []byte
	want    string
}

func initializer(tensor []byte) []byte { return bytesOf(5, tensor) }

// constant is a node whose attribute holds a tensor.
func constant(tensor []byte) []byte {
	return operator("Constant", "", "c", holding("value", 4, bytesOf(5, tensor)))
}

var hostileTensors = []hostile{
	{"raw data shorter", modelOf(initializer(floats("w", 7, 2))), `initializer "w" has 7 bytes of values, but float32 of shape [2] needs 8`},
	{"raw data longer", modelOf(initializer(floats("w", 12, 2))), `has 12 bytes of values`},
	{"typed data shorter", modelOf(initializer(slices.Concat(tensorHead("w", 1, 3), bytesOf(4, floatBits(1, 2))))), "has 2 values, but float32 of shape [3] needs 3"},
	{"typed data of another type", modelOf(initializer(slices.Concat(tensorHead("w", 1, 1), bytesOf(7, []byte{1})))), "values of another type than float32"},
	{"typed data cut", modelOf(initializer(slices.Concat(tensorHead("w", 1, 1), bytesOf(4, []byte{1, 2, 3})))), "3 bytes of numbers that take 4 each"},
	{"integer varint cut", modelOf(initializer(slices.Concat(tensorHead("w", 7, 1), bytesOf(7, []byte{0x80})))), "cut short"},
	{"raw and typed data", modelOf(initializer(slices.Concat(floats("w", 4, 1), bytesOf(4, floatBits(1))))), "both raw and typed"},
	{"raw data twice", modelOf(initializer(slices.Concat(floats("w", 4, 1), bytesOf(9, make([]byte, 400))))), "has the field 9 twice"},
	{"no data", modelOf(initializer(tensorHead("w", 1, 2))), "has 0 values, but float32 of shape [2] needs 2"},
	{"dtype lies", modelOf(initializer(slices.Concat(tensorHead("w", 11, 2), bytesOf(9, make([]byte, 8))))), "float64 of shape [2] needs 16"},
	{"unknown dtype", modelOf(initializer(slices.Concat(tensorHead("w", 99, 1), bytesOf(9, make([]byte, 4))))), "has the type 99"},
	{"no dtype", modelOf(initializer(slices.Concat(word(8, "w"), bytesOf(9, nil)))), "has the type 0"},
	{"dtype of 33 bits", modelOf(initializer(slices.Concat(tensorHead("w", 1<<32+1, 1), bytesOf(9, make([]byte, 4))))), "where 32 bits are read"},
	{"int4 of odd length", modelOf(initializer(slices.Concat(tensorHead("w", 22, 3), bytesOf(9, make([]byte, 1))))), "int4 of shape [3] needs 2"},
	{"strings", modelOf(initializer(slices.Concat(tensorHead("w", 8, 1), word(6, "text")))), "holds strings"},
	{"raw strings", modelOf(initializer(slices.Concat(tensorHead("w", 8, 1), bytesOf(9, make([]byte, 16))))), "has the type"},
	{"negative dimension", modelOf(initializer(floats("w", 4, -1))), "negative dimension -1"},
	{"two negative dimensions", modelOf(initializer(floats("w", 4, -1, -1))), "negative dimension"},
	{"overflow", modelOf(initializer(floats("w", 0, 1<<32, 1<<32))), "overflows"},
	{"overflow beside zero", modelOf(initializer(floats("w", 0, 0, 1<<40, 1<<40))), "overflows"},
	{"overflow of bytes", modelOf(initializer(floats("w", 0, 1<<62))), "overflows"},
	{"many dimensions", modelOf(initializer(floats("w", 4, slices.Repeat([]int64{1}, 17)...))), "more than 16 dimensions"},
	{"segment", modelOf(initializer(slices.Concat(floats("w", 4, 1), bytesOf(3, number(1, 0), number(2, 1<<40))))), "segments"},
	{"no name", modelOf(initializer(floats("", 4, 1))), "an initializer without a name"},
	{"sparse initializer", modelOf(bytesOf(15, bytesOf(1, floats("w", 4, 1)), bytesOf(2, tensorHead("i", 7, 1), bytesOf(7, []byte{99})), number(3, 4))), "a sparse initializer is refused"},
	{"sparse initializer with external data", modelOf(bytesOf(15, bytesOf(1, stored("w", []int64{1}, "location", "data", "length", "4")), number(3, 1<<40))), "a sparse initializer is refused"},
	{"sparse constant with external data", modelOf(operator("Constant", "", "c", holding("sparse_value", 11, bytesOf(22, bytesOf(1, stored("w", []int64{1}, "location", "../data")))))), `attribute "sparse_value" of node "Constant of c" is refused`},
	{"constant", modelOf(constant(floats("w", 7, 2))), `attribute "value" of node "Constant of c" "w" has 7 bytes`},
	{"list of tensors", modelOf(operator("Constant", "", "c", holding("values", 9, slices.Concat(bytesOf(10, floats("", 4, 1)), bytesOf(10, floats("", 3, 1)))))), "has 3 bytes of values"},
	{"tensor in a subgraph", modelOf(subgraph(initializer(floats("w", 3, 1)))), `initializer "w" has 3 bytes`},
	{"tensor in a function", modelWith(graphOf(), functionOf("f", constant(floats("w", 3, 1)), operator("Relu", "x", "y"))), "has 3 bytes"},
	{"training information", modelWith(graphOf(), bytesOf(20, bytesOf(1, initializer(floats("w", 3, 1))))), "training information"},
	{"annotation of nothing", modelOf(bytesOf(14, word(1, "y"), bytesOf(2, word(1, "SCALE_TENSOR"), word(2, "none")))), `annotation of "none"`},
}

// subgraph is a node that holds a graph z = Relu(x) and more.
func subgraph(more ...[]byte) []byte {
	inner := slices.Concat(operator("Relu", "x", "z"), port(12, "z", 1), slices.Concat(more...))
	return operator("If", "x", "c", holding("then_branch", 5, bytesOf(6, inner)))
}

// nested is a graph inside graphs.
func nested(depth int) []byte {
	out := port(12, "x", 1)
	for range depth {
		out = operator("If", "", "", holding("then_branch", 5, bytesOf(6, out)))
	}
	return out
}

var hostileGraphs = []hostile{
	{"empty", nil, "holds no graph"},
	{"text", []byte("version https://git-lfs.github.com/spec/v1\noid sha256:12\n"), "is no"},
	{"truncated", modelOf()[:30], "cut short"},
	{"varint overflow", append([]byte{8}, slices.Repeat([]byte{0xff}, 11)...), "no ONNX model or cut short"},
	{"length overflow", append([]byte{0x3a}, slices.Repeat([]byte{0xff}, 9)...), "cut short"},
	{"group", []byte{0x0b, 0x0c}, "protobuf group"},
	{"unknown field", modelWith(graphOf(), number(99, 1)), "the field 99"},
	{"field in the wrong encoding", modelWith(graphOf(), word(5, "text")), "field 5 in the wrong encoding"},
	{"two graphs", modelWith(graphOf(), bytesOf(7, initializer(floats("w", 4, 1)))), "the field 7 twice"},
	{"field zero", modelWith(graphOf(), []byte{0, 0}), "no ONNX model or cut short"},
	{"cycle", modelOf(operator("Relu", "b", "a"), operator("Relu", "a", "b")), `the node "Relu of a", which needs its own result: the graph is cyclic`},
	{"node that feeds itself", modelOf(operator("Relu", "a", "a")), "cyclic"},
	{"cycle through a subgraph", modelOf(
		operator("If", "x", "a", holding("then_branch", 5, bytesOf(6, operator("Relu", "b", "z"), port(12, "z", 1)))),
		operator("Relu", "a", "b")), "cyclic"},
	{"missing input", modelOf(operator("Relu", "nowhere", "a")), `needs the value "nowhere", which does not exist`},
	{"value of an inner graph", modelOf(subgraph(), operator("Relu", "z", "a")), `needs the value "z", which does not exist`},
	{"missing output", modelOf(port(12, "nowhere", 1)), `output "nowhere" twice or without a value`},
	{"no output", modelWith(slices.Concat(operator("Relu", "x", "y"), port(11, "x", 1))), "has no outputs"},
	{"two values of one name", modelOf(operator("Relu", "x", "y")), `two values of the name "y"`},
	{"two initializers of one name", modelOf(initializer(floats("w", 4, 1)), initializer(floats("w", 4, 1))), `two values of the name "w"`},
	{"initializer and node", modelOf(initializer(floats("y", 4, 1))), `two values of the name "y"`},
	{"shadowed value", modelOf(subgraph(operator("Relu", "x", "y"))), `two values of the name "y"`},
	{"NUL in a name", modelOf(operator("Relu", "x", "a\x00b")), "holds a NUL"},
	{"long name", modelOf(operator("Relu", "x", strings.Repeat("a", 5000))), "a name of 5000 bytes"},
	{"deep graphs", modelOf(nested(50)), "nested more than 8 deep"},
	{"very deep graphs", modelOf(nested(1_000)), "nested more than 8 deep"},
	{"deep types", modelOf(bytesOf(13, word(1, "v"), bytesOf(2, sequence(500)))), "types nested more than 8 deep"},
	{"two types", modelOf(bytesOf(13, word(1, "v"), bytesOf(2, sequence(1), bytesOf(1, number(1, 1))))), "more than one type"},
	{"map", modelOf(bytesOf(13, word(1, "v"), bytesOf(2, bytesOf(5, number(1, 7))))), "type of a map"},
	{"input of strings", modelOf(bytesOf(11, word(1, "s"), bytesOf(2, bytesOf(1, number(1, 8))))), "no tensor of numbers"},
	{"shape overflow", modelOf(port(13, "v", 1<<40, 1<<40)), "overflows"},
	{"IR of tomorrow", slices.Concat(number(1, 99), bytesOf(7, graphOf()), standard), "IR version 99"},
	{"opset of tomorrow", slices.Concat(number(1, 8), bytesOf(7, graphOf()), bytesOf(8, number(2, 999))), "version 999 of the ONNX operators"},
	{"no opset", slices.Concat(number(1, 8), bytesOf(7, graphOf())), "does not import"},
	{"opset twice", modelWith(graphOf(), bytesOf(8, word(1, "ai.onnx"), number(2, 7))), `domain "" twice`},
	{"custom operator", modelOf(operator("Evil", "x", "a", word(7, "evil.ops"))), `"evil.ops.Evil", which is not among those`},
	{"operator that loads files", modelOf(operator("EPContext", "x", "a", word(7, "com.microsoft"))), `"com.microsoft.EPContext", which is not`},
	{"custom operator in a subgraph", modelOf(subgraph(operator("Evil", "x", "a", word(7, "evil")))), `"evil.Evil"`},
	{"attribute of another kind", modelOf(operator("Relu", "x", "a", holding("n", 2, bytesOf(6, nested(1))))), "values of another kind"},
	{"attribute of two kinds", modelOf(operator("Relu", "x", "a", holding("n", 2, slices.Concat(number(3, 1), word(4, "s"))))), "values of another kind"},
	{"attribute of unknown kind", modelOf(operator("Relu", "x", "a", holding("n", 77, nil))), "unknown kind 77"},
	{"attribute without tensor", modelOf(operator("Constant", "", "a", holding("value", 4, nil))), "lacks its value"},
	{"attribute twice", modelOf(operator("Relu", "x", "a", holding("n", 2, number(3, 1)), holding("n", 2, number(3, 2)))), "an attribute twice"},
	{"reference outside a function", modelOf(operator("Relu", "x", "a", holding("n", 2, word(21, "alpha")))), `refers to "alpha"`},
	{"several devices", modelWith(graphOf(), bytesOf(26, word(1, "d"))), "several devices"},
	{"recursion", modelWith(graphOf(operator("f", "x", "a", local())), functionOf("f", operator("f", "x", "y", local()))), `the function "f", which calls itself`},
	{"recursion of two", modelWith(graphOf(), functionOf("f", operator("g", "x", "y", local())), functionOf("g", operator("f", "x", "y", local()))), "calls itself"},
	{"recursion through a subgraph", modelWith(graphOf(), functionOf("f", operator("If", "x", "y",
		holding("then_branch", 5, bytesOf(6, operator("f", "x", "z", local()), port(12, "z", 1)))))), "calls itself"},
	{"functions that unfold without bound", modelWith(graphOf(operator("f0", "x", "a", local())), doubling(60)...), "unfolds its functions to more than"},
	{"function twice", modelWith(graphOf(), functionOf("f", operator("Relu", "x", "y")), functionOf("f", operator("Relu", "x", "y"))), `the function "f" twice`},
	{"function that replaces an operator", modelWith(graphOf(), bytesOf(25, word(1, "Relu"), word(10, "ai.onnx"))), `the function "Relu" in the domain ""`},
	{"cyclic function", modelWith(graphOf(), functionOf("f", operator("Relu", "y", "y"))), `the function "f", which has the node "Relu of y", which needs its own result`},
	{"custom operator in a function", modelWith(graphOf(), functionOf("f", operator("Evil", "x", "y", word(7, "evil")))), `"evil.Evil"`},
}

// sequence is a TypeProto of sequences of sequences.
func sequence(depth int) []byte {
	out := bytesOf(1, number(1, 1))
	for range depth {
		out = bytesOf(4, bytesOf(1, out))
	}
	return out
}

// doubling are functions of which each calls the next twice.
func doubling(count int) [][]byte {
	names := func(i int) string { return "f" + string(rune('0'+i)) }
	functions := [][]byte{functionOf(names(count), operator("Relu", "x", "y"))}
	for i := range count {
		functions = append(functions, functionOf(names(i),
			operator(names(i+1), "x", "h", local()), operator(names(i+1), "h", "y", local())))
	}
	return functions
}

// external is an initializer w of four bytes with these entries.
func externalModel(entries ...string) []byte {
	return modelOf(initializer(stored("w", []int64{1}, entries...)))
}

var hostileExternals = []hostile{
	{"parent", externalModel("location", "../secret"), "outside the model's folder"},
	{"hidden parent", externalModel("location", "folder/../../secret"), "outside the model's folder"},
	{"absolute", externalModel("location", "/etc/passwd"), "outside the model's folder"},
	{"drive", externalModel("location", `C:\secret`), "is refused: file names hold no"},
	{"backslash", externalModel("location", `..\secret`), "is refused: file names hold no"},
	{"NUL", externalModel("location", "data\x00.bin"), "holds a NUL"},
	{"newline", externalModel("location", "da\nta"), "is refused: file names hold no"},
	{"the folder", externalModel("location", "."), "outside the model's folder or not plainly below it"},
	{"no location", externalModel("offset", "0"), "does not tell the location"},
	{"address in memory", externalModel("location", "*/_ORT_MEM_ADDR_/*", "offset", "140737488355328", "length", "4"), "is refused: file names hold no"},
	{"other address in memory", externalModel("location", "*/_ORT_NATIVE_ENDIAN_MEM_ADDR_/*", "offset", "4096", "length", "4"), "is refused: file names hold no"},
	{"symbolic link", externalModel("location", "link"), "is a symbolic link, which is refused"},
	{"through a linked folder", externalModel("location", "linked/secret"), "is a symbolic link, which is refused"},
	{"hard link", externalModel("location", "hard"), "(a hard link), which is refused"},
	{"pipe", externalModel("location", "pipe"), "is no regular file"},
	{"socket or device", externalModel("location", "socket"), "is no regular file"},
	{"folder", externalModel("location", "folder"), "is no regular file"},
	{"missing", externalModel("location", "nothing"), "is missing"},
	{"offset outside", externalModel("location", "data", "offset", "16"), "takes 4 bytes from byte 16"},
	{"end outside", externalModel("location", "data", "offset", "14", "length", "4"), "takes 4 bytes from byte 14"},
	{"huge offset", externalModel("location", "data", "offset", "9223372036854775807", "length", "4"), "takes 4 bytes from byte 9223372036854775807"},
	{"offset overflow", externalModel("location", "data", "offset", "18446744073709551612"), "where a number of bytes belongs"},
	{"negative offset", externalModel("location", "data", "offset", "-4"), "where a number of bytes belongs"},
	{"octal offset", externalModel("location", "data", "offset", "010"), "where a number of bytes belongs"},
	{"length lies", externalModel("location", "data", "offset", "0", "length", "16"), "takes 16 bytes of \"data\", but its type and shape [1] need 4"},
	{"no length", externalModel("location", "data"), "to its end, 16 bytes, but its shape needs 4"},
	{"location twice", externalModel("location", "data", "location", "../secret"), "tells its location twice"},
	{"unknown entry", externalModel("location", "data", "basepath", "/etc"), `unknown entry "basepath"`},
	{"marked as inline", modelOf(initializer(slices.Concat(floats("w", 4, 1), bytesOf(13, word(1, "location"), word(2, "data"))))), "says that its values are in the model"},
	{"external and inline", modelOf(initializer(slices.Concat(stored("w", []int64{1}, "location", "data"), bytesOf(9, make([]byte, 4))))), "values in the model and external ones"},
	{"overlap", modelOf(initializer(stored("w", []int64{2}, "location", "data", "offset", "0", "length", "8")),
		initializer(stored("v", []int64{2}, "location", "data", "offset", "4", "length", "8"))), `initializer "v" overlaps initializer "w"`},
	{"overlap of a part", modelOf(initializer(stored("w", []int64{2}, "location", "data", "offset", "0", "length", "8")),
		initializer(stored("v", []int64{1}, "location", "data", "offset", "0", "length", "4"))), "overlaps"},
	{"in an attribute", modelOf(constant(stored("w", []int64{1}, "location", "../secret"))), "outside the model's folder"},
	{"in a subgraph", modelOf(subgraph(initializer(stored("w", []int64{1}, "location", "link")))), "is a symbolic link"},
	{"in a function", modelWith(graphOf(), functionOf("f", constant(stored("w", []int64{1}, "location", "pipe")), operator("Relu", "x", "y"))), "is no regular file"},
	{"of strings", modelOf(initializer(slices.Concat(tensorHead("w", 8, 1), bytesOf(13, word(1, "location"), word(2, "data")), number(14, 1)))), "has the type"},
}

// trap fills a folder with what external data must not lead to.
func trap(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "model")
	writeFile(t, filepath.Join(root, "secret"), make([]byte, 4))
	writeFile(t, filepath.Join(dir, "data"), make([]byte, 16))
	writeFile(t, filepath.Join(dir, "folder", "data"), make([]byte, 4))
	writeFile(t, filepath.Join(dir, "*", "_ORT_MEM_ADDR_", "*"), make([]byte, 4))
	for _, err := range []error{
		os.Symlink(filepath.Join(root, "secret"), filepath.Join(dir, "link")),
		os.Symlink(root, filepath.Join(dir, "linked")),
		os.Link(filepath.Join(root, "secret"), filepath.Join(dir, "hard")),
		syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600),
		syscall.Mknod(filepath.Join(dir, "socket"), syscall.S_IFSOCK|0o600, 0),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestZoo: every lie in a model is an error that names it. Nothing here runs
// ONNX Runtime: TestNoRuntime proves that the package cannot.
func TestZoo(t *testing.T) {
	for _, test := range slices.Concat(hostileTensors, hostileGraphs, hostileExternals) {
		t.Run(test.name, func(t *testing.T) {
			_, err := openBytes(t, trap(t), test.content)
			expectFileError(t, err, "model.onnx", test.want, "fetch the model again")
		})
	}
}

func expectFileError(t *testing.T, err error, parts ...string) {
	t.Helper()
	var problem *FileError
	if !errors.As(err, &problem) {
		t.Fatalf("error is %v, want a FileError", err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

// TestHostileModelFile: the model itself must be a regular file.
func TestHostileModelFile(t *testing.T) {
	for name, want := range map[string]string{
		"link": "is a symbolic link", "hard": "hard link", "pipe": "no regular file", "folder": "no regular file",
		"none": "is missing", "socket": "no regular file",
	} {
		path := filepath.Join(trap(t), name)
		_, err := Open(path, Options{})
		expectFileError(t, err, path, want)
	}
	path := filepath.Join(t.TempDir(), "huge.onnx")
	writeFile(t, path, nil)
	if err := os.Truncate(path, maxFile+1); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path, Options{})
	expectFileError(t, err, "more than the 2 GiB")
}

// TestLimits: a file may not make the checks themselves expensive.
func TestLimits(t *testing.T) {
	node := operator("Relu", "", "")
	_, err := openBytes(t, t.TempDir(), modelOf(slices.Repeat(node, maxNodes+1)))
	expectFileError(t, err, "more than 200000 nodes")
	repeated := protowire.AppendTag(nil, 8, protowire.VarintType)
	ints := slices.Repeat(append(repeated, 0), 1_000_000)
	if _, err := openBytes(t, t.TempDir(), modelOf(operator("Relu", "x", "a", holding("n", 7, ints)))); err != nil {
		t.Errorf("a long list of numbers is refused: %v", err)
	}
}

func TestNoRuntime(t *testing.T) {
	output, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq(string(output)) {
		if strings.Contains(name, "onnxruntime") || name == "polylens/encoder/ort" || name == "runtime/cgo" {
			t.Errorf("the checks depend on %s", name)
		}
	}
}
