package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"polylens/app/judge"
	"polylens/app/setup"
	"polylens/encoder"
	"polylens/encoder/gate"
	"polylens/encoder/ort"
	"polylens/search"
	"polylens/trainer/data"
)

type modelGateCommand struct {
	Pairs string `placeholder:"DIR|FILE" help:"Your own pictures with texts, instead of the demo's: a folder with captions, a file of pairs (.csv and .tsv, shards of WebDataset, also packed, else one JSON object a line), or the word demo for the pictures that setup fetches."`
	Limit int    `placeholder:"N" default:"5000" help:"Most pictures to compare with, spread evenly over all (default: ${default})."`
	JSON  bool   `help:"Print one JSON object: the verdict as it is kept, with model and file."`
}

// Help documents the command.
func (*modelGateCommand) Help() string {
	return fmt.Sprintf(`Judges whether the model gives nearly the vectors of fp32 at another precision (--precision, default int8), and keeps `+
		`the verdict in the cache folder. A model is used in int8 only once it has passed; when it is first opened in int8, the built-in texts and `+
		`drawn pictures alone decide. fp16 is judged too, but used in any case.

Every vector of the built-in texts and pictures must have a cosine of at least %.2f to the one in fp32. Then texts search the `+
		`pictures of the demo, if "polylens setup" has fetched it, or those given with --pairs: no language may lose more than %.0f `+
		`point of R@5, the share of texts with a right picture among the first five, and the cosines must have a mean of at least %.2f. `+
		`Only languages with at least %d texts are judged, since in a smaller one a single text is worth more than that; the others are `+
		`reported. Where your own pairs have such a language, they outrank the built-in texts and pictures, which may then `+
		`have worse cosines. "mixed" is what queries in fp32 find among pictures that were encoded at the other precision; nothing depends on it.

The last run counts: what fails on your pairs is refused until a run passes.

Pairs are those that "polylens train" and "polylens eval" take: a folder as "polylens index" takes it, with captions in metadata.jsonl `+
		`or beside each picture, a table, shards of WebDataset, or lines of JSON with a path that is relative to the file. What cannot be `+
		`used is left out with a warning:

    {"image": "fish.jpg", "captions": {"en": "a red fish", "de": "ein roter Fisch"}}
    {"image": "boat.jpg", "text": "a boat in the harbour"}

Both models are in memory together, and every picture and text is encoded twice: a large model takes hours for the whole demo, `+
		`see --limit. No data folder is needed, and a server may run.

Examples:

    polylens model gate
    polylens model gate --model ./siglip2-base-patch16-224 --limit 200
    polylens model gate --model ./siglip2-base-patch16-224 --pairs ~/Pictures --json

`, gate.LeastCosine, gate.MostLost, gate.LeastCosine, gate.FewestQueries) + exitHelp
}

// errNotPassed marks a model that must not be used at a precision.
var errNotPassed = errors.New("did not pass the quality gate")

// gateOutcome is what model gate prints.
type gateOutcome struct {
	Model string `json:"model"`
	File  string `json:"file"` // where the verdict is kept
	gate.Verdict
}

func (c *modelGateCommand) Run(ctx context.Context, p *program) error {
	precision, err := c.precision(p.globals.Precision)
	if err != nil {
		return err
	}
	library, err := p.item(setup.OnnxRuntime)
	if err != nil {
		return err
	}
	dir, err := p.modelFolder()
	if err != nil {
		return err
	}
	pairs, err := c.pairs(ctx, p)
	if err != nil {
		return err
	}
	verdict, err := judgeModel(ctx, p, dir, library, precision, pairs)
	if err != nil {
		return err
	}
	store, err := encoder.Verdicts(p.globals.Cache)
	if err != nil {
		return err
	}
	if err := store.Write(verdict); err != nil {
		return fmt.Errorf("keeping the verdict: %w", err)
	}
	outcome := gateOutcome{dir, store.Path(verdict.Fingerprint, verdict.Precision), verdict}
	if err := c.print(p, outcome); err != nil {
		return err
	}
	if !verdict.Passed() {
		return fmt.Errorf("%s %w: %s", precision, errNotPassed, verdict.Problem)
	}
	return nil
}

// precision is the precision to judge.
func (c *modelGateCommand) precision(given string) (string, error) {
	switch {
	case c.Limit < 1:
		return "", usageError{fmt.Errorf("--limit %d: want at least 1", c.Limit)}
	case given == encoder.FP32:
		return "", usageError{errors.New("--precision fp32 is what the others are compared with: name int8 or fp16")}
	case given == "":
		return encoder.INT8, nil
	}
	return given, nil
}

