package judge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"polylens/indexer/catalog"
	"polylens/search"
)

// shelf is a catalogue of one collection, whose images it lists two at a time.
type shelf struct {
	images      []catalog.Image
	fingerprint string // of the vectors that it has
}

func (s shelf) Collection(_ context.Context, name string) (catalog.Collection, error) {
	if name != "c" {
		return catalog.Collection{}, catalog.ErrNotFound
	}
	return catalog.Collection{Name: name, Fingerprint: s.fingerprint}, nil
}

func (s shelf) ListImages(_ context.Context, _, cursor string, _ int) ([]catalog.Image, string, error) {
	begin, _ := strconv.Atoi(cursor)
	end := min(begin+2, len(s.images))
	next := ""
	if end < len(s.images) {
		next = strconv.Itoa(end)
	}
	return s.images[begin:end], next, nil
}

func (s shelf) Vector(_ context.Context, _ catalog.CollectionID, image, fingerprint string) ([]float32, error) {
	number, err := strconv.Atoi(image)
	if err != nil || fingerprint != s.fingerprint {
		return nil, catalog.ErrNotFound
	}
	return numbered{}.vector(number), nil
}

// asker is a Ranker that notes what it is asked.
type asker struct{ judgements []search.Judgement }

func (a *asker) Ranks(_ context.Context, _ string, judgements []search.Judgement) ([]int, error) {
	a.judgements = judgements
	return make([]int, len(judgements)), nil
}

func searched(c catalog.Collection) (string, error) { return c.Fingerprint, nil }

// TestReadCollection reads all pages, with the vectors of the model that searches
// use.
func TestReadCollection(t *testing.T) {
	s := shelf{fingerprint: "f"}
	for i := range 5 {
		s.images = append(s.images, catalog.Image{
			ID: strconv.Itoa(i), URI: fmt.Sprintf("file:///pictures/%d.png", i), Metadata: map[string]any{"kind": "fish"},
			Captions: []catalog.Caption{{Language: "en", Text: fmt.Sprintf("picture %d", i)}},
		})
	}
	c, err := ReadCollection(t.Context(), s, "c", searched)
	if err != nil || len(c.Images) != 5 || !slices.Equal(c.Vectors[4], numbered{}.vector(4)) {
		t.Fatalf("%+v, %v", c, err)
	}
	material := c.Material("kind", []string{"en"})
	if last := material.Pictures[4]; last.Name != "4.png" || last.Texts[0].Text != "picture 4" || material.Labels[4][0] != "fish" {
		t.Errorf("%+v, %v", last, material.Labels)
	}
	by := new(asker)
	if _, err := c.Ranked(by)(t.Context(), []string{"one"}, [][]int{{1, 3}}); err != nil || by.judgements[0].Text != "one" || !slices.Equal(by.judgements[0].Accept, []string{"1", "3"}) {
		t.Errorf("asked is %+v, %v", by.judgements, err)
	}
}

// TestReadCollectionRefuses what is not there, empty, or of another model.
func TestReadCollectionRefuses(t *testing.T) {
	one := shelf{[]catalog.Image{{ID: "1"}}, "f"}
	if _, err := ReadCollection(t.Context(), one, "d", searched); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("another collection: %v", err)
	}
	if _, err := ReadCollection(t.Context(), shelf{}, "c", searched); err == nil || !strings.Contains(err.Error(), "no pictures") {
		t.Errorf("an empty collection: %v", err)
	}
	other := func(catalog.Collection) (string, error) { return "other", nil }
	if _, err := ReadCollection(t.Context(), one, "c", other); !errors.Is(err, catalog.ErrNotFound) || !strings.Contains(err.Error(), "index it again") {
		t.Errorf("a collection of another model: %v", err)
	}
}
