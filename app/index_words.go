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
	lines := []string{fmt.Sprintf("%s: %s, %d new or changed, %d unchanged, %d removed, %d could not be read",
		collection, numberOf(done.Done, "picture"), done.Indexed, done.Unchanged, done.Removed, done.Failed)}
	if done.Withheld > 0 {
		lines = append(lines, fmt.Sprintf("  %s gone from the folder: kept", numberOf(done.Withheld, "picture")))
	}
	switch {
	case done.Files.Seen == 0:
		lines = append(lines, folder+" is empty")
	case done.Done == 0:
		lines = append(lines, folder+" holds no picture that Polylens reads")
	}
	return append(lines, fileWords(done.Files)...)
}

// kindWords name one of what was not used, or not wholly, and several.
var kindWords = map[string][2]string{
	string(catalog.FailureFile):       {"file not readable now", "files not readable now"},
	string(catalog.FailureFolder):     {"folder not readable now", "folders not readable now"},
	string(catalog.FailureName):       {"with too long a path", "with too long a path"},
	string(catalog.FailureLink):       {"link not followed", "links not followed"},
	string(catalog.FailureSpecial):    {"pipe, socket or device", "pipes, sockets or devices"},
	string(catalog.FailureIncomplete): {"picture of which a part is missing", "pictures of which a part is missing"},
	string(catalog.FailureSidecar):    {"about metadata", "about metadata"},
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
	add := func(groups map[string]int, one, several string) {
		if sum := total(groups); sum > 0 {
			lines = append(lines, fmt.Sprintf("  %d %s: %s", sum, oneOrMore(sum, one, several), groupWords(groups)))
		}
	}
	add(files.Others, "file is no picture that Polylens reads", "files are no pictures that Polylens reads")
	if files.Metadata > 0 {
		lines = append(lines, fmt.Sprintf("  %s with metadata or rules", numberOf(files.Metadata, "file")))
	}
	add(files.Excluded, "file or folder left out by rules", "files or folders left out by rules")
	add(files.Unusable, "file or folder not used", "files or folders not used")
	add(files.Warnings, "warning", "warnings")
	return lines
}

func oneOrMore(count int, one, several string) string {
	if count == 1 {
		return one
	}
	return several
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
	var list []string
	for i, group := range byCount(groups) {
		if i == most {
			return strings.Join(list, ", ") + fmt.Sprintf(" and %d more kinds", len(groups)-most)
		}
		words := kindWords[group]
		list = append(list, fmt.Sprintf("%d %s", groups[group], cmp.Or(oneOrMore(groups[group], words[0], words[1]), group)))
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
