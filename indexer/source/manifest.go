package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"

	"polylens/internal/ordinary"
	"polylens/internal/text"
)

const (
	fileNameKey = "file_name"
	maxManifest = 256 << 20 // bytes: a manifest is held in memory while its folder is walked
)

// manifest is a metadata.jsonl or metadata.csv: one entry for each picture of
// its folder or below.
type manifest struct {
	folder  string
	uri     string
	entries map[string]manifestEntry // by cleaned file_name
	bytes   int                      // that the entries hold
	matched map[string]bool          // those that a picture asked for
	loose   *looseNames              // for pictures without an entry of exactly their name
}

type manifestEntry struct {
	data  []byte // the JSON object
	name  string // file_name as it is written
	place string // where in the manifest, as a URI fragment
}

// room is what a manifest may take: all that one picture is looked up in are in memory
// together, and folders lie in folders as deep as somebody likes.
type room struct{ bytes, entries int }

// room is what the manifests of a folder and those above it leave.
func (p *place) room() room {
	left := room{maxManifest, mostEntries}
	for _, m := range p.manifests {
		left.bytes, left.entries = max(0, left.bytes-m.bytes), max(0, left.entries-len(m.entries))
	}
	return left
}

// errRoom is about a manifest that is not read to its end.
func (r room) errRoom() error {
	if r.bytes < maxManifest {
		return fmt.Errorf("it and the tables of the folders around it have more than %d bytes", maxManifest)
	}
	return fmt.Errorf("it has more than %d bytes", maxManifest)
}

func (r room) errEntries() error {
	if r.entries < mostEntries {
		return fmt.Errorf("this line and those after it are not read: at most %d are, with those of the folders around it", mostEntries)
	}
	return fmt.Errorf("this line and those after it are not read: at most %d are", mostEntries)
}

// newManifest is one of a folder, whose entries hold so many bytes at least.
func newManifest(folder, uri string, entries map[string]manifestEntry, bytes int) manifest {
	sum := 0
	for _, entry := range entries {
		sum += len(entry.data)
	}
	return manifest{
		folder: folder, uri: uri, entries: entries, bytes: max(bytes, sum), matched: make(map[string]bool), loose: &looseNames{},
	}
}

// addManifests adds those of a folder, nearest last.
func (w *walker) addManifests(at *place) {
	folder, names := at.folder, at.metadata
	at.manifests = slices.Clip(at.manifests) // siblings must not share what is appended
	for name, parse := range map[string]parseManifest{
		"metadata.jsonl": parseLines, "metadata.csv": parseTable,
	} {
		if !names.use(name) {
			continue
		}
		file := path.Join(folder, name)
		uri := w.uri(file)
		if name == "metadata.csv" && names.use("metadata.jsonl") {
			w.problem(Problem{URI: uri, Kind: ProblemSidecar, Err: errors.New("metadata.jsonl is read instead")})
			continue
		}
		left := at.room()
		data, err := w.readFile(file, int64(left.bytes))
		if errors.Is(err, errTooLong) {
			err = left.errRoom()
		}
		if err == nil {
			data, err = text.Decode(data)
		}
		if err != nil {
			w.problem(Problem{URI: uri, Kind: ProblemSidecar, Err: err})
			at.unread = at.unread || saysNothing(err)
			continue
		}
		told := w.tellLines(uri)
		entries := parse(data, left, told.tell)
		told.end()
		m := newManifest(folder, uri, entries, len(data))
		at.manifests, at.own = append(at.manifests, m), append(at.own, m)
	}
	w.addParquet(at, path.Join(folder, parquetName))
}

// mostUnmatched bounds the lines of one manifest that are told of one by one.
const mostUnmatched = 100

// tellUnmatched tells of lines whose picture does not exist; one that exists and is not
// taken for a picture is told of by itself.
func (w *walker) tellUnmatched(m manifest) {
	missing := 0
	for _, name := range slices.Sorted(maps.Keys(m.entries)) {
		if w.ctx.Err() != nil {
			return // who walks sees that, too
		}
		if m.matched[name] {
			continue
		}
		if _, err := w.stat(path.Join(m.folder, name)); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if missing++; missing <= mostUnmatched {
			w.problem(Problem{URI: m.uri + "#" + m.entries[name].place, Kind: ProblemSidecar,
				Err: fmt.Errorf("its %s %.200q does not exist%s", fileNameKey, name, m.describedAs(name))})
		}
	}
	if missing > mostUnmatched {
		w.problem(Problem{URI: m.uri, Kind: ProblemSidecar,
			Err: fmt.Errorf("%d of its lines name files that do not exist, the first %d are listed", missing, mostUnmatched)})
	}
}

