package archive

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestBombs: what asks for too much ends, and costs little.
func TestBombs(t *testing.T) {
	zeros := string(make([]byte, 8<<20))
	bomb := tarOf(t, file{"a.jpg", "x"}, file{"b.bin", zeros}, file{"c.jpg", "x"})
	small := Limits{RatioFrom: 1 << 20, MaxBytes: 1 << 20}
	overlapping := overlappingZip(t, 2000, 1<<20)
	for _, test := range []struct {
		name    string
		content []byte
		limits  Limits
		says    string
	}{
		{"gzip", packedBy(t, bomb, Gzip), small, "more than 200 times"},
		{"zstd", packedBy(t, bomb, Zstd), small, "more than 200 times"},
		{"xz", packedBy(t, bomb, XZ), small, "more than 200 times"},
		{"gzip behind the end", packedBy(t, append(tarOf(t, shard...), zeros...), Gzip), small, "more than 200 times"},
		{"overlapping members of zip", overlapping, Limits{RatioFrom: 1 << 20, MaxBytes: 2 << 20}, "more than 200 times"},
		{"total", bomb, Limits{MaxTotal: 4 << 20}, "unpacked"},
		{"many members", tarOf(t, slices.Repeat([]file{{"a.bin", ""}}, 101)...), Limits{MaxEntries: 100}, "more than 100 members"},
		{"many members of zip", zipOf(t, slices.Repeat([]file{{"a.bin", ""}}, 101)...), Limits{MaxEntries: 100}, "more than 100 members"},
		{"directory of zip", zipOf(t, slices.Repeat([]file{{"a.bin", ""}}, 5000)...), Limits{MaxDirectory: 100 << 10}, "too many members"},
	} {
		_, _, err := read(t, bytes.NewReader(test.content), test.limits)
		if !errors.Is(err, ErrLimit) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v, want words of %q", test.name, err, test.says)
		}
	}
	entries, _, err := read(t, bytes.NewReader(packedBy(t, bomb, Gzip)), small)
	if got := told(entries); len(got) != 1 || !strings.HasPrefix(got[0], "a.jpg: ") && got[0] != "a.jpg=x" {
		t.Errorf("before the bomb: %q, %v", got, err)
	}
	if _, err := Read(t.Context(), bytes.NewReader(bomb), Limits{MaxBytes: -1}, nil); err == nil {
		t.Error("a negative limit is taken")
	}
}

// TestWindows: a packer says how much memory its unpacking takes, and is not believed.
func TestWindows(t *testing.T) {
	large := packedBy(t, tarOf(t, shard...), XZ)
	filter := bytes.Index(large, []byte("\x21\x01")) // LZMA2, one byte of properties
	large[filter+2] = 37                             // a dictionary of 1.5 GiB
	second := append(packedBy(t, tarOf(t, shard...), XZ), large...)
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, (28 - 10) << 3, 5<<3 | 1, 0, 0, 1, 2, 3, 4, 5} // a window of 256 MiB
	for name, test := range map[string]struct {
		content []byte
		says    string
	}{"xz": {large, "of memory"}, "xz, second stream": {second, "of memory"}, "zstd": {frame, "window size exceeded"}} {
		_, _, err := read(t, bytes.NewReader(test.content), Limits{})
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// overlappingZip is an archive whose many members are all the same bytes of the file.
func overlappingZip(t *testing.T, members, size int) []byte {
	t.Helper()
	one := zipOf(t, file{"00000.jpg", string(make([]byte, size))})
	directory := bytes.LastIndex(one, []byte("PK\x01\x02"))
	end := bytes.LastIndex(one, []byte("PK\x05\x06"))
	out := bytes.Clone(one[:directory])
	for i := range members {
		record := bytes.Clone(one[directory:end])
		copy(record[46:], fmt.Sprintf("%05d", i))
		out = append(out, record...)
	}
	last := bytes.Clone(one[end:])
	last[8], last[9], last[10], last[11] = byte(members), byte(members>>8), byte(members), byte(members>>8)
	length := members * (end - directory)
	last[12], last[13], last[14], last[15] = byte(length), byte(length>>8), byte(length>>16), byte(length>>24)
	return append(out, last...)
}
