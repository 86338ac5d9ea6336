package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"polylens/indexer/metadata/table"
	"polylens/internal/ordinary"
)

// parquetName is the manifest as Hugging Face's imagefolder has it in Parquet.
const parquetName = "metadata.parquet"

// addParquet adds the manifest of a folder in Parquet, unless there is another.
func (w *walker) addParquet(at *place, file string) {
	if !at.metadata.use(parquetName) {
		return
	}
	uri := w.uri(file)
	if len(at.own) > 0 {
		w.problem(Problem{URI: uri, Kind: ProblemSidecar, Err: errors.New("the manifest as text beside it is read instead")})
		return
	}
	told := w.tellLines(uri)
	entries, err := w.readParquet(file, at.room(), told.tell)
	told.end()
	if err != nil {
		w.problem(Problem{URI: uri, Kind: ProblemSidecar, Err: fmt.Errorf("as Parquet: %w", plain(err))})
		at.unread = at.unread || saysNothing(err)
	}
	m := newManifest(at.folder, uri, entries, 0)
	at.manifests, at.own = append(slices.Clip(at.manifests), m), append(at.own, m)
}

// readParquet reads the rows of a file. Next to an error it gives those before it.
func (w *walker) readParquet(name string, left room, problem func(place string, err error)) (map[string]manifestEntry, error) {
	file, err := ordinary.In(w.ctx, w.files, name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return parquetEntries(w.ctx, file, info.Size(), left, problem)
}

// parquetEntries reads the rows of a file. Next to an error it gives those before it.
func parquetEntries(ctx context.Context, file io.ReaderAt, length int64, left room, problem func(place string, err error)) (map[string]manifestEntry, error) {
	entries := make(map[string]manifestEntry)
	size := 0
	err := table.Read(ctx, file, length, func(row table.Row) error {
		place := "row=" + strconv.Itoa(row.Number)
		for _, lost := range row.Lost {
			problem(place, errors.New(lost))
		}
		if row.Fields == nil {
			return nil
		}
		if len(entries) >= left.entries {
			return left.errEntries()
		}
		data, err := json.Marshal(row.Fields)
		if err != nil {
			problem(place, err)
			return nil
		}
		if size += len(data); size > left.bytes {
			return left.errRoom()
		}
		addRow(entries, row.Fields, manifestEntry{data: data, place: place}, problem)
		return nil
	})
	return entries, err
}

// addRow adds a row for each picture that it names: in file_name, or in several columns
// whose names end like that.
func addRow(entries map[string]manifestEntry, fields map[string]any, entry manifestEntry, problem func(string, error)) {
	found := false
	for key, value := range fields {
		name, isText := value.(string)
		if isText && (key == fileNameKey || strings.HasSuffix(key, "_"+fileNameKey)) {
			found = true
			entry.name = name
			addEntry(entries, entry, problem)
		}
	}
	if !found {
		problem(entry.place, fmt.Errorf("it has no %s", fileNameKey))
	}
}
