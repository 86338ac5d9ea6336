package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// encoded returns a safetensors file with the given header and data bytes.
func encoded(header string, data int) []byte {
	content := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	content = append(content, header...)
	return append(content, make([]byte, data)...)
}

const twoTensors = `{"__metadata__":{"format":"pt"},"b":{"dtype":"F16","shape":[2],"data_offsets":[8,12]},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}`

func write(t *testing.T, dir, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOpenSingle(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, SingleFile, encoded(twoTensors+"   ", 12))
	index, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := index.Tensor("a")
	start := int64(8 + len(twoTensors) + 3)
	if a.Offset != start || a.Length != 8 || a.DType != F32 || !slices.Equal(a.Shape, []int64{2, 1}) || a.File != SingleFile {
		t.Errorf("tensor a is %+v", a)
	}
	if got := index.Elements(); got != 4 {
		t.Errorf("%d elements, want 4", got)
	}
	if !slices.Equal(index.Names(), []string{"a", "b"}) {
		t.Errorf("names %v", index.Names())
	}
}

func TestOpenSharded(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "one.safetensors", encoded(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4))
	write(t, dir, "two.safetensors", encoded(`{"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4))
	write(t, dir, IndexFile, []byte(`{"metadata":{"total_size":8},"weight_map":{"a":"one.safetensors","b":"two.safetensors"}}`))
	index, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := index.Tensor("b")
	if b.File != "two.safetensors" || len(index.Files) != 2 {
		t.Errorf("b is %+v in files %v", b, index.Files)
	}
}

// TestHostileFiles: every lie in a file is an error that names it.
func TestHostileFiles(t *testing.T) {
	one := func(entry string) string { return `{"w":` + entry + `}` }
	tests := []struct {
		name    string
		content []byte
		want    string
	}{
		{"empty", nil, "too short"},
		{"huge header", append([]byte{0, 0, 0, 0, 0, 0, 0, 0x7f}, 1, 2, 3), "more than the format's limit"},
		{"header beyond the end", []byte{100, 0, 0, 0, 0, 0, 0, 0, '{', '}'}, "only 2 follow"},
		{"not JSON", encoded("[1,2]", 0), "no JSON object"},
		{"cut JSON", encoded(`{"w":{"dtype"`, 0), "tensor \"w\" is described wrongly"},
		{"two objects", encoded(`{}{}`, 0), "more than one JSON object"},
		{"truncated data", encoded(twoTensors, 11), `tensor "b" ends at byte`},
		{"offset outside", encoded(one(`{"dtype":"F32","shape":[1],"data_offsets":[4000,4004]}`), 4), `tensor "w" ends at byte`},
		{"huge offset", encoded(one(`{"dtype":"F32","shape":[1],"data_offsets":[9223372036854775803,9223372036854775807]}`), 4), `tensor "w"`},
		{"offset overflow", encoded(one(`{"dtype":"F32","shape":[1],"data_offsets":[0,99999999999999999999]}`), 4), "described wrongly"},
		{"negative offset", encoded(one(`{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}`), 4), "impossible offsets"},
		{"reversed offsets", encoded(one(`{"dtype":"F32","shape":[1],"data_offsets":[4,0]}`), 4), "impossible offsets"},
		{"dtype lies", encoded(one(`{"dtype":"F64","shape":[1],"data_offsets":[0,4]}`), 4), "takes 4 bytes, but F64 of shape [1] needs 8"},
		{"unknown dtype", encoded(one(`{"dtype":"F31","shape":[1],"data_offsets":[0,4]}`), 4), "unknown type"},
		{"shape lies", encoded(one(`{"dtype":"F32","shape":[2],"data_offsets":[0,4]}`), 4), "needs 8"},
		{"negative shape", encoded(one(`{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}`), 4), "negative dimension"},
		{"shape overflow", encoded(one(`{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}`), 0), "overflows"},
		{"deep shape", encoded(one(`{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}`), 4), "17 dimensions"},
		{"missing field", encoded(one(`{"dtype":"F32","shape":[1]}`), 4), "lacks"},
		{"unknown field", encoded(one(`{"dtype":"F32","shape":[1],"data_offsets":[0,4],"path":"/etc/passwd"}`), 4), "described wrongly"},
		{"overlap", encoded(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8), `tensor "b" overlaps`},
		{"gap", encoded(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}`, 12), `gap of 4 bytes before tensor "b"`},
		{"rest", encoded(one(`{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`), 5), "belong to no tensor"},
		{"duplicate", encoded(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8), `"a" twice`},
		{"duplicate apart", encoded(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"\u0061":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}`, 12), `"a" twice`},
		{"duplicate key", encoded(one(`{"dtype":"F32","shape":[1],"data_offsets":[0,4],"dtype":"I8"}`), 4), `"dtype" twice`},
		{"duplicate metadata", encoded(`{"__metadata__":{"format":"pt","format":"np"}}`, 0), `"format" twice`},
		{"key in another case", encoded(one(`{"dtype":"F32","shape":[1],"data_offsets":[0,4],"DType":"I8"}`), 4), `there is no "DType"`},
		{"three offsets", encoded(one(`{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}`), 4), "lacks its dtype, shape or two"},
		{"fractional shape", encoded(one(`{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}`), 4), "described wrongly"},
		{"huge number", encoded(one(`{"dtype":"F32","shape":[1e300],"data_offsets":[0,4]}`), 4), "described wrongly"},
		{"null", encoded(`{"w":null}`, 0), "lacks"},
		{"metadata of wrong type", encoded(`{"__metadata__":{"x":1}}`, 0), "broken metadata"},
		{"many tensors", encoded("{"+manyEntries(maxTensors+1, `{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`)+"}", 0), "more than 20000 tensors"},
		{"a million tensors", encoded("{"+manyEntries(1_000_000, `{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`)+"}", 0), "in all"},
		{"long name", encoded(`{"`+strings.Repeat("x", maxName+1)+`":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, 0), "a name of 1025 bytes"},
		{"a large header", encoded(`{"__metadata__":{"x":"`+strings.Repeat("x", maxHeaders)+`"}}`, 0), "in all"},
		{"deep nesting", encoded(`{"w":`+strings.Repeat("[", 20000)+strings.Repeat("]", 20000)+`}`, 0), "nested more than 32 deep"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, SingleFile, test.content)
			_, err := Open(dir)
			expectFileError(t, err, SingleFile, test.want)
		})
	}
}

