package source

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"polylens/indexer/decode"
	"polylens/indexer/metadata"
	"polylens/indexer/metadata/takeout"
	"polylens/indexer/metadata/xmp"
	"polylens/internal/text"
)

// beside is what the names of the files in a folder say of the pictures that they
// belong to.
type beside struct {
	takeout takeout.Names
	byName  map[string]string // files by their names' loose forms
}

func besideOf(names metadataFiles) *beside {
	b := &beside{byName: make(map[string]string, len(names))}
	var files []string
	for name := range names {
		files = append(files, name)
	}
	slices.Sort(files)
	for _, name := range files {
		b.byName[looseName(name)] = name
	}
	b.takeout = takeout.NewNames(files)
	return b
}

// named returns the files among candidates that are there, whatever the case of their
// letters and their Unicode form, and notes that they are of use.
func (b *beside) named(names metadataFiles, candidates ...string) []string {
	var found []string
	for _, candidate := range candidates {
		file := candidate
		if _, ok := names[candidate]; !ok {
			file = b.byName[looseName(candidate)]
		}
		if file != "" && !slices.Contains(found, file) && names.use(file) {
			found = append(found, file)
		}
	}
	return found
}

// sidecar collects what tables and sidecars of the user's own say of a picture, and what
// programs have noted beside it; what cannot be read is told of and left out.
func (w *walker) sidecar(name string, at *place) (Sidecar, metadata.About) {
	if len(at.metadata) == 0 {
		return w.fromTables(name, at), metadata.About{}
	}
	if at.beside == nil {
		at.beside = besideOf(at.metadata)
	}
	own := w.fromTables(name, at)
	folder, base := path.Split(name)
	stem := strings.TrimSuffix(base, path.Ext(base))
	for _, file := range at.beside.named(at.metadata, stem+".txt", stem+".caption", base+".txt") {
		texts, isText := w.fromText(folder + file)
		w.tellSidecarForm(name, file)
		if !isText { // but a picture, and so no use here
			at.metadata[file] = false
		}
		own = texts.over(own)
	}
	var noted metadata.About
	for _, file := range at.beside.named(at.metadata, stem+".xmp", base+".xmp") {
		noted = overNoted(w.fromXMP(folder+file), noted)
		w.tellSidecarForm(name, file)
	}
	mine, theirs := w.fromJSON(folder, base, at)
	return mine.over(own), overNoted(theirs, noted)
}

// fromTables is what the manifests say of a picture, those of its own folder last.
func (w *walker) fromTables(name string, at *place) Sidecar {
	var sidecar Sidecar
	for _, m := range at.manifests {
		entry, ok := w.entryOf(m, name, at.alike)
		if !ok {
			continue
		}
		found, err := ParseSidecar(entry.data)
		if !w.usable(m.uri+"#"+entry.place, err) {
			continue
		}
		delete(found.Metadata, fileNameKey)
		sidecar = found.over(sidecar)
	}
	return sidecar
}

// usable tells of an error of ParseSidecar, and reports whether there is a sidecar all
// the same.
func (w *walker) usable(uri string, err error) bool {
	if err == nil {
		return true
	}
	w.problem(Problem{URI: uri, Kind: ProblemSidecar, Err: err})
	w.unread = w.unread || saysNothing(err)
	var lost *LostError
	return errors.As(err, &lost)
}

// fromJSON is what the JSON beside a picture says: a sidecar of the user's own, and one
// of Google Takeout.
func (w *walker) fromJSON(folder, base string, at *place) (own Sidecar, noted metadata.About) {
	candidates := []string{base + ".json"}
	if short := strings.TrimSuffix(base, path.Ext(base)) + ".json"; short != base {
		candidates = append(candidates, short)
	}
	done := false // the first of the user's own counts
	for _, file := range append(at.beside.named(at.metadata, candidates...), at.beside.named(at.metadata, at.beside.takeout.Find(base))...) {
		data, err := w.readFile(folder+file, maxSidecar)
		uri := w.uri(folder + file)
		if err != nil {
			w.usable(uri, err)
			continue
		}
		if fields, lost, err := parseDecoded(data); err == nil && takeout.Is(fields) {
			if len(lost) > 0 {
				w.usable(uri, &LostError{lost})
			}
			noted = w.warned(uri, takeout.Read(fields))
			continue
		}
		if done {
			continue
		}
		done = true
		w.tellSidecarForm(folder+base, file)
		if found, err := ParseSidecar(data); w.usable(uri, err) {
			own = found
		}
	}
	return own, noted
}

// parseDecoded reads a JSON object in one of the encodings of ParseSidecar. A field that
// cannot be used is lost alone.
func parseDecoded(data []byte) (fields map[string]any, lost []error, err error) {
	if data, err = text.Decode(data); err != nil {
		return nil, nil, err
	}
	return metadata.Parse(data)
}

func (w *walker) fromXMP(name string) metadata.About {
	data, err := w.readFile(name, xmp.MaxPacket)
	if err != nil {
		w.usable(w.uri(name), err)
		return metadata.About{}
	}
	return w.warned(w.uri(name), xmp.Read(data))
}

// warned tells of what could not be read of a file.
func (w *walker) warned(uri string, about metadata.About) metadata.About {
	for _, warning := range about.Warnings {
		w.problem(Problem{URI: uri, Kind: ProblemSidecar, Err: errors.New(warning)})
	}
	return about
}

// fromText reads captions, one a line, as those who train on pictures write them.
func (w *walker) fromText(name string) (found Sidecar, isText bool) {
	data, err := w.readFile(name, maxSidecar)
	if _, isPicture := decode.Sniff(data[:min(len(data), decode.SniffLength)]); isPicture {
		return Sidecar{}, false
	}
	var captions []Caption
	if err == nil {
		data, err = text.Decode(data)
	}
	if err == nil {
		captions, err = captionLines(data)
	}
	if err != nil {
		w.usable(w.uri(name), err)
	}
	return Sidecar{Captions: captions}, true
}

// captionLines reads one caption a line. Next to an error it gives those that can be
// used.
func captionLines(data []byte) ([]Caption, error) {
	var captions []Caption
	var problems []error
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		caption := Caption{Text: text.NFC(strings.TrimSpace(line))}
		switch err := caption.check(); {
		case caption.Text == "":
		case !utf8.ValidString(line):
			return captions, fmt.Errorf("line %d is not text in UTF-8: save the file again in that encoding", number)
		case err != nil:
			problems = append(problems, fmt.Errorf("line %d: %w", number, err))
		case len(captions) == metadata.MaxCaptions:
			return captions, fmt.Errorf("line %d and those after it are left out: at most %d captions are allowed", number, metadata.MaxCaptions)
		default:
			captions = append(captions, caption)
		}
	}
	return captions, errors.Join(problems...)
}

// overNoted puts what was noted nearer on top of what was noted farther away, as
// Sidecar.over does.
func overNoted(near, far metadata.About) metadata.About {
	fields := make(map[string]any, len(near.Fields)+len(far.Fields))
	for _, about := range []metadata.About{far, near} {
		for name, value := range about.Fields {
			if name == metadata.Taken {
				value = metadata.SameMoment(fields[name], value)
			}
			fields[name] = value
		}
	}
	if len(fields) > 0 {
		far.Fields = fields
	}
	if len(near.Captions) > 0 {
		far.Captions = near.Captions
	}
	far.Warnings = nil // they are told of
	return far
}
