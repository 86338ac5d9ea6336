package needs

import (
	"os"
	"path/filepath"
	"testing"
)

// A thing is something that tests need.
type thing struct {
	name     string
	variable string // names a file or folder
	probe    string // what must be in that folder, "" for the path itself
}

var (
	onnxRuntime = thing{name: "ONNX Runtime", variable: "POLYLENS_ONNXRUNTIME"}
	turboJPEG   = thing{name: "libjpeg-turbo", variable: "POLYLENS_TURBOJPEG"}
	openJPEG    = thing{name: "OpenJPEG", variable: "POLYLENS_OPENJPEG"}
	milvus      = thing{name: "Milvus", variable: "POLYLENS_MILVUS", probe: "milvus"}
	cldr        = thing{name: "Unicode CLDR", variable: "POLYLENS_CLDR", probe: "annotations"}
	demo        = thing{name: "the demo pictures", variable: "POLYLENS_DEMO", probe: "metadata.jsonl"}
	chromium    = thing{name: "Chromium", variable: "POLYLENS_CHROMIUM"}
	postgres    = thing{name: "Postgres", variable: "POLYLENS_POSTGRES", probe: filepath.Join("bin", "initdb")}
)

// ONNXRuntime is the path of the library.
func ONNXRuntime(t testing.TB) string { t.Helper(); return onnxRuntime.need(t) }

// TurboJPEG is the path of the libjpeg-turbo library.
func TurboJPEG(t testing.TB) string { t.Helper(); return turboJPEG.need(t) }

// OpenJPEG is the path of the OpenJPEG library.
func OpenJPEG(t testing.TB) string { t.Helper(); return openJPEG.need(t) }

// Milvus is the folder of the unpacked server.
func Milvus(t testing.TB) string { t.Helper(); return milvus.need(t) }

// CLDR is the folder of the unpacked npm package cldr-annotations-full.
func CLDR(t testing.TB) string { t.Helper(); return cldr.need(t) }

// Demo is the folder of the demo pictures.
func Demo(t testing.TB) string { t.Helper(); return demo.need(t) }

// Chromium is the path of the browser.
func Chromium(t testing.TB) string { t.Helper(); return chromium.need(t) }

// Postgres is the folder that holds bin/initdb and bin/postgres. Package
// postgrestest runs a server from it.
func Postgres(t testing.TB) string { t.Helper(); return postgres.need(t) }

// need returns what the variable names. A variable whose file does not exist is a
// mistake, not something missing: it fails the test.
func (n thing) need(t testing.TB) string {
	t.Helper()
	path := os.Getenv(n.variable)
	if path == "" {
		shared.missing(t, n.name+" ("+n.variable+" is not set)", setupRemedy)
	}
	if _, err := os.Stat(filepath.Join(path, n.probe)); err != nil {
		t.Fatalf("%s names no %s: %v", n.variable, n.name, err)
	}
	return path
}

// npmFolder is where npm installs the tools of the page, below the root of the
// repository.
const npmFolder = "web/ui"

// NPMFile is the path of a file of an npm package that the page's tools bring,
// such as "axe-core/axe.min.js".
func NPMFile(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(root(t), npmFolder, "node_modules", name)
	if _, err := os.Stat(path); err != nil {
		shared.missing(t, "npm package "+filepath.Dir(name), `run “npm ci” in `+npmFolder)
	}
	return path
}

// ObjectStore is the program of an object store, which tools/objectstore names and make
// builds.
func ObjectStore(t testing.TB) string {
	t.Helper()
	path := filepath.Join(root(t), "bin", "versitygw")
	if _, err := os.Stat(path); err != nil {
		shared.missing(t, "an object store (bin/versitygw)", "run “make bin/versitygw”")
	}
	return path
}

// root is the folder of the repository: tests run in the folder of their
// package.
func root(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; folder != filepath.Dir(folder); folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
	}
	t.Fatal("this test does not run in the repository")
	return ""
}
