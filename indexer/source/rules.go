package source

import (
	"fmt"
	"path"
	"strings"

	"polylens/indexer/source/ignore"
)

// Rules say which files of a folder a walk looks at. Patterns are those of .gitignore.
// A file named .polylensignore in any folder holds patterns for what lies below it, as a
// .gitignore does.
type Rules struct {
	// Include, when there are any, are the only files that are looked at: those that a
	// pattern matches, or that lie in a folder that a pattern matches.
	Include []string `json:"include,omitempty"`
	// Exclude are files and folders that are not looked at. They go before
	// .polylensignore files, whose patterns they may take back with "!".
	Exclude           []string `json:"exclude,omitempty"`
	NoDefaultExcludes bool     `json:"no_default_excludes,omitempty"` // look also at what DefaultExcludes names
	NoHidden          bool     `json:"no_hidden,omitempty"`           // leave out what begins with a dot
	FollowLinks       bool     `json:"follow_links,omitempty"`        // look into folders behind symbolic links, each once, wherever they lie
}

// ignoreFile is the name of files that hold patterns.
const ignoreFile = ".polylensignore"

// MaxPatterns is the most that Include and Exclude hold together.
const MaxPatterns = 1000

type compiledRules struct {
	Rules
	include, exclude ignore.List
}

// Check returns an error that names the pattern that cannot be used, or nil.
func (r Rules) Check() error {
	_, err := r.compile()
	return err
}

func (r Rules) compile() (compiledRules, error) {
	compiled := compiledRules{Rules: r}
	if n := len(r.Include) + len(r.Exclude); n > MaxPatterns {
		return compiled, fmt.Errorf("%d patterns are too many: at most %d are allowed; put them into a file %s in the folder", n, MaxPatterns, ignoreFile)
	}
	var err error
	if compiled.include, err = compilePatterns("include", r.Include); err == nil {
		compiled.exclude, err = compilePatterns("exclude", r.Exclude)
	}
	return compiled, err
}

func compilePatterns(what string, lines []string) (ignore.List, error) {
	var list ignore.List
	for _, line := range lines {
		pattern, ok, err := ignore.ParsePattern(line)
		if err != nil {
			return nil, fmt.Errorf("%s %.40q: %w", what, line, err)
		}
		if !ok {
			return nil, fmt.Errorf("%s %.40q matches nothing: write a pattern as in .gitignore, such as *.tmp or drafts/", what, line)
		}
		list = append(list, pattern)
	}
	return list, nil
}

// ignores are the patterns of .polylensignore files, the nearest first.
type ignores struct {
	folder string
	list   ignore.List
	outer  *ignores
}

// match is the pattern that decides about a path, or nil.
func (i *ignores) match(name string, isFolder bool) *ignore.Pattern {
	for ; i != nil; i = i.outer {
		below := name
		if i.folder != "." {
			below = strings.TrimPrefix(name, i.folder+"/")
		}
		if p := i.list.Match(below, isFolder); p != nil {
			return p
		}
	}
	return nil
}

// excludedBy names the rule that leaves an entry out, "" for none. Whether a file is
// among those to include is another question, see isIncluded.
func (w *walker) excludedBy(at *place, name string, isFolder bool) string {
	base := path.Base(name)
	if w.rules.NoHidden && strings.HasPrefix(base, ".") && base != ignoreFile {
		return "hidden"
	}
	if p := w.rules.exclude.Match(name, isFolder); p != nil {
		return label(p, "exclude ")
	}
	if p := at.ignores.match(name, isFolder); p != nil {
		return label(p, ignoreFile+" ")
	}
	if w.rules.NoDefaultExcludes {
		return ""
	}
	return defaultExclude(w.baseOf(at), name, isFolder)
}

// label names a rule for people; a negated pattern leaves nothing out.
func label(p *ignore.Pattern, origin string) string {
	if p.Negated() {
		return ""
	}
	return strings.ToValidUTF8(origin+p.String(), "\ufffd")
}

// isIncluded reports whether an entry is among those to include. What lies in a folder
// is when the folder is, unless a pattern takes it back.
func (w *walker) isIncluded(at *place, name string, isFolder bool) bool {
	if p := w.rules.include.Match(name, isFolder); p != nil {
		return !p.Negated()
	}
	return at.included
}
