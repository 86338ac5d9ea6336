package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"

	"polylens/app/judge"
	"polylens/trainer/evaluate"
)

// errForgotten marks a model that lost too much.
var errForgotten = errors.New("too much was forgotten")

func (c *evalCommand) readClasses() (*evaluate.Classes, error) {
	if c.Classes == "" {
		return nil, nil
	}
	file, err := os.Open(c.Classes)
	if err != nil {
		return nil, usageError{fmt.Errorf("--classes: %w", err)}
	}
	defer file.Close()
	language := judge.Undetermined
	if len(c.Languages) == 1 {
		language = c.Languages[0]
	}
	classes, err := evaluate.ParseClasses(file, language)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Classes, err)
	}
	for _, language := range classes.Languages() {
		if len(classes.Templates[language]) == 0 {
			classes.Templates[language] = c.Template
		}
	}
	return &classes, nil
}

func (c *evalCommand) readBaseline() (evaluate.Report, error) {
	if c.Baseline == "" {
		return nil, nil
	}
	file, err := os.Open(c.Baseline)
	if err != nil {
		return nil, usageError{fmt.Errorf("--baseline: %w", err)}
	}
	defer file.Close()
	report, err := evaluate.ReadReport(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Baseline, err)
	}
	if len(c.Languages) == 0 {
		return report, nil
	}
	return slices.DeleteFunc(report, func(r evaluate.Result) bool { return !slices.Contains(c.Languages, r.Language) }), nil
}

func (c *evalCommand) writeReport(report evaluate.Report) error {
	if c.Report == "" {
		return nil
	}
	file, err := os.Create(c.Report)
	if err != nil {
		return fmt.Errorf("--report: %w", err)
	}
	return errors.Join(report.Write(file), file.Close())
}

func (c *evalCommand) print(p *program, report evaluate.Report) error {
	if c.JSON {
		return printLines(p.terminal.out, report.Summary())
	}
	table := newTable(p, "R@1\tR@5\tR@10\tMRR\tMEDIAN RANK")
	for _, q := range report.Summary() {
		fmt.Fprintf(table, "%s\t%s\t%d\t%.3f\t%.3f\t%.3f\t%.3f\t%.1f\t\n", q.Language, q.Direction, q.N, q.R1, q.R5, q.R10, q.MRR, q.MedianRank)
	}
	return table.Flush()
}

// compare prints the differences to an earlier report, and fails if they are
// worse than is allowed.
func (c *evalCommand) compare(p *program, before, after evaluate.Report) error {
	differences, err := evaluate.Compare(before, after)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Baseline, err)
	}
	if c.JSON {
		err = printLines(p.terminal.out, differences)
	} else {
		err = printDifferences(p, differences)
	}
	if err != nil || c.MaxDrop == nil {
		return err
	}
	verdict, err := evaluate.CheckForgetting(before, after, evaluate.Allowance{Points: *c.MaxDrop})
	if err != nil {
		return fmt.Errorf("%s: %w", c.Baseline, err)
	}
	if !verdict.Passed {
		return fmt.Errorf("%w: %s", errForgotten, verdict.Problem())
	}
	return nil
}

func printDifferences(p *program, differences []evaluate.Difference) error {
	table := newTable(p, "R@1\tR@5\tR@10\tMRR\tMEDIAN RANK\tR@5 WITHIN")
	for _, d := range differences {
		within := ""
		if d.R5Interval != nil {
			within = fmt.Sprintf("%+.3f … %+.3f", d.R5Interval.Low, d.R5Interval.High)
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%+.3f\t%+.3f\t%+.3f\t%+.3f\t%+.1f\t%s\t\n", d.Language, d.Direction, d.N, d.R1, d.R5, d.R10, d.MRR, d.MedianRank, within)
	}
	return table.Flush()
}

func newTable(p *program, columns string) *tabwriter.Writer {
	table := tabwriter.NewWriter(p.terminal.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "LANGUAGE\tDIRECTION\tQUERIES\t%s\t\n", columns)
	return table
}

// printLines writes one JSON object a line.
func printLines[T any](to io.Writer, lines []T) error {
	encoder := json.NewEncoder(to)
	for _, line := range lines {
		if err := encoder.Encode(line); err != nil {
			return err
		}
	}
	return nil
}
