package hub

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Reference names a model on the hub and the version of it that is meant.
type Reference struct {
	Name     string // owner/name; a few old models have a name alone
	Revision string // branch, tag or commit; empty for the main branch
}

// String is the form that ParseReference reads.
func (r Reference) String() string {
	if r.Revision == "" {
		return r.Name
	}
	return r.Name + "@" + r.Revision
}

const (
	mainBranch  = "main"
	maxSegment  = 96 // the hub's own limit for names
	maxRevision = 200
)

var (
	segmentPattern  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)
	revisionPattern = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._/+-]*$`)
	commitPattern   = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// ParseReference reads owner/name or owner/name@revision by the hub's rules,
// under which a name is also safe as a path and within a URL.
func ParseReference(text string) (Reference, error) {
	name, revision, pinned := strings.Cut(text, "@")
	if err := checkName(name); err != nil {
		return Reference{}, fmt.Errorf("model %q: %w; names look like google/siglip2-base-patch16-256, with @REVISION for a version", text, err)
	}
	reference := Reference{Name: name, Revision: revision}
	if !pinned {
		return reference, nil
	}
	return reference, checkRevision(revision)
}

func checkName(name string) error {
	segments := strings.Split(name, "/")
	if len(segments) > 2 {
		return errors.New("more than one slash")
	}
	for _, segment := range segments {
		switch {
		case !segmentPattern.MatchString(segment):
			return errors.New("letters, digits, dot, dash and underscore are allowed")
		case len(segment) > maxSegment:
			return fmt.Errorf("longer than %d characters", maxSegment)
		case strings.Contains(segment, "--"), strings.Contains(segment, ".."):
			return errors.New("two dashes or two dots in a row are not allowed")
		}
	}
	return nil
}

func checkRevision(revision string) error {
	if !revisionPattern.MatchString(revision) || len(revision) > maxRevision ||
		strings.Contains(revision, "..") || strings.Contains(revision, "//") || strings.HasSuffix(revision, "/") {
		return fmt.Errorf("revision %q: want a branch, a tag or a commit", revision)
	}
	return nil
}

// folderName is one path element for a name, as the Hugging Face cache forms
// it. Names hold no two dashes in a row, so that no two names share one.
func folderName(name string) string { return strings.ReplaceAll(name, "/", "--") }