func TestHostileShards(t *testing.T) {
	shard := encoded(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4)
	tests := []struct{ name, index, want string }{
		{"absolute", `{"weight_map":{"a":"/etc/passwd"}}`, "outside the model directory"},
		{"parent", `{"weight_map":{"a":"../one.safetensors"}}`, "outside the model directory"},
		{"subfolder", `{"weight_map":{"a":"sub/one.safetensors"}}`, "outside the model directory"},
		{"missing shard", `{"weight_map":{"a":"none.safetensors"}}`, "is missing"},
		{"symlink", `{"weight_map":{"a":"link.safetensors"}}`, "symbolic link"},
		{"missing tensor", `{"weight_map":{"a":"one.safetensors","b":"one.safetensors"}}`, `holds tensor "b", but it does not`},
		{"unlisted tensor", `{"weight_map":{"c":"two.safetensors"}}`, `does not list tensor "d"`},
		{"tensor twice", `{"weight_map":{"a":"one.safetensors","x":"copy.safetensors"}}`, "holds too"},
		{"drive", `{"weight_map":{"a":"C:\\one.safetensors"}}`, "is missing"},
		{"pipe", `{"weight_map":{"a":"pipe.safetensors"}}`, "no regular file"},
		{"duplicate key", `{"weight_map":{"a":"one.safetensors","a":"/etc/passwd"}}`, `"a" twice`},
		{"list that lies", `{"weight_map":{"a":"one.safetensors","c":"one.safetensors","d":"two.safetensors"}}`, `says that one.safetensors holds tensor "c", but it does not`},
		{"empty", `{}`, "lists no tensors"},
		{"not JSON", `nonsense`, "is no shard index"},
		{"a folder", `{"weight_map":{"a":"."}}`, "is no regular file"},
		{"many tensors", `{"weight_map":{` + manyEntries(maxTensors+1, `"one.safetensors"`) + `}}`, "more than 20000 tensors"},
		{"a million tensors", `{"weight_map":{` + manyEntries(1_000_000, `"one.safetensors"`) + `}}`, "is larger than"},
		{"many shards", `{"weight_map":{` + manyShards(maxShards+1) + `}}`, "lists 1001 shards"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "one.safetensors", shard)
			write(t, dir, "copy.safetensors", shard)
			write(t, dir, "two.safetensors", encoded(`{"c":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"d":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}}`, 4))
			if err := os.Symlink(filepath.Join(dir, "one.safetensors"), filepath.Join(dir, "link.safetensors")); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Mkfifo(filepath.Join(dir, "pipe.safetensors"), 0o600); err != nil {
				t.Fatal(err)
			}
			write(t, dir, IndexFile, []byte(test.index))
			_, err := Open(dir)
			expectFileError(t, err, "", test.want)
		})
	}
}

