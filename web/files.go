package web

import (
	"context"
	"net/http"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/indexer/source"

	"github.com/danielgtaylor/huma/v2"
)

// Rules say which files of a folder are looked at.
type Rules struct {
	Include           []string `json:"include,omitempty" maxItems:"500" nullable:"false" doc:"Patterns as in .gitignore: only files that one matches, or that lie in a folder that one matches"`
	Exclude           []string `json:"exclude,omitempty" maxItems:"500" nullable:"false" doc:"Patterns as in .gitignore: files and folders that are left out. “!” takes back what an earlier pattern, a file .polylensignore in the folder or a default leaves out"`
	NoDefaultExcludes bool     `json:"no_default_excludes,omitempty" doc:"Look also at what photo systems leave behind, such as @eaDir, .thumbnails and wastebaskets"`
	NoHidden          bool     `json:"no_hidden,omitempty" doc:"Leave out files and folders whose name begins with a dot"`
	FollowLinks       bool     `json:"follow_links,omitempty" doc:"Look into folders behind symbolic links, each once, also outside of the folder"`
}

// isZero reports whether nothing but the defaults is asked for.
func (r Rules) isZero() bool {
	return len(r.Include)+len(r.Exclude) == 0 && !r.NoDefaultExcludes && !r.NoHidden && !r.FollowLinks
}

// Files accounts for everything in a folder. “seen” is the sum of the pictures, of which
// progress tells, and of others, metadata, excluded and unusable.
type Files struct {
	Seen     int            `json:"seen" doc:"Entries of folders, but for the folders that were looked into"`
	Others   map[string]int `json:"others" nullable:"false" doc:"Files that are no pictures that Polylens reads, by what they are"`
	Metadata int            `json:"metadata" doc:"Files with metadata of pictures, or with rules"`
	Excluded map[string]int `json:"excluded" nullable:"false" doc:"Files, and folders with all below them, by the rule that leaves them out"`
	Unusable map[string]int `json:"unusable" nullable:"false" doc:"What could not be used, by kind: file and folder (it cannot be read now), name (its path is too long), link (not followed), special (a pipe, socket or device)"`
	Warnings map[string]int `json:"warnings" nullable:"false" doc:"What is said beside, by kind: incomplete (pictures that are indexed, and are less than their file was meant to hold), sidecar (metadata that cannot be read, or that is of no picture)"`
}

func newFiles(files indexer.Files) Files {
	return Files{
		Seen: files.Seen, Others: counts(files.Others), Metadata: files.Metadata, Excluded: counts(files.Excluded),
		Unusable: counts(files.Unusable), Warnings: counts(files.Warnings),
	}
}

func counts[K ~string](groups map[K]int) map[string]int {
	converted := make(map[string]int, len(groups))
	for group, count := range groups {
		converted[string(group)] = count
	}
	return converted
}

// FileFailed is a file that could not be used, or not wholly, and why.
type FileFailed struct {
	URI    string              `json:"uri"`
	Kind   catalog.FailureKind `json:"kind" enum:"picture,incomplete,other,file,folder,name,link,special,sidecar" doc:"picture: not indexed; incomplete: indexed, and less than its file was meant to hold; other: no picture that Polylens reads; file, folder: cannot be read now; name: its path is too long; link: not followed; special: a pipe, socket or device; sidecar: metadata that cannot be read, or that is of no picture"`
	Reason string              `json:"reason" doc:"Why, for people; of kind other: what it is"`
}

func newFailures(failures []catalog.Failure) []FileFailed {
	converted := make([]FileFailed, len(failures))
	for i, failure := range failures {
		converted[i] = FileFailed{URI: failure.URI, Kind: failure.Kind, Reason: failure.Reason}
	}
	return converted
}

type listFailuresInput struct {
	CollectionPath
	Kind   []string `query:"kind" maxItems:"9" enum:"picture,incomplete,other,file,folder,name,link,special,sidecar" doc:"Only those of these kinds, separated by commas"`
	Limit  int      `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Failures a page"`
	Cursor string   `query:"cursor" maxLength:"4096" doc:"“next” of the page before"`
}

type failuresAnswer struct {
	Body struct {
		Failures []FileFailed `json:"failures" nullable:"false" doc:"In order of URI"`
		Next     string       `json:"next,omitempty" doc:"Cursor of the next page; absent after the last"`
	}
}

func (s *server) failureOperations(api huma.API) {
	huma.Register(api, operation("list-failures", http.MethodGet, "/collections/{name}/failures", "collections",
		"List what the last indexing of each folder could not use, or not wholly", http.StatusNotFound), s.listFailures)
}

func (s *server) listFailures(ctx context.Context, input *listFailuresInput) (*failuresAnswer, error) {
	kinds := make([]catalog.FailureKind, len(input.Kind))
	for i, kind := range input.Kind {
		kinds[i] = catalog.FailureKind(kind)
	}
	failures, next, err := s.Catalog.ListFailures(ctx, input.Name, input.Cursor, input.Limit, kinds...)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	answer := &failuresAnswer{}
	answer.Body.Failures, answer.Body.Next = newFailures(failures), next
	return answer, nil
}

// newRules are rules as a job keeps them, nil for the defaults.
func newRules(rules source.Rules) *Rules {
	converted := Rules(rules)
	if converted.isZero() {
		return nil
	}
	return &converted
}
