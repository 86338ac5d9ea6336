package judge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"polylens/trainer/data"
	"polylens/trainer/data/inspect"
	"polylens/trainer/evaluate"
)

// Undetermined is the tag of a text in an unknown language (ISO 639-2).
const Undetermined = "und"

// Picture is a picture with what is known about it.
type Picture struct {
	Place  data.Picture
	Items  []string // named as what it shows
	Texts  []evaluate.Text
	Labels []string // the classes that it belongs to
}

// Name is the file or the member of a shard without its folder.
func (p Picture) Name() string { return path.Base(p.Place.String()) }

// Read reads a source, including pictures that it says nothing about. Several
// records of one picture add up. Labels are in the attribute of the given name,
// "" for none. A place that cannot be used is a problem and is left out.
func Read(ctx context.Context, from data.Source, label string, problem func(data.Problem)) ([]Picture, error) {
	var all []Picture
	known := make(map[data.Picture]int)
	err := from.Read(ctx, func(record data.Record) error {
		place, seen := known[record.Picture]
		if !seen {
			place = len(all)
			known[record.Picture] = place
			all = append(all, Picture{Place: record.Picture})
		}
		all[place].add(record, label)
		return nil
	}, problem)
	return all, err
}

func (p *Picture) add(record data.Record, label string) {
	if record.Item != "" {
		p.Items = append(p.Items, record.Item)
	}
	for _, caption := range record.Captions {
		caption.Language = cmp.Or(caption.Language, Undetermined)
		p.Texts = append(p.Texts, evaluate.Text(caption))
	}
	if own, ok := record.Attributes[label]; ok {
		p.Labels = append(p.Labels, own)
	}
}

// Searchable returns the pictures that have a text to search for, each with those of
// its texts only: texts of at most so many bytes once they are folded. Languages are
// in lower case.
func Searchable(pictures []Picture, maxBytes int) []Picture {
	var searchable []Picture
	for _, picture := range pictures {
		var usable []evaluate.Text
		for _, text := range picture.Texts {
			if folded := evaluate.Fold(text.Text); folded != "" && len(folded) <= maxBytes {
				usable = append(usable, evaluate.Text{Language: strings.ToLower(text.Language), Text: text.Text})
			}
		}
		if picture.Texts = usable; len(usable) > 0 {
			searchable = append(searchable, picture)
		}
	}
	return searchable
}

// Split returns the part of each picture in the split that training on these
// pairs alone makes. Every picture is looked at, even one without a text.
func (v Viewer) Split(ctx context.Context, pictures []Picture, seed uint64, shares inspect.Shares) ([]inspect.Part, error) {
	set := &data.Set{}
	for i, picture := range pictures {
		set.Pictures = append(set.Pictures, picture.Place)
		set.Items = append(set.Items, "")
		for _, item := range picture.Items {
			set.Items[i] = cmp.Or(set.Items[i], item)
			set.Pairs = append(set.Pairs, data.Pair{Picture: i, Item: item})
		}
	}
	findings, err := inspect.Inspect(ctx, set, v.Opener, v.Decoder, inspect.Options{})
	if err != nil {
		return nil, err
	}
	return findings.Split(seed, shares)
}

// Described returns the pictures that have a description; it is an error if there are
// none.
func Described(pictures []Picture) ([]Picture, error) {
	described := describedOf(pictures)
	if len(described) == 0 {
		return nil, errors.New("no picture has a text or a label")
	}
	return described, nil
}

// DescribedPart returns the described pictures of a part of the split: training,
// validation or test.
func (v Viewer) DescribedPart(ctx context.Context, pictures []Picture, part string, seed uint64, shares inspect.Shares) ([]Picture, error) {
	parts, err := v.Split(ctx, pictures, seed, shares)
	if err != nil {
		return nil, err
	}
	var of []Picture
	for i, picture := range pictures {
		if parts[i].String() == part {
			of = append(of, picture)
		}
	}
	if of = describedOf(of); len(of) == 0 {
		return nil, fmt.Errorf("no picture with a text or a label is in the part %q of %d pictures", part, len(pictures))
	}
	return of, nil
}

func describedOf(pictures []Picture) []Picture {
	return slices.DeleteFunc(slices.Clone(pictures), func(p Picture) bool { return len(p.Texts)+len(p.Labels) == 0 })
}
