package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"polylens/trainer/data"
	"polylens/trainer/data/inspect"
)

// usable are the pairs that something is said of, of the part that was asked for.
func (c *evalCommand) usable(ctx context.Context, p *program, pairs []evalPair) ([]evalPair, error) {
	parts, err := c.split(ctx, p, pairs)
	if err != nil {
		return nil, err
	}
	var usable []evalPair
	for i, pair := range pairs {
		if len(pair.texts)+len(pair.labels) > 0 && (c.Split == "" || parts[i].String() == c.Split) {
			usable = append(usable, pair)
		}
	}
	switch {
	case len(usable) > 0:
		return usable, nil
	case c.Split != "":
		return nil, fmt.Errorf("no picture with a text or a label is in the part %q of %d pictures", c.Split, len(pairs))
	}
	return nil, errors.New("no picture has a text or a label")
}

// split answers the part of each picture, or nothing if all are asked for. It
// is the one that training on these pairs makes, which looks at pictures without
// a text too.
func (c *evalCommand) split(ctx context.Context, p *program, pairs []evalPair) ([]inspect.Part, error) {
	if c.Split == "" {
		return nil, nil
	}
	set := &data.Set{}
	for i, pair := range pairs {
		set.Pictures = append(set.Pictures, pair.picture)
		set.Items = append(set.Items, "")
		for _, item := range pair.items {
			set.Items[i] = cmp.Or(set.Items[i], item)
			set.Pairs = append(set.Pairs, data.Pair{Picture: i, Item: item})
		}
	}
	decoder, err := p.openDecoder()
	if err != nil {
		return nil, err
	}
	files := p.pictureFiles()
	defer files.Close()
	findings, err := inspect.Inspect(ctx, set, files, data.DecodeWith(decoder, p.decodeLimits()), inspect.Options{})
	if err != nil {
		return nil, err
	}
	parts, err := findings.Split(c.SplitSeed, inspect.Shares{Validation: c.SplitShares[0], Test: c.SplitShares[1]})
	if err != nil {
		return nil, usageError{fmt.Errorf("--split-shares: %w", err)}
	}
	return parts, nil
}
