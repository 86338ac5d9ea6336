package main

import (
	"context"
	"encoding/json"
	"fmt"

	"polylens/search"
	"polylens/web"
)

type searchCommand struct {
	Query      string `arg:"" help:"What the pictures show, in any language."`
	Collection string `required:"" placeholder:"NAME" help:"Collection to search."`
	Limit      int    `default:"10" placeholder:"N" help:"Number of pictures, 1 to 1000 (default: ${default})."`
	Group      string `enum:",content" default:"" placeholder:"content" help:"Count files with the same content as one picture."`
	JSON       bool   `help:"Print one JSON object a line: id, uri, score, and with --group the other places as copies."`
}

// Help documents the command.
func (*searchCommand) Help() string {
	return `Prints the pictures of a collection that fit the words best, best first. If "polylens serve" runs on the same data ` +
		`folder, it answers, and is waited for up to a minute while it starts; otherwise Milvus is started for this one search, which takes some seconds.

Examples:

    polylens search "a red fish" --collection demo
    polylens search "a red fish" --collection photos --group content
    polylens search "красная рыба" --collection demo --limit 3 --json

With --json, one object a line: {"id":"...","uri":"file:///...","score":0.123}.

` + exitHelp
}

func (c *searchCommand) Run(ctx context.Context, p *program) error {
	if c.Limit < 1 || c.Limit > search.MaxPage {
		return usageError{fmt.Errorf("--limit %d: want 1 to %d", c.Limit, search.MaxPage)}
	}
	api, err := p.api(ctx, "search", false)
	if err != nil {
		return err
	}
	hits, err := api.Search(ctx, c.Collection, c.Query, c.Limit, search.Grouping(c.Group))
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(p.terminal.out)
	encoder.SetEscapeHTML(false)
	for _, found := range hits {
		if c.JSON {
			err = encoder.Encode(group{hit{found.ID, found.URI, found.Score}, found.Copies})
		} else {
			_, err = fmt.Fprintf(p.terminal.out, "%.4f  %s%s\n", found.Score, found.URI, more(found))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// hit is one line of --json.
type hit struct {
	ID    string  `json:"id"`
	URI   string  `json:"uri"`
	Score float32 `json:"score"`
}

// group is such a line with --group.
type group struct {
	hit
	Copies []web.Copy `json:"copies,omitempty"`
}

// more says how many other files have the content.
func more(found web.Hit) string {
	if found.CopyCount == 0 {
		return ""
	}
	return fmt.Sprintf("  (+%d with the same content)", found.CopyCount)
}
