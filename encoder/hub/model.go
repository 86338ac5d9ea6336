package hub

import (
	"errors"
	"path/filepath"
	"slices"

	"polylens/internal/ordinary"
)

// Info describes a model directory.
type Info struct {
	Name       string // path below the models folder, or name in the Hugging Face cache
	Dir        string
	Kind       string   // one of the Kind constants
	Dimension  int      // of the embeddings
	ImageSize  int      // pixels on each side; 0 for models of native aspect ratio
	Patches    int      // of a picture unless chosen otherwise; 0 for models of fixed resolution
	Parameters int64    // 0 where the files do not say
	Languages  []string // by the model card; "multilingual" where the tokenizer says so
	Licence    string   // by the model card
	Revision   string   // commit on the hub, empty when unknown
	Base       string   // of an adapter: name or path of the model that it was trained on
	Cached     bool     // stands in the Hugging Face cache, not in the models folder
	Files      []File   // that decide what the model computes, sorted by name
	Bytes      int64    // of these files
	Problem    string   // why the model cannot be used; empty when it can
}

// File is one file that makes the model what it is.
type File struct {
	Name  string `json:"name"` // relative to the model directory, with slashes
	Bytes int64  `json:"bytes"`
}

// Describe reads what the small files, the weights' headers and the manifest
// of a model directory say. It reads no weights and checks no hashes.
func Describe(name, dir string) (Info, error) {
	info, err := describeFiles(name, dir)
	if err != nil {
		return Info{}, err
	}
	manifest, err := ReadManifest(dir)
	if errors.Is(err, ErrNoManifest) {
		return info, nil
	}
	info.Revision = manifest.Revision
	return info, err
}

// describeFiles is Describe without the manifest.
func describeFiles(name, dir string) (Info, error) {
	info := Info{Name: name, Dir: dir}
	if err := kindOf(dir).describe(dir, &info); err != nil {
		return Info{}, err
	}
	if err := info.addFiles(); err != nil {
		return Info{}, err
	}
	return info, info.addCard()
}

func (i *Info) addFiles() (err error) {
	if i.Files, err = filesOf(i.Dir); err != nil {
		return err
	}
	for _, file := range i.Files {
		i.Bytes += file.Bytes
	}
	return nil
}

// addCard takes licence and languages from the model card.
func (i *Info) addCard() error {
	card, err := readCard(i.Dir)
	if err != nil {
		return err
	}
	i.Licence = card.Licence
	if len(card.Languages) > 0 {
		i.Languages = card.Languages
	}
	return nil
}

// filesOf lists the files that a fingerprint covers, sorted by name.
func filesOf(dir string) ([]File, error) {
	names, err := kindOf(dir).files(dir)
	if err != nil {
		return nil, err
	}
	return sized(dir, names)
}

// sized sorts files by name and adds their sizes.
func sized(dir string, names []string) ([]File, error) {
	slices.Sort(names)
	files := make([]File, len(names))
	for i, name := range names {
		info, err := ordinary.Stat(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		files[i] = File{name, info.Size()}
	}
	return files, nil
}