// manyEntries are entries of a JSON object, all of one value.
func manyEntries(n int, value string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"t%d":%s`, i, value)
	}
	return b.String()[1:]
}

func manyShards(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"t%d":"%d.safetensors"`, i, i)
	}
	return b.String()[1:]
}

// TestShardsTogether: the limits hold for all shards of a model together.
func TestShardsTogether(t *testing.T) {
	const some = maxTensors/2 + 1
	metadata := `{"__metadata__":{"x":"` + strings.Repeat("x", maxHeaders/2) + `"},`
	entry := `{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`
	tensors := func(prefix string) string { return strings.ReplaceAll(manyEntries(some, entry), `"t`, `"`+prefix) }
	for _, test := range []struct{ name, one, two, want string }{
		{"tensors", "{" + tensors("a") + "}", "{" + tensors("b") + "}", "more than 20000 tensors"},
		{"headers", metadata + `"a0":` + entry + "}", metadata + `"b0":` + entry + "}", "in all"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "one.safetensors", encoded(test.one, 0))
			write(t, dir, "two.safetensors", encoded(test.two, 0))
			write(t, dir, IndexFile, []byte(`{"weight_map":{"a0":"one.safetensors","b0":"two.safetensors"}}`))
			_, err := Open(dir)
			expectFileError(t, err, "", test.want)
		})
	}
}

func TestOpenMissing(t *testing.T) {
	_, err := Open(t.TempDir())
	expectFileError(t, err, "", "holds neither")
}

func expectFileError(t *testing.T, err error, path, want string) {
	t.Helper()
	var problem *FileError
	if !errors.As(err, &problem) {
		t.Fatalf("error is %v, want a FileError", err)
	}
	for _, part := range []string{path, want, "fetch the model again"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

func TestWriteReadsBack(t *testing.T) {
	dir := t.TempDir()
	want := []Weights{{"x", []int64{2, 1}, []float32{1, 2}}, {"scalar", nil, []float32{3}}}
	if err := WriteFile(filepath.Join(dir, SingleFile), want); err != nil {
		t.Fatal(err)
	}
	index, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	content, _ := os.ReadFile(filepath.Join(dir, SingleFile))
	scalar, _ := index.Tensor("scalar")
	if got := content[scalar.Offset:][:4]; !bytes.Equal(got, []byte{0, 0, 0x40, 0x40}) || scalar.Offset%4 != 0 {
		t.Errorf("scalar at %d holds % x", scalar.Offset, got)
	}
	if err := Write(&bytes.Buffer{}, []Weights{{"x", []int64{3}, []float32{1}}}); err == nil {
		t.Error("values that do not fill the shape were written")
	}
}

// FuzzParse: whatever the bytes, parse neither panics nor accepts a range
// outside the file.
func FuzzParse(f *testing.F) {
	f.Add(encoded(twoTensors, 12))
	f.Add(encoded(`{}`, 0))
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, content []byte) {
		tensors, err := parse(bytes.NewReader(content), "f", int64(len(content)))
		if err != nil {
			return
		}
		var sum int64
		for _, tensor := range tensors {
			if tensor.Offset < 8 || tensor.Length < 0 || tensor.Offset+tensor.Length > int64(len(content)) {
				t.Errorf("%+v lies outside %d bytes", tensor, len(content))
			}
			sum += tensor.Length
		}
		if len(tensors) > maxTensors {
			t.Errorf("%d tensors", len(tensors))
		}
		if sum > int64(len(content)) {
			t.Errorf("tensors take %d of %d bytes", sum, len(content))
		}
	})
}

func FuzzShardIndex(f *testing.F) {
	f.Add([]byte(`{"weight_map":{"a":"one.safetensors"}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		if shardOf, err := parseShardIndex(content); err == nil && (len(shardOf) == 0 || len(shardOf) > maxTensors || len(shardsOf(shardOf)) > maxShards) {
			t.Errorf("accepted with %d tensors", len(shardOf))
		}
	})
}
