package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// distribution is the built page: what “npm run build” writes from web/ui.
//
//go:embed all:ui/dist
var distribution embed.FS

const hashedFolder = "assets/" // its files carry their hash in the name

// page serves the built files, and index.html for the page's deep links.
type page struct {
	files map[string]asset
}

type asset struct {
	content []byte
	kind    string
	tag     string
}

// newPage reads the embedded files once and checks that the entry is there.
func newPage() (*page, error) {
	root, err := fs.Sub(distribution, "ui/dist")
	if err != nil {
		return nil, fmt.Errorf("read the embedded page: %w", err)
	}
	p := &page{files: make(map[string]asset)}
	err = fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		p.files[name] = newAsset(name, content)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the embedded page: %w", err)
	}
	if _, ok := p.files["index.html"]; !ok {
		return nil, fmt.Errorf("the embedded page has no index.html; build it with “npm run build” in web/ui")
	}
	return p, nil
}

func newAsset(name string, content []byte) asset {
	sum := sha256.Sum256(content)
	kind := mime.TypeByExtension(path.Ext(name))
	switch path.Ext(name) { // not by the system's tables, which may differ
	case ".js":
		kind = "text/javascript; charset=utf-8"
	case ".css":
		kind = "text/css; charset=utf-8"
	case ".svg":
		kind = "image/svg+xml"
	case ".woff2":
		kind = "font/woff2"
	case ".webmanifest":
		kind = "application/manifest+json"
	}
	return asset{content: content, kind: kind, tag: `"` + hex.EncodeToString(sum[:8]) + `"`}
}

// ServeHTTP implements http.Handler.
func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	file, ok := p.files[name]
	if !ok {
		if path.Ext(name) != "" {
			refuse(w, r, newProblem(kindNotFound, "nothing is at "+r.URL.Path))
			return
		}
		file = p.files["index.html"] // a deep link of the page
	}
	header := w.Header()
	header.Set("Content-Type", file.kind)
	header.Set("ETag", file.tag)
	header.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, hashedFolder) {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file.content))
}
