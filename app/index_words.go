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
	string(catalog.FailureFile):       "not readable now",
	string(catalog.FailureFolder):     "folders not readable now",
	string(catalog.FailureName):       "with too long a path",
	string(catalog.FailureLink):       "links not followed",
	string(catalog.FailureSpecial):    "pipes, sockets or devices",
	string(catalog.FailureIncomplete): "pictures indexed that are less than their file was meant to hold",
	string(catalog.FailureSidecar):    "of metadata that cannot be read, or that is of no picture",
}

// numberOf is such as "1 file" or "2 files".
func numberOf(n int, thing string) string {
	if n != 1 {
		thing = strings.ReplaceAll(thing, " or ", "s or ") + "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// fileWords say what lies in a folder besides pictures.
func fileWords(files web.Files) []string {
	var lines []string
	add := func(groups map[string]int, thing, what string, words map[string]string) {
		if len(groups) > 0 {
			lines = append(lines, fmt.Sprintf("  %s %s: %s", numberOf(total(groups), thing), what, groupWords(groups, words)))
		}
	}
	add(files.Others, "file", "no picture that Polylens reads", nil)
	if files.Metadata > 0 {
		lines = append(lines, fmt.Sprintf("  %s with metadata or rules", numberOf(files.Metadata, "file")))
	}
	add(files.Excluded, "file or folder", "left out by rules", nil)
	add(files.Unusable, "file or folder", "not used", kindWords)
	add(files.Warnings, "warning", "beside", kindWords)
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
func groupWords(groups map[string]int, words map[string]string) string {
	const most = 12
	var list []string
	for i, group := range byCount(groups) {
		if i == most {
			return strings.Join(list, ", ") + fmt.Sprintf(" and %d more kinds", len(groups)-most)
		}
		list = append(list, fmt.Sprintf("%d %s", groups[group], cmp.Or(words[group], group)))
	}
	return strings.Join(list, ", ")
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
		what = append(what, numberOf(failed, "picture")+" could not be read")
	}
	if missed > 0 {
		what = append(what, numberOf(missed, "file or folder")+" could not be looked at")
	}
	if what == nil {
		return nil
	}
	return incompleteError{fmt.Errorf("%s is indexed, but for some files: %s", folder, strings.Join(what, ", "))}
}
