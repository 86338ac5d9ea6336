package table

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func readAll(ctx context.Context, data []byte) (rows []Row, err error) {
	err = Read(ctx, bytes.NewReader(data), int64(len(data)), func(row Row) error { rows = append(rows, row); return nil })
	return rows, err
}

func TestRead(t *testing.T) {
	want := []Row{
		{Number: 0, Fields: map[string]any{"file_name": "a.png", "text": "rot", "tags": []any{"x", "y"}, "id": 1., "score": .5,
			"about": map[string]any{"a": 1., "b": []any{"q"}}, "local": "2024-05-01T12:00:00", "day": "2024-05-01", "utc": "2024-05-01T12:00:00.005Z",
			"yes": true, "captions": []any{map[string]any{"language": "en", "text": "red"}}, "word": "k", "map": map[string]any{"k": 1.}},
			Lost: []string{`its field "bytes" is left out: it is neither text nor number nor a list or object of them`}},
		{Number: 1, Fields: map[string]any{"file_name": "sub/b.png", "text": "größer", "tags": []any{}, "id": int64(9007199254740993), "score": nil,
			"about": nil, "local": nil, "day": nil, "utc": nil, "bytes": nil, "yes": nil, "captions": nil, "word": "k", "map": nil}},
	}
	for _, name := range []string{"snappy.parquet", "none.parquet", "gzip.parquet", "zstd.parquet"} {
		rows, err := readAll(t.Context(), fixture(t, name))
		if err != nil || !reflect.DeepEqual(rows, want) {
			t.Errorf("%s: %v\n got %#v\nwant %#v", name, err, rows, want)
		}
	}
	rows, err := readAll(t.Context(), fixture(t, "groups.parquet"))
	if err != nil || len(rows) != 1000 || rows[999].Number != 999 || rows[999].Fields["file_name"] != "999.png" {
		t.Errorf("ten groups: %d rows, %v", len(rows), err)
	}
}

func TestReadEnds(t *testing.T) {
	stop := errors.New("stop")
	data := fixture(t, "groups.parquet")
	if err := Read(t.Context(), bytes.NewReader(data), int64(len(data)), func(Row) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := readAll(ctx, data); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestRefused(t *testing.T) {
	snappy := fixture(t, "snappy.parquet")
	for _, test := range []struct {
		name string
		data []byte
		want string
	}{
		{"brotli", fixture(t, "brotli.parquet"), "write it with snappy, gzip or zstd"},
		{"large page", fixture(t, "bomb.parquet"), "write smaller pages"},
		{"cut", snappy[:len(snappy)-100], "does not end as Parquet does"},
		{"empty", nil, "cut off"},
		{"long footer", append(append([]byte{}, snappy[:len(snappy)-8]...), "\xff\xff\xff\x7fPAR1"...), "of itself has 2147483647 bytes"},
	} {
		if rows, err := readAll(t.Context(), test.data); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %d rows, %v, want %q", test.name, len(rows), err, test.want)
		}
	}
	rows, err := readAll(t.Context(), fixture(t, "amplified.parquet"))
	if err != nil || len(rows) != 1 || len(rows[0].Lost) != 1 || !strings.Contains(rows[0].Lost[0], "at most 1048576") {
		t.Errorf("a row that one word fills: %+v, %v", rows, err)
	}
}

// FuzzRead: what is read can be written as JSON, and no file makes memory explode.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"snappy.parquet", "none.parquet", "zstd.parquet", "gzip.parquet", "amplified.parquet"} {
		f.Add(fixture(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		count := 0
		err := Read(t.Context(), bytes.NewReader(data), int64(len(data)), func(row Row) error {
			if count++; count > 1000 {
				return errors.New("enough")
			}
			_, err := json.Marshal(row.Fields)
			return err
		})
		if err != nil && strings.Contains(err.Error(), "json") {
			t.Error(err)
		}
		runtime.ReadMemStats(&after)
		if taken := after.TotalAlloc - before.TotalAlloc; taken > 2<<30 {
			t.Errorf("%d bytes took %d of memory", len(data), taken)
		}
	})
}
