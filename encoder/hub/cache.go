package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"polylens/encoder/siglip2"
	"polylens/internal/ordinary"
	"polylens/internal/text"
)

// snapshot is a model at one commit in the Hugging Face cache, whose layout is
// described at https://huggingface.co/docs/hub/local-cache: the files of
// snapshots/COMMIT are links into blobs, where each is named by its hash.
type snapshot struct {
	Name   string
	Commit string
	repo   string // folder of the model in the cache
}

// Names of the parts of the cache.
const (
	cachePrefix     = "models--"
	cacheBlobs      = "blobs"
	cacheSnapshots  = "snapshots"
	cacheReferences = "refs"
)

func (s snapshot) dir() string { return filepath.Join(s.repo, cacheSnapshots, s.Commit) }

// snapshot looks a reference up in the cache. A branch or tag stands for the
// commit that it had when it was last fetched.
func (s Store) snapshot(reference Reference) (snapshot, bool) {
	if s.Cache == "" {
		return snapshot{}, false
	}
	found := snapshot{Name: reference.Name, repo: filepath.Join(s.Cache, cachePrefix+folderName(reference.Name))}
	revision := reference.Revision
	if revision == "" {
		revision = mainBranch
	}
	found.Commit = found.resolve(revision)
	return found, found.Commit != "" && isModel(found.dir())
}

// resolve makes a commit of a branch, a tag or the beginning of a commit. It returns
// "" for one that is not there.
func (s snapshot) resolve(revision string) string {
	if content, err := ordinary.Read(filepath.Join(s.repo, cacheReferences, filepath.FromSlash(revision)), 1<<10); err == nil {
		if commit := strings.TrimSpace(string(content)); commitPattern.MatchString(commit) {
			return commit
		}
	}
	commits, _ := ordinary.ReadDir(filepath.Join(s.repo, cacheSnapshots)) // none: not there
	for _, commit := range commits {
		pinned := len(revision) >= 7 && strings.HasPrefix(commit.Name(), revision)
		if commitPattern.MatchString(commit.Name()) && (pinned || len(commits) == 1 && revision == mainBranch) {
			return commit.Name()
		}
	}
	return ""
}

// snapshotAt recognizes the path of a snapshot.
func snapshotAt(dir string) (snapshot, bool) {
	snapshots := filepath.Dir(dir)
	repo := filepath.Dir(snapshots)
	name, isRepo := strings.CutPrefix(filepath.Base(repo), cachePrefix)
	if !isRepo || filepath.Base(snapshots) != cacheSnapshots || !commitPattern.MatchString(filepath.Base(dir)) {
		return snapshot{}, false
	}
	name = strings.ReplaceAll(name, "--", "/")
	return snapshot{Name: name, Commit: filepath.Base(dir), repo: repo}, checkName(name) == nil
}

// snapshots lists the models of the cache that siglip2 can read, each at its main
// branch. Whatever else other programs keep there is ignored.
func (s Store) snapshots() []snapshot {
	if s.Cache == "" {
		return nil
	}
	repos, _ := filepath.Glob(filepath.Join(text.QuoteGlob(s.Cache), cachePrefix+"*")) // the pattern is sound
	var list []snapshot
	for _, repo := range repos {
		name := strings.ReplaceAll(strings.TrimPrefix(filepath.Base(repo), cachePrefix), "--", "/")
		if checkName(name) != nil {
			continue
		}
		found, ok := s.snapshot(Reference{Name: name})
		if ok && found.readable() {
			list = append(list, found)
		}
	}
	return list
}

// readable reports whether the model looks like one that Polylens knows.
func (s snapshot) readable() bool {
	_, err := siglip2.ReadConfig(s.dir())
	files, listErr := s.files()
	return err == nil && listErr == nil && len(safetensorsOf(files))+len(precisions(files)) > 0
}

// files lists the files of the snapshot that choose may want. Each has the
// hash of its content in its name in the cache, where it stands there as a link.
func (s snapshot) files() ([]remoteFile, error) {
	var files []remoteFile
	err := filepath.WalkDir(s.dir(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(s.dir(), path)
		if err != nil || !matters(filepath.ToSlash(name)) || len(files) >= maxFiles {
			return err
		}
		file, err := s.file(filepath.ToSlash(name))
		if err == nil {
			files = append(files, file)
		}
		return err
	})
	return files, err
}

// file describes a file of the snapshot by what it resolves to.
func (s snapshot) file(name string) (remoteFile, error) {
	path, err := s.real(name)
	if err != nil {
		return remoteFile{}, err
	}
	info, err := ordinary.Stat(path)
	if err != nil {
		return remoteFile{}, err
	}
	file := remoteFile{Name: name, Bytes: info.Size()}
	switch hash := filepath.Base(path); {
	case isHex(hash, 64):
		file.SHA256 = hash
	case isHex(hash, 40):
		file.Blob = hash
	}
	return file, nil
}

// real is the regular file behind a name of the snapshot: the file itself, or
// what it links to in the blobs of the same model. No other link is followed,
// so that a cache from elsewhere cannot point at other files of this machine.
func (s snapshot) real(name string) (string, error) {
	path := filepath.Join(s.dir(), filepath.FromSlash(name))
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	repo, err := filepath.EvalSymlinks(s.repo)
	if err != nil {
		return "", err
	}
	info, err := ordinary.Lstat(real)
	if err != nil {
		return "", err
	}
	blob := filepath.Dir(real) == filepath.Join(repo, cacheBlobs)
	plain := real == filepath.Join(repo, cacheSnapshots, s.Commit, filepath.FromSlash(name))
	if !info.Mode().IsRegular() || !blob && !plain {
		return "", fmt.Errorf("%s leads to %s, which is no file of the same model in the cache and is refused: fetch the model again", path, real)
	}
	return real, nil
}

// errOtherDisk says that no view of a snapshot can be made.
var errOtherDisk = errors.New("is in the Hugging Face cache, from where it cannot be linked")

func (s snapshot) errNoView(err error) error {
	pinned := Reference{Name: s.Name, Revision: s.Commit}
	return fmt.Errorf("%s %w (%w): `polylens model pull %s` copies it from there", s.Name, errOtherDisk, err, pinned)
}
