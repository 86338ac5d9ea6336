package indexer

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/indexer/source"
)

// maxSidecar is the most bytes of what lies beside a picture in a bucket.
const maxSidecar = 1 << 20

// prefixIn is what the keys begin with that a source names, such as s3://shop/photos/, within
// the bucket that clients may name files in.
func (p Places) prefixIn(bucket string) (string, error) {
	if p.Objects == nil {
		return "", fmt.Errorf("%.200q is %w: this server reads no bucket for clients; start it with --source-bucket URL", bucket, catalog.ErrInvalid)
	}
	address, query, _ := strings.Cut(p.Bucket, "?")
	options, err := url.ParseQuery(query)
	if err != nil {
		return "", fmt.Errorf("--source-bucket: %w", err)
	}
	allowed := strings.TrimSuffix(address, "/") + "/" + options.Get("prefix")
	if prefix, within := strings.CutPrefix(bucket, allowed); within {
		return prefix, nil
	}
	if bucket+"/" == allowed {
		return "", nil
	}
	return "", fmt.Errorf("%.200q is %w: this server reads only %s for clients", bucket, catalog.ErrInvalid, allowed)
}

// bucket adds the pictures whose keys begin with a prefix, in constant memory. What is a
// picture is told by its name. The names of files that are called like a picture and end
// with .json say something about it.
func (c *cutter) bucket(prefix string) error {
	c.others = make(map[string]int)
	lister := &lister{cutter: c, objects: c.pushes.documents.places.Objects}
	err := lister.objects.Walk(c.ctx, prefix, lister.object)
	if err == nil {
		err = lister.flush()
	}
	return err
}

// lister makes lines of the files of a bucket, which come in the order of their names:
// those that share one follow one another.
type lister struct {
	cutter   *cutter
	objects  *blob.Store
	stem     string
	pictures []string
	sidecars []string
}

// mostAlike bounds the files that share a name.
const mostAlike = 64

func (l *lister) object(file blob.File) error {
	stem := stemOf(file.Name)
	if stem != l.stem || len(l.pictures)+len(l.sidecars) >= mostAlike {
		if err := l.flush(); err != nil {
			return err
		}
		l.stem = stem
	}
	switch {
	case strings.HasSuffix(file.Name, "/"): // as consoles show folders
	case source.IsPicture(file.Name):
		l.pictures = append(l.pictures, file.Name)
	case strings.EqualFold(path.Ext(file.Name), ".json"):
		l.sidecars = append(l.sidecars, file.Name)
	default:
		l.cutter.other(file.Name)
	}
	return nil
}

// stemOf is a name without what tells what it holds: that of a/1.jpg, a/1.json and
// a/1.jpg.json is a/1.
func stemOf(name string) string {
	if strings.EqualFold(path.Ext(name), ".json") {
		name = strings.TrimSuffix(name, path.Ext(name))
		if !source.IsPicture(name) {
			return name
		}
	}
	return strings.TrimSuffix(name, path.Ext(name))
}

// other counts what is no picture, by the end of its name.
func (c *cutter) other(name string) {
	const most = 50
	end := strings.ToLower(path.Ext(name))
	if _, known := c.others[end]; len(end) > 20 || !known && len(c.others) >= most {
		end = "…"
	}
	c.others[end]++
}

// flush adds the pictures that share a name.
func (l *lister) flush() error {
	used := make(map[string]bool)
	for _, picture := range l.pictures {
		line := Line{LineWords: LineWords{Operation: catalog.OperationUpsert, ID: picture, Key: picture}}
		for _, sidecar := range l.sidecars {
			if isAbout(sidecar, picture) {
				used[sidecar] = true
				if err := l.describe(&line, sidecar); err != nil {
					return err
				}
			}
		}
		text, err := json.Marshal(line)
		if err == nil {
			err = l.cutter.add(text)
		}
		if err != nil {
			return err
		}
	}
	for _, sidecar := range l.sidecars {
		if !used[sidecar] {
			l.cutter.other(sidecar)
		}
	}
	l.pictures, l.sidecars = nil, nil
	return nil
}

// isAbout reports whether a sidecar describes a picture that shares its name: 1.jpg.json is
// about 1.jpg alone.
func isAbout(sidecar, picture string) bool {
	name := strings.TrimSuffix(sidecar, path.Ext(sidecar))
	return name == picture || !source.IsPicture(name)
}

// describe adds what a sidecar says to a line. One that cannot be used is a note.
func (l *lister) describe(line *Line, sidecar string) error {
	text, err := l.objects.Read(l.cutter.ctx, sidecar, maxSidecar)
	var about source.Sidecar
	switch {
	case errors.Is(err, blob.ErrTooLarge):
		err = fmt.Errorf("it has more than %d bytes", maxSidecar)
	case err != nil:
		return err
	default:
		about, err = source.ParseSidecar(text)
	}
	if err != nil {
		line.Note = cleanReason(fmt.Sprintf("%.200q: %v", sidecar, err))
	}
	line.Metadata, line.Captions = about.Metadata, CaptionsOf(about.Captions)
	return nil
}
