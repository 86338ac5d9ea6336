package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"polylens/indexer/catalog"
	"polylens/web"
)

// indexWords say for people what came of an index job, a line each.
func indexWords(collection, folder string, done web.Progress) []string {
	lines := []string{fmt.Sprintf("%s: %d pictures, %d new or changed, %d unchanged, %d removed, %d could not be read",
		collection, done.Done, done.Indexed, done.Unchanged, done.Removed, done.Failed)}
	switch {
	case done.Files.Seen == 0:
		lines = append(lines, folder+" is empty")
	case done.Done == 0:
		lines = append(lines, folder+" holds no picture that Polylens reads")
	}
	return append(lines, fileWords(done.Files)...)
}

// kindWords name what was not used, or not wholly.
var kindWords = map[string]string{
	string(catalog.FailureFile):       "files that cannot be looked at now",
	string(catalog.FailureFolder):     "folders that cannot be looked into",
	string(catalog.FailureName):       "files whose path is too long",
	string(catalog.FailureLink):       "links that are not followed",
	string(catalog.FailureSpecial):    "pipes, sockets or devices",
	string(catalog.FailureIncomplete): "pictures that are indexed, and less than their file was meant to hold",
	string(catalog.FailureSidecar):    "times metadata that cannot be read, or that is of no picture",
}

// fileWords say what lies in a folder besides pictures.
func fileWords(files web.Files) []string {
	var lines []string
	add := func(groups map[string]int, what string) {
		if len(groups) > 0 {
			lines = append(lines, fmt.Sprintf("  %d %s: %s", total(groups), what, groupWords(groups)))
		}
	}
	add(files.Others, "files that are no pictures that Polylens reads")
	if files.Metadata > 0 {
		lines = append(lines, fmt.Sprintf("  %d files with metadata or rules", files.Metadata))
	}
	add(files.Excluded, "left out by rules, folders with all below them")
	for _, groups := range []map[string]int{files.Unusable, files.Warnings} {
		for _, kind := range byCount(groups) {
			lines = append(lines, fmt.Sprintf("  %d %s", groups[kind], cmp.Or(kindWords[kind], kind)))
		}
	}
	return lines
}

func total(groups map[string]int) int {
	sum := 0
	for _, count := range groups {
		sum += count
	}
	return sum
}

// byCount lists groups, the largest first.
func byCount(groups map[string]int) []string {
	return slices.SortedFunc(maps.Keys(groups), func(a, b string) int {
		return cmp.Or(cmp.Compare(groups[b], groups[a]), cmp.Compare(a, b))
	})
}

// groupWords are such as "20 video, 4 JPEG XL".
func groupWords(groups map[string]int) string {
	const most = 12
	var words []string
	for i, group := range byCount(groups) {
		if i == most {
			return strings.Join(words, ", ") + fmt.Sprintf(" and %d more kinds", len(groups)-most)
		}
		words = append(words, fmt.Sprintf("%d %s", groups[group], group))
	}
	return strings.Join(words, ", ")
}

// incompleteError says that not all that may be pictures was indexed.
type incompleteError struct{ error }

// incomplete is an incompleteError, or nil when every picture was indexed.
func incomplete(job web.Job, folder string) error {
	missed := 0
	for kind, count := range job.Progress.Files.Unusable {
		if catalog.FailureKind(kind).MissesPictures() {
			missed += count
		}
	}
	var what []string
	if failed := job.Progress.Failed; failed > 0 {
		what = append(what, fmt.Sprintf("%d pictures could not be read", failed))
	}
	if missed > 0 {
		what = append(what, fmt.Sprintf("%d files or folders could not be looked at", missed))
	}
	if what == nil {
		return nil
	}
	return incompleteError{fmt.Errorf("%s is indexed, but for some files: %s", folder, strings.Join(what, ", "))}
}
