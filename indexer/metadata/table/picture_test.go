package table

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

func readPictures(t *testing.T, data []byte) ([]Row, error) {
	t.Helper()
	var rows []Row
	err := ReadPictures(t.Context(), bytes.NewReader(data), int64(len(data)), func(row Row) error { rows = append(rows, row); return nil })
	return rows, err
}

// withPicture is a file with one picture of so many bytes.
func withPicture(t *testing.T, size int) []byte {
	t.Helper()
	var to bytes.Buffer
	schema := parquet.NewSchema("s", parquet.Group{"image": parquet.Leaf(parquet.ByteArrayType)})
	w := parquet.NewWriter(&to, schema, parquet.Compression(&parquet.Zstd), parquet.SkipPageBounds("image"), parquet.DataPageStatistics(false))
	row := parquet.Row{parquet.ByteArrayValue(make([]byte, size)).Level(0, 0, 0)}
	if _, err := w.WriteRows([]parquet.Row{row}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return to.Bytes()
}

// TestReadPictures: pictures come as their bytes, and numbers that stand for names as these.
func TestReadPictures(t *testing.T) {
	rows, err := readPictures(t, fixture(t, "pictures.parquet"))
	if err != nil || len(rows) != 8 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, row := range rows {
		if hasPicture := bytes.HasPrefix(row.Pictures["image"], []byte("\x89PNG")); hasPicture != (i < 6) {
			t.Errorf("row %d: %v", i, row.Pictures)
		}
	}
	if want := map[string]any{"label": "dog", "caption": "red 1"}; !reflect.DeepEqual(rows[1].Fields, want) {
		t.Errorf("got %v, want %v", rows[1].Fields, want)
	}
	if bytes.Equal(rows[0].Pictures["image"], rows[1].Pictures["image"]) || rows[7].Fields["label"] != -1. {
		t.Errorf("%v", rows)
	}
	rows, err = readAll(t.Context(), fixture(t, "pictures.parquet"))
	if err != nil || len(rows) != 8 || rows[0].Pictures != nil || len(rows[0].Lost) != 1 {
		t.Errorf("read for its metadata: %+v, %v", rows, err)
	}
	large := withPicture(t, int(forPictures.page+1))
	if _, err := readPictures(t, large); err == nil || !strings.Contains(err.Error(), "smaller pages") {
		t.Errorf("a page that is too large: %v", err)
	}
	large = withPicture(t, int(forPictures.row+1))
	if rows, err := readPictures(t, large); err != nil || len(rows) != 1 || rows[0].Pictures != nil || len(rows[0].Lost) != 1 {
		t.Errorf("a picture that is too large: %d rows, %v", len(rows), err)
	}
}

// FuzzReadPictures: no file makes memory explode, and no picture is empty.
func FuzzReadPictures(f *testing.F) {
	for _, name := range []string{"pictures.parquet", "snappy.parquet"} {
		f.Add(fixture(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		count := 0
		_ = ReadPictures(t.Context(), bytes.NewReader(data), int64(len(data)), func(row Row) error {
			for name, picture := range row.Pictures {
				if len(picture) == 0 || row.Fields[name] != nil {
					t.Errorf("row %d: %q is %d bytes, and %v", row.Number, name, len(picture), row.Fields[name])
				}
			}
			if count++; count > 1000 {
				return errors.New("enough")
			}
			return nil
		}) // damaged in any way
		runtime.ReadMemStats(&after)
		if taken := after.TotalAlloc - before.TotalAlloc; taken > 4<<30 {
			t.Errorf("%d bytes took %d of memory", len(data), taken)
		}
	})
}

// TestPicturesTakeConstantMemory: what is in memory is that of a row group, however many
// there are.
func TestPicturesTakeConstantMemory(t *testing.T) {
	const groups, rows, size = 24, 4, 1 << 20
	name := filepath.Join(t.TempDir(), "large.parquet")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	random := rand.NewChaCha8([32]byte{19})
	schema := parquet.NewSchema("s", parquet.Group{"image": parquet.Leaf(parquet.ByteArrayType)})
	w := parquet.NewWriter(file, schema, parquet.MaxRowsPerRowGroup(rows), parquet.SkipPageBounds("image"), parquet.DataPageStatistics(false))
	for range groups * rows {
		picture := make([]byte, size)
		_, _ = random.Read(picture) // never fails
		if _, err := w.WriteRows([]parquet.Row{{parquet.ByteArrayValue(picture).Level(0, 0, 0)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w, random = nil, nil
	info, err := file.Stat()
	if err != nil || info.Size() < groups*rows*size {
		t.Fatal(info, err)
	}
	live := func() uint64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before, most, count := live(), uint64(0), 0
	err = ReadPictures(t.Context(), file, info.Size(), func(Row) error {
		if count++; count%rows == 0 {
			most = max(most, live())
		}
		return nil
	})
	if err != nil || count != groups*rows || most > before+8*rows*size {
		t.Errorf("%d rows, %v; %d bytes are live, %d before", count, err, most, before)
	}
}