// describedAs adds that a picture of a like name has an entry of exactly its own.
func (m manifest) describedAs(name string) string {
	for _, other := range m.likeNames(name) {
		if m.matched[other] {
			return fmt.Sprintf("; %.200q, which differs in %s, has the metadata in %s", other, difference(name, other), m.entries[other].place)
		}
	}
	return ""
}

// lineProblems tells of lines of a manifest that cannot be used, the first ones one by
// one.
type lineProblems struct {
	walker *walker
	uri    string
	count  int
}

func (w *walker) tellLines(uri string) *lineProblems { return &lineProblems{walker: w, uri: uri} }

func (l *lineProblems) tell(place string, err error) {
	if l.count++; l.count <= mostTold {
		l.walker.problem(Problem{URI: l.uri + "#" + place, Kind: ProblemSidecar, Err: err})
	}
}

// end tells how many more there are.
func (l *lineProblems) end() {
	if l.count > mostTold {
		l.walker.problem(Problem{URI: l.uri, Kind: ProblemSidecar,
			Err: fmt.Errorf("there are %d problems with its lines; the first %d are listed", l.count, mostTold)})
	}
}

// parseManifest reads a manifest as far as there is room; problem is called with the
// place of every entry that cannot be used.
type parseManifest func(data []byte, left room, problem func(place string, err error)) map[string]manifestEntry

// mostEntries bounds the entries of a manifest, whose lines may be very short.
const mostEntries = 4 << 20

// parseLines reads JSON objects, one a line. A line that cannot be used is lost alone.
func parseLines(data []byte, left room, problem func(place string, err error)) map[string]manifestEntry {
	entries := make(map[string]manifestEntry)
	number := 0
	if !bytes.ContainsRune(data, '\n') { // as old Macs end lines
		data = bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
	}
	for line := range bytes.Lines(data) {
		number++
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		place := "L" + strconv.Itoa(number)
		if len(entries) == left.entries {
			problem(place, left.errEntries())
			break
		}
		name, err := nameIn(line, number)
		if err != nil {
			problem(place, err)
			continue
		}
		addEntry(entries, manifestEntry{data: line, name: name, place: place}, problem)
	}
	return entries
}

// nameIn is the file_name of a line. What else the line holds is checked when its
// picture is found.
func nameIn(line []byte, number int) (string, error) {
	if err := text.CheckLines(line, number); err != nil {
		return "", err
	}
	var key struct {
		FileName string `json:"file_name"`
	}
	if err := json.Unmarshal(line, &key); err != nil {
		return "", fmt.Errorf("it is not a JSON object: %w", err)
	}
	return key.FileName, nil
}

func addEntry(entries map[string]manifestEntry, entry manifestEntry, problem func(string, error)) {
	name := path.Clean(entry.name)
	switch {
	case entry.name == "":
		problem(entry.place, fmt.Errorf("it has no %s", fileNameKey))
		return
	case name == "." || !filepath.IsLocal(filepath.FromSlash(name)):
		problem(entry.place, fmt.Errorf("its %s %.200q is not the relative path of a file below", fileNameKey, entry.name))
		return
	}
	if earlier, twice := entries[name]; twice {
		problem(entry.place, fmt.Errorf("its %s %.200q stands in %s as well: the later one counts", fileNameKey, entry.name, earlier.place))
	}
	entries[name] = entry
}

var errTooLong = errors.New("it has more than")

// readFile reads a file of at most limit bytes.
func (w *walker) readFile(name string, limit int64) ([]byte, error) {
	file, err := ordinary.In(w.ctx, w.files, name)
	if err != nil {
		return nil, plain(err)
	}
	defer file.Close()
	data, err := file.ReadAll(limit)
	if long := (*ordinary.TooLongError)(nil); errors.As(err, &long) {
		return nil, fmt.Errorf("%w %d bytes", errTooLong, limit)
	}
	return data, plain(err)
}
