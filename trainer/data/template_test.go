package data

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"polylens/indexer/catalog"
)

// doubled is a template whose text doubles with each of n steps.
func doubled(n int, step string) string {
	var b strings.Builder
	b.WriteString(`{{$x := "ab"}}`)
	for range n {
		b.WriteString("{{$x = " + step + "}}")
	}
	return b.String() + "{{len $x}}"
}

// nested is templates each of which uses the next twice.
func nested(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{{define "t%d"}}{{template "t%d" .}}{{template "t%d" .}}{{end}}`, i, i+1, i+1)
	}
	fmt.Fprintf(&b, `{{define "t%d"}}{{end}}{{template "t0" .}}`, n)
	return b.String()
}

// hostileTemplates would take hours, or all memory.
var hostileTemplates = map[string]struct{ text, want string }{
	"a great loop":            {`{{range 9000000000000000000}}{{end}}`, "steps"},
	"loops in loops":          {`{{range 100000}}{{range 100000}}{{range 100000}}{{end}}{{end}}{{end}}`, "steps"},
	"a loop in an else":       {`{{range 0}}{{else}}{{range 1000000000}}{{end}}{{end}}`, "steps"},
	"a loop in an if":         {`{{if true}}{{with 1}}{{range 1000000000}}{{if false}}{{end}}{{end}}{{end}}{{end}}`, "steps"},
	"a loop that goes on":     {`{{range 1000000000}}{{continue}}{{end}}`, "steps"},
	"loops over tags":         {`{{range .Tags}}{{range $.Tags}}{{range $.Tags}}{{range $.Tags}}{{end}}{{end}}{{end}}{{end}}`, "steps"},
	"endless recursion":       {`{{define "a"}}{{template "a" .}}{{end}}{{template "a" .}}`, "steps"},
	"doubled by templates":    {nested(40), "steps"},
	"steps given back":        {`{{range 1000000}}{{spend -100}}{{end}}`, "expected unsigned integer"},
	"doubled by printf":       {doubled(40, `printf "%s%s" $x $x`), "more than 8192 bytes"},
	"doubled by print":        {doubled(40, `print $x $x`), "more than 8192 bytes"},
	"doubled by println":      {doubled(40, `println $x $x`), "more than 8192 bytes"},
	"doubled by %q":           {doubled(40, `printf "%q" (print "\\" $x)`), "more than 8192 bytes"},
	"doubled by js":           {`{{$x := "\\\\"}}` + doubled(40, `js (print $x $x)`)[14:], "more than 8192 bytes"},
	"doubled by html":         {doubled(40, `html (print "&" $x $x)`), "more than 8192 bytes"},
	"doubled by urlquery":     {doubled(40, `urlquery (print "%" $x $x)`), "more than 8192 bytes"},
	"a width":                 {`{{printf "%9999999d" 1}}`, "width"},
	"a width and a flag":      {`{{printf "%-+#09999999d" 1}}`, "width"},
	"a width by index":        {`{{printf "%[1]9999999d" 1}}`, "width"},
	"a precision":             {`{{printf "%.9999999f" 1.0}}`, "width"},
	"a width from a value":    {`{{printf "%*d" 9999999 1}}`, "width"},
	"a precision of a value":  {`{{printf "%.*f" 9999999 1.0}}`, "width"},
	"a width behind percents": {`{{printf "%%%9999999d" 1}}`, "width"},
	"widths that are allowed": {`{{len (printf "` + strings.Repeat("%999d", 700) + `")}}`, "more than 8192 bytes"},
	"an image":                {`{{print .}}`, "name one of its fields"},
	"long values, often":      {`{{printf "` + strings.Repeat("%[1]s", 700) + `" (.Field "long")}}`, "more than 8192 bytes"},
	"a long template":         {strings.Repeat(" ", maxTemplate+1), "bytes"},
	"deep":                    {strings.Repeat("{{if 1}}", 1000), "bytes"},
	"a deep expression":       {"{{" + strings.Repeat("(", 3000), "unclosed"},
}

var manyTags = func() View {
	image := catalog.Image{Metadata: map[string]any{"long": strings.Repeat("x", 1<<20), "title": "Nave nave moe"}}
	return View{Tags: strings.Split(strings.Repeat("a ", 10_000), " "), image: image}
}()

// costs is what a template allocates for an image.
func costs(text string, view View) (written string, allocated uint64, err error) {
	c, err := compile(text)
	if err != nil {
		return "", 0, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	written, err = c.execute(view)
	runtime.ReadMemStats(&after)
	return written, after.TotalAlloc - before.TotalAlloc, err
}

// mostAllocated is far above what any template may allocate for one image.
const mostAllocated = 512 << 20

func TestHostileTemplates(t *testing.T) {
	for name, test := range hostileTemplates {
		t.Run(name, func(t *testing.T) {
			_, allocated, err := costs(test.text, manyTags)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
			if allocated > mostAllocated {
				t.Errorf("%d bytes are allocated", allocated)
			}
		})
	}
}

// TestHarmlessTemplates: the bounds are far from what people write.
func TestHarmlessTemplates(t *testing.T) {
	view := View{Tags: strings.Split(strings.Repeat("tag ", 500), " "), image: manyTags.image}
	for text, want := range map[string]string{
		`{{range $i, $t := .Tags}}{{if $i}}, {{end}}{{$t}}{{end}}`:                                        "tag, tag",
		`{{printf "%.20s and %5d%%" (.Field "long") 7}}`:                                                  "xxxxxxxxxxxxxxxxxxxx and 7%",
		`{{slice (.Field "long") 0 3}} {{html "<"}} {{js "'"}} {{urlquery "a b"}}`:                        `xxx &lt; \' a+b`,
		`{{define "t"}}{{.Field "title"}}{{end}}{{range 50}}{{template "t" $}} {{end}}`:                   "Nave nave moe Nave",
		`{{with .Field "title"}}{{.}}{{end}}{{if and (.Has "title") (eq 1 1)}} is {{len .Tags}}{{end}}`:   "Nave nave moe is 501",
		`{{range 3}}{{range 3}}{{.}}{{end}}{{break}}{{else}}none{{end}}{{/* and a comment */}}{{"text"}}`: "012text",
	} {
		written, _, err := costs(text, view)
		if err != nil || !strings.HasPrefix(written, want) {
			t.Errorf("%s: %.40q, %v, want %q", text, written, err, want)
		}
	}
}

func TestTooManyTemplates(t *testing.T) {
	if err := CheckTemplates(make([]Template, maxTemplates)); err != nil {
		t.Error(err)
	}
	if err := CheckTemplates(make([]Template, maxTemplates+1)); err == nil {
		t.Error("one more is allowed")
	}
}

// FuzzTemplate: whatever the template, it ends, writes little and takes little memory.
func FuzzTemplate(f *testing.F) {
	for _, test := range hostileTemplates {
		f.Add(test.text)
	}
	for _, text := range []string{`{{.Field "title"}}`, `{{range .Tags}}{{.}} {{end}}`, `{{printf "%5.2f" 1.0}}`, `{{index .Tags 0}}{{call .Has "x"}}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		written, allocated, err := costs(text, manyTags)
		if len(written) > maxText || err == nil && allocated > mostAllocated {
			t.Errorf("%d bytes are written and %d allocated, %v", len(written), allocated, err)
		}
	})
}
