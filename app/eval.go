package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"polylens/app/judge"
	"polylens/trainer/evaluate"
)

type evalCommand struct {
	Collection   string    `default:"demo" placeholder:"NAME" help:"Collection whose pictures have captions (default: ${default})."`
	Pairs        string    `placeholder:"DIR|FILE" help:"Pictures with texts that are in no collection: a folder with captions, a file of pairs (.csv and .tsv, shards of WebDataset, also packed, else one JSON object a line), or the word demo for the pictures that setup fetches."`
	Split        string    `placeholder:"PART" enum:"training,validation,test," default:"" help:"With --pairs: only one part, split as train does: training, validation or test (default: all)."`
	SplitSeed    uint64    `placeholder:"N" default:"1" help:"Seed of the split (default: ${default}, as train has it)."`
	SplitShares  []float64 `placeholder:"SHARE" default:"0.1,0.1" help:"Shares of validation and test (default: ${default}, as train has them)."`
	Languages    []string  `placeholder:"TAG" help:"Only these languages (default: for collections and the demo, the 36 of Crossmodal-3600; for other pairs and for classes, all)."`
	ThroughIndex bool      `help:"Search through Milvus instead of comparing with every vector: much slower, but what users get."`
	Classes      string    `placeholder:"FILE" help:"Measure zero-shot classification as well, with these classes."`
	Template     []string  `sep:"none" placeholder:"TEXT" help:"Sentence whose {} stands for the name of a class; may be repeated. For languages without templates in the file of classes."`
	Label        string    `default:"label" placeholder:"FIELD" help:"Metadata field that names a picture's class (default: ${default})."`
	Report       string    `placeholder:"FILE" help:"Write the rank of every query to a file that --baseline can compare with."`
	Baseline     string    `placeholder:"FILE" help:"Print the differences to an earlier report, or to what --json printed."`
	MaxDrop      *float64  `placeholder:"POINTS" help:"With --baseline: fail if a language lost more points of R@5 of text_to_image."`
	JSON         bool      `help:"Print one JSON object a line: language, direction, n, r1, r5, r10, mrr, median_rank."`
}

// Help documents the command.
func (*evalCommand) Help() string {
	return fmt.Sprintf(`Measures a model by captions that it is not shown: each picture's caption is the query, and the picture, or another one with `+
		`the same caption, case aside, is the right answer. R@5 is the share of queries with a right answer among the first five. `+
		`text_to_image is what a search does; image_to_text, the way back, ranks the distinct captions of the language. A wrong answer `+
		`that scores as much as the right one stands before it (not with --through-index, where the order is the one that users see).

With --json there is one object for each language and direction, languages in alphabetical order. The last ones have the language `+
		`"mean": the mean over the languages of each direction, which weighs every language alike.

A collection must be indexed with the model, and no server may run on the data folder. --pairs encodes the pictures anew and needs neither.
A file of pairs names "image", "text" or "captions", and "language":

    {"image": "fish.jpg", "captions": {"en": "a red fish", "de": "ein roter Fisch"}, "label": "fish"}

--split test takes what training on these pairs alone keeps aside: every picture is looked at, and those that are the same or look `+
		`the same stay together.

Zero-shot classification asks which class a picture belongs to, of a file with one class a line: its label alone, or an object with `+
		`names in several languages. The vector of a class is the mean of those of its names in all templates, in lower case and without punctuation. `+
		`It is reported as direction zero_shot, whose r1 and r5 are the accuracies of the first and of five guesses:

    {"label": "fish", "prompts": {"en": ["fish"], "de": ["Fisch"]}}
    {"templates": {"en": ["a photo of a {}.", "a drawing of a {}."], "de": ["ein Foto: {}"]}}

With --baseline the differences are printed, in shares from -1 to 1, with the 95 %% interval of a paired bootstrap where both reports have `+
		`the ranks of the same queries. --max-drop %d is what a trained model has to pass; one query may always be lost.

Examples:

    polylens eval
    polylens eval --collection demo --languages de,ja,ar --json
    polylens eval --pairs demo --report before.ndjson
    polylens eval --pairs demo --model ./finetuned --baseline before.ndjson --max-drop 1
    polylens eval --pairs birds.csv --split test
    polylens eval --pairs birds.csv --classes birds.txt --template "a photo of a {}."

`, evaluate.DefaultAllowed) + exitHelp
}

// evalMaterial is what a model has made of pictures, and how it is asked.
type evalMaterial struct {
	judge.Material
	encoder evaluate.TextEncoder
	rank    evaluate.TextRanker // nil compares with every vector
}

func (c *evalCommand) Run(ctx context.Context, p *program) error {
	if err := c.check(); err != nil {
		return err
	}
	classes, err := c.readClasses()
	if err != nil {
		return err
	}
	baseline, err := c.readBaseline()
	if err != nil {
		return err
	}
	material, err := c.material(ctx, p)
	if err != nil {
		return err
	}
	report, err := material.Evaluate(ctx, material.encoder, material.rank, classes, c.Languages)
	if err != nil {
		return err
	}
	if err := c.writeReport(report); err != nil {
		return err
	}
	if c.Baseline != "" {
		return c.compare(p, baseline, report)
	}
	return c.print(p, report)
}

func (c *evalCommand) check() error {
	switch {
	case c.Pairs != "" && c.ThroughIndex:
		return usageError{errors.New("--through-index needs a collection: pairs are in no index")}
	case c.Split != "" && c.Pairs == "":
		return usageError{errors.New("--split needs --pairs: a collection is not split")}
	case len(c.SplitShares) != 2:
		return usageError{fmt.Errorf("--split-shares: %d numbers, want those of validation and test", len(c.SplitShares))}
	case c.MaxDrop != nil && c.Baseline == "":
		return usageError{errors.New("--max-drop needs --baseline, the report to compare with")}
	case c.MaxDrop != nil && !(*c.MaxDrop >= 0 && *c.MaxDrop <= 100):
		return usageError{fmt.Errorf("--max-drop %v: want 0 to 100 points", *c.MaxDrop)}
	case len(c.Template) > 0 && c.Classes == "":
		return usageError{errors.New("--template needs --classes, whose names it takes")}
	}
	if c.Split != "" {
		if err := c.shares().Check(); err != nil {
			return usageError{fmt.Errorf("--split-shares: %w", err)}
		}
	}
	if len(c.Template) > 0 {
		if err := evaluate.CheckTemplates(c.Template); err != nil {
			return usageError{fmt.Errorf("--template: %w", err)}
		}
	}
	for i, language := range c.Languages {
		c.Languages[i] = strings.ToLower(language)
	}
	return nil
}

func (c *evalCommand) material(ctx context.Context, p *program) (*evalMaterial, error) {
	if c.Pairs != "" {
		return c.pairsMaterial(ctx, p)
	}
	return c.collectionMaterial(ctx, p)
}
