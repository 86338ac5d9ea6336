package main

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// placeWords is a URI as people write places: a path for a local file, and the line or
// row in it in words. A name that holds what cannot be seen, or what is not text, is
// quoted, so that it cannot pass for another or change the terminal.
func placeWords(uri string) string {
	parsed, err := url.Parse(uri)
	if err != nil || parsed.Scheme != "file" || parsed.Host != "" {
		return printable(uri)
	}
	return printable(parsed.Path) + partWords(parsed.Fragment)
}

var linePart = regexp.MustCompile(`^L\d+$`)

// partWords says which part of a file a fragment names.
func partWords(fragment string) string {
	row, isRow := strings.CutPrefix(fragment, "row=")
	switch {
	case fragment == "":
		return ""
	case linePart.MatchString(fragment):
		return ", line " + fragment[1:]
	case isRow:
		return ", row " + printable(row)
	}
	return "#" + printable(fragment)
}

func printable(text string) string {
	if quoted := strconv.Quote(text); quoted[1:len(quoted)-1] != strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) {
		return quoted
	}
	return text
}
