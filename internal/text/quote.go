package text

import "strings"

var globQuoter = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)

// QuoteGlob makes of a path a pattern that matches it alone.
func QuoteGlob(path string) string { return globQuoter.Replace(path) }

// QuoteShell makes one word of a text for a POSIX shell.
func QuoteShell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
