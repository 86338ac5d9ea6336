package inspect

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// WriteText writes the report for people to read.
func (r Report) WriteText(w io.Writer) error {
	p := &printer{w: w}
	p.printf("%d pairs of %d pictures, which show %d items (%d records read)\n", r.Pairs, r.Pictures, r.Items, r.Records)
	p.list("could not be used", r.Problems)
	p.list("pictures cannot be read", r.Unreadable)
	p.list("records have captions without text", r.EmptyCaptions)
	p.list("pictures have no text", r.WithoutCaption)
	p.printf("%d pictures are exact duplicates, %d look like another; the largest group has %d\n",
		r.ExactDuplicates, r.NearDuplicates, r.LargestGroup)
	p.printf("%d items have several pictures, at most %d\n\n", r.SharedItems, r.LargestItem)
	p.table(func(t io.Writer) {
		fmt.Fprintln(t, "part\tpairs\tpictures\titems\t")
		for _, part := range r.Parts {
			fmt.Fprintf(t, "%s\t%d\t%d\t%d\t\n", part.Part, part.Pairs, part.Pictures, part.Items)
		}
	})
	p.printf("\n")
	p.table(func(t io.Writer) {
		fmt.Fprintf(t, "language\tpairs\tpictures\tmedian tokens\tlongest\tabove %d\t\n", r.TokenLimit)
		for _, l := range r.Languages {
			fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t\n", named(l.Language), l.Pairs, l.Pictures, l.Median, l.Longest, l.Cut)
		}
	})
	for _, warning := range r.Warnings {
		p.printf("\nwarning: %s\n", warning)
	}
	return p.err
}

// printer keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func (p *printer) list(what string, l List) {
	if l.Count == 0 {
		return
	}
	p.printf("%d %s:\n", l.Count, what)
	for _, name := range l.First {
		p.printf("    %s\n", name)
	}
	if more := l.Count - len(l.First); more > 0 {
		p.printf("    and %d more\n", more)
	}
}

func (p *printer) table(write func(io.Writer)) {
	if p.err != nil {
		return
	}
	t := tabwriter.NewWriter(p.w, 0, 0, 2, ' ', tabwriter.AlignRight)
	write(t)
	p.err = t.Flush()
}
