package hub

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of what is accepted from a listing.
const (
	maxListing = 16 << 20
	maxFiles   = 20_000
	maxPath    = 120     // characters of a file's name, with its folders
	maxFile    = 1 << 42 // bytes
)

// remoteFile is one file of a model on the hub.
type remoteFile struct {
	Name   string
	Bytes  int64  // -1 when the listing does not say
	SHA256 string // of large files, empty for those that git holds
	Blob   string // SHA-1 of git's blob, for the others
}

// hash identifies the content: SHA-256 or git's SHA-1, empty when unknown.
func (f remoteFile) hash() string {
	if f.SHA256 != "" {
		return f.SHA256
	}
	return f.Blob
}

// listing is what the hub has of a model at one commit.
type listing struct {
	Commit string
	Files  []remoteFile
}

// parseListing reads the answer of /api/models/NAME/revision/REVISION?blobs=true.
// One file with a name that could leave the model's folder spoils it all.
func parseListing(content []byte) (listing, error) {
	var answer struct {
		SHA      string `json:"sha"`
		Siblings []struct {
			Name string `json:"rfilename"`
			Size *int64 `json:"size"`
			Blob string `json:"blobId"`
			LFS  *struct {
				SHA256 string `json:"sha256"`
				Size   *int64 `json:"size"`
			} `json:"lfs"`
		} `json:"siblings"`
	}
	if err := json.Unmarshal(content, &answer); err != nil {
		return listing{}, fmt.Errorf("is no description of a model: %w", err)
	}
	if !commitPattern.MatchString(answer.SHA) {
		return listing{}, fmt.Errorf("names no commit, but %.60q", answer.SHA)
	}
	if len(answer.Siblings) > maxFiles {
		return listing{}, fmt.Errorf("lists more than %d files", maxFiles)
	}
	list := listing{Commit: answer.SHA}
	for _, sibling := range answer.Siblings {
		file := remoteFile{Name: sibling.Name, Bytes: -1, Blob: sibling.Blob}
		if sibling.Size != nil {
			file.Bytes = *sibling.Size
		}
		if sibling.LFS != nil {
			file.SHA256, file.Blob = sibling.LFS.SHA256, ""
			if sibling.LFS.Size != nil {
				file.Bytes = *sibling.LFS.Size
			}
		}
		if err := file.check(); err != nil {
			return listing{}, err
		}
		list.Files = append(list.Files, file)
	}
	return list, nil
}

func (f remoteFile) check() error {
	if err := checkPath(f.Name); err != nil {
		return fmt.Errorf("names a file %.200q, which is refused: %w", f.Name, err)
	}
	if f.Bytes < -1 || f.Bytes > maxFile {
		return fmt.Errorf("gives %s the impossible size %d", f.Name, f.Bytes)
	}
	if f.SHA256 != "" && !isHex(f.SHA256, 64) || f.Blob != "" && !isHex(f.Blob, 40) {
		return fmt.Errorf("gives %s the impossible hash %.100q", f.Name, f.hash())
	}
	return nil
}

// checkPath accepts the names that stay below their folder on every system.
func checkPath(name string) error {
	switch {
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return errors.New("it holds characters that do not print")
	case strings.ContainsAny(name, `\:`):
		return errors.New("it holds a backslash or a colon")
	case name == "" || name == "." || path.IsAbs(name) || path.Clean(name) != name || strings.HasPrefix(name, ".."):
		return errors.New("it is no plain path below the model's folder")
	}
	return nil
}

func isHex(text string, length int) bool {
	return len(text) == length && strings.Trim(text, "0123456789abcdef") == ""
}
