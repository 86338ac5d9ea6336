package data

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"polylens/indexer/catalog"
)

// Catalog is what is needed of the catalogue. database.Store is one.
type Catalog interface {
	// ListImages gives a page of a collection in order of URI and the cursor of
	// the next page, empty at the end.
	ListImages(ctx context.Context, collection, cursor string, limit int) ([]catalog.Image, string, error)
}

// Collection is a collection of Polylens. The language of a text is that of its
// caption or template.
type Collection struct {
	Catalog   Catalog
	Name      string
	Captions  bool       // take the captions of the images
	Languages []string   // of captions to take; none is all
	Templates []Template // texts made of tags and metadata
	Item      string     // metadata field that names the item; "" is the content of the picture
	// Attributes are the metadata fields to keep as attributes.
	Attributes []string
}

// pageSize is how many images are read at a time.
const pageSize = 500

// Read implements Source.
func (c Collection) Read(ctx context.Context, record func(Record) error, problem func(Problem)) error {
	templates, err := c.parse()
	if err != nil {
		return err
	}
	for cursor := ""; ; {
		images, next, err := c.Catalog.ListImages(ctx, c.Name, cursor, pageSize)
		if err != nil {
			return fmt.Errorf("collection %s: %w", c.Name, err)
		}
		for _, image := range images {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := record(c.record(image, templates, problem)); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		cursor = next
	}
}

func (c Collection) parse() ([]*compiled, error) {
	if !c.Captions && len(c.Templates) == 0 {
		return nil, fmt.Errorf("collection %s: take its captions or give a template, or there is no text", c.Name)
	}
	templates, err := compileAll(c.Templates)
	if err != nil {
		return nil, fmt.Errorf("collection %s: %w", c.Name, err)
	}
	return templates, nil
}

func (c Collection) record(image catalog.Image, templates []*compiled, problem func(Problem)) Record {
	r := Record{
		Picture:    Picture{URI: image.URI, Within: image.Source, SHA256: image.SHA256},
		Relevance:  1,
		Attributes: ReadOptions{Attributes: c.Attributes}.AttributesIn(image.Metadata),
		Place:      Place{File: c.Name, Part: image.ID},
	}
	r.Item, _ = scalar(image.Metadata[c.Item])
	if c.Captions {
		c.addCaptions(&r, image.Captions)
	}
	view := View{Tags: tagsOf(image), image: image}
	for i, t := range templates {
		text, err := t.execute(view)
		if err != nil {
			problem(Problem{r.Place, fmt.Errorf("template %q: %w", c.Templates[i].Text, err)})
		} else if text != "" {
			r.Captions = append(r.Captions, Caption{c.Templates[i].Language, text})
		}
	}
	return r
}

func (c Collection) addCaptions(r *Record, captions []catalog.Caption) {
	for _, caption := range captions {
		if len(c.Languages) > 0 && !slices.ContainsFunc(c.Languages, func(tag string) bool { return strings.EqualFold(tag, caption.Language) }) {
			continue
		}
		if strings.TrimSpace(caption.Text) == "" {
			r.Empty++
			continue
		}
		r.Captions = append(r.Captions, Caption(caption))
	}
}

func tagsOf(image catalog.Image) []string {
	list, _ := image.Metadata["tags"].([]any)
	var tags []string
	for _, tag := range list {
		if text, ok := tag.(string); ok && text != "" {
			tags = append(tags, text)
		}
	}
	return tags
}