// pairs are the user's, or the demo's if it has been set up.
func (c *modelGateCommand) pairs(ctx context.Context, p *program) (judge.Pairs, error) {
	from := cmp.Or(c.Pairs, demoPairs)
	pictures, languages, err := p.pairsFrom(ctx, from, "")
	if c.Pairs == "" && (errors.Is(err, setup.ErrMissing) || errors.Is(err, setup.ErrUnsupported)) {
		fmt.Fprintln(p.terminal.err, "the demo pictures are not set up: nothing is searched, vectors alone are compared")
		return judge.Pairs{}, nil
	}
	if err != nil {
		return judge.Pairs{}, err
	}
	pictures = judge.Searchable(pictures, search.MaxTextBytes)
	if len(pictures) == 0 {
		return judge.Pairs{}, fmt.Errorf("pairs: no picture in %s has a caption", from)
	}
	pairs := judge.Pairs{Source: from, Own: from != demoPairs, Languages: languages, Pictures: data.Spread(pictures, c.Limit)}
	if !pairs.Own {
		pairs.Source = "the demo"
	}
	return pairs, nil
}

// judgeModel opens a model twice and compares.
func judgeModel(ctx context.Context, p *program, dir, library, precision string, pairs judge.Pairs) (gate.Verdict, error) {
	environment, err := ort.Open(library)
	if err != nil {
		return gate.Verdict{}, err
	}
	open := func(precision, suffix string) (*encoder.Encoder, error) {
		options := p.encoderOptions(library)
		options.Precision, options.Suffix, options.Ungated = precision, suffix, true
		model, err := encoder.Open(ctx, dir, options)
		if err == nil {
			p.later(func(context.Context) error { return model.Close() })
		}
		return model, err
	}
	if !encoder.HasExact(dir) {
		return gate.Verdict{}, fmt.Errorf("%s has no fp32 files to compare with: fetch them with \"polylens model pull\"", dir)
	}
	exact, err := open(encoder.FP32, "")
	if err != nil {
		return gate.Verdict{}, err
	}
	candidate, err := open(precision, p.globals.OnnxFiles)
	if err != nil {
		return gate.Verdict{}, err
	}
	verdict := gate.Verdict{Fingerprint: candidate.FilesFingerprint(), Precision: precision, Runtime: environment.Version(), Time: time.Now().UTC()}
	viewer, err := p.viewer()
	if err != nil {
		return verdict, err
	}
	return verdict, judge.NewFidelity(exact, candidate, viewer, exact.Target).Judge(ctx, &verdict, pairs)
}

func (c *modelGateCommand) print(p *program, outcome gateOutcome) error {
	if c.JSON {
		encoder := json.NewEncoder(p.terminal.out)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(outcome)
	}
	outcome.printCosines(p)
	if outcome.Pairs != nil && len(outcome.Pairs.Recalls) > 0 {
		if err := outcome.printRecalls(p); err != nil {
			return err
		}
	}
	word := "passed"
	if !outcome.Passed() {
		word = "did not pass" // the error of the command says why
	}
	p.print("%s %s. The verdict is kept in %s", outcome.Precision, word, outcome.File)
	return nil
}

func (o gateOutcome) printCosines(p *program) {
	p.print("%s in %s compared with fp32", o.Model, o.Precision)
	line := func(what string, a gate.Agreement) {
		p.print("%-22s %6d  cosine %.6f in the mean, %.6f at worst: %.60s", what, a.Count, a.Mean, a.Worst, a.Input)
	}
	line("built-in texts", o.Texts)
	line("built-in pictures", o.Pictures)
	if o.Pairs != nil {
		line("texts of the pairs", o.Pairs.Texts)
		line("pictures of the pairs", o.Pairs.Pictures)
	}
}

func (o gateOutcome) printRecalls(p *program) error {
	p.print("recall at 5 of texts among %d pictures of %s:", o.Pairs.Pictures.Count, o.Pairs.Source)
	table := tabwriter.NewWriter(p.terminal.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "LANGUAGE\tQUERIES\tFP32\t%s\tLOST POINTS\tMIXED\t\n", o.Precision)
	var mean, mixed float64
	for _, r := range o.Pairs.Recalls {
		note := ""
		if !r.Judged() {
			note = "  not judged"
		}
		fmt.Fprintf(table, "%s\t%d\t%.3f\t%.3f\t%.2f\t%.3f\t%s\n", r.Language, r.Queries, r.Exact, r.Candidate, r.Lost(), r.Mixed, note)
		mean += r.Lost() / float64(len(o.Pairs.Recalls))
		mixed += r.LostMixed() / float64(len(o.Pairs.Recalls))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	p.print("lost in the mean of the languages: %.2f points, %.2f with queries in fp32 against pictures in %s", mean, mixed, o.Precision)
	if o.Pairs.Language == "" {
		p.print("no language has the %d queries that it takes to be judged", gate.FewestQueries)
	} else {
		p.print("lost at most: %.2f points, in language %s", o.Pairs.Lost, o.Pairs.Language)
	}
	return nil
}
