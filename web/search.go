package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"polylens/indexer/catalog"
	"polylens/search"
)

// SearchOptions are the parameters that every search has.
type SearchOptions struct {
	AcceptLanguage
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"40" doc:"Hits a page"`
	Cursor string `query:"cursor" maxLength:"512" doc:"“next” of the page before, of the same query"`
	Group  string `query:"group" enum:"content" doc:"With “content”, images whose files are equal, byte for byte, are one hit"`
	Filter string `query:"filter" maxLength:"65536" example:"{\"field\":\"group\",\"eq\":\"animals\"}" doc:"Condition on metadata, as JSON: {\"field\":F,OP:V} with OP one of eq, ne, lt, le, gt, ge, in, contains; {\"and\":[…]}, {\"or\":[…]}, {\"not\":…}; at most 1,000 conditions, of which each value of a list is one, nested up to 16 deep. An address of more than 65,536 bytes is refused: POST …/query takes a longer filter. F is a key in any script, or keys with dots between them for what stands in objects and lists (place.city, tags.0); a key with a dot in it stands in backticks. Integers are compared exactly, texts in Unicode's composed form. A field that no image has is an error"`
}

type searchInput struct {
	CollectionPath
	SearchOptions
	Text  string `query:"q" maxLength:"4096" example:"a red fish" doc:"What the picture shows, in any language. What cannot be seen, such as zero-width characters, is left out; NUL and what is not UTF-8 are refused"`
	Image string `query:"image" maxLength:"512" doc:"Instead of q: find images like this one of the collection"`
}

type pictureSearchInput struct {
	CollectionPath
	SearchOptions
	Upload
}

type searchAnswer struct {
	Body struct {
		Hits []Hit  `json:"hits" nullable:"false" doc:"Best first"`
		Next string `json:"next,omitempty" doc:"Cursor of the next page; absent after the last"`
	}
}

func (s *server) searchOperations(api huma.API) {
	find := operation("search", http.MethodGet, "/collections/{name}/search", "search",
		"Find images by text, or like another image", http.StatusConflict)
	huma.Register(api, inLane(find, laneSearches), s.search)
	query := operation("query", http.MethodPost, "/collections/{name}/query", "search",
		"Find images by text, or like another image, with a filter of any length", http.StatusConflict)
	huma.Register(api, inLane(query, laneSearches), s.query)
	upload := operation("search-by-picture", http.MethodPost, "/collections/{name}/search", "search",
		"Find images that look like an uploaded picture", http.StatusConflict)
	upload.RequestBody = describeUpload()
	huma.Register(api, inLane(upload, laneUploads), s.searchByPicture)
}

func (s *server) search(ctx context.Context, input *searchInput) (*searchAnswer, error) {
	return s.find(ctx, input.Name, wanted{input.Text, input.Image, input.SearchOptions})
}

func (s *server) query(ctx context.Context, input *queryInput) (*searchAnswer, error) {
	return s.find(ctx, input.Name, input.wanted())
}

// wanted is what a search looks for.
type wanted struct {
	text, image string
	SearchOptions
}

func (s *server) find(ctx context.Context, collection string, asked wanted) (*searchAnswer, error) {
	options, err := asked.parse(ctx)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	var results search.Results
	switch {
	case asked.image != "" && asked.text != "":
		return nil, newProblem(kindInvalid, "give either q or image, not both")
	case asked.image == "" && asked.text == "":
		return nil, newProblem(kindInvalid, "the query is empty: say in q what the picture shows, or name in image a picture of the collection")
	case asked.image != "":
		results, err = s.byImage(ctx, collection, asked.image, options)
	default:
		results, err = s.Search.ByText(ctx, collection, asked.text, options)
	}
	return s.answer(ctx, asked.prefer(), results, err)
}

func (s *server) byImage(ctx context.Context, collection, id string, options search.Options) (search.Results, error) {
	image, err := s.seenImage(ctx, collection, id)
	if err != nil {
		return search.Results{}, err
	}
	return s.Search.ByImage(ctx, collection, image.ID, options)
}

func (s *server) searchByPicture(ctx context.Context, input *pictureSearchInput) (*searchAnswer, error) {
	options, err := input.parse(ctx)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	holds := s.bodies.hold(ctx)
	defer holds.giveBack()
	file, err := input.receive(&holds, s.Limits, s.MaxUploadBytes)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	leave, err := s.lanes[laneUploads].enter(ctx)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	defer leave()
	picture, release, err := s.Decode(ctx, file)
	defer release()
	if errors.Is(err, catalog.ErrBusy) || err != nil && ctx.Err() != nil { // which says nothing about the picture
		return nil, problemOf(ctx, s.Logger, err)
	}
	if err != nil {
		return nil, newProblem(kindBadPicture, "the picture cannot be used: "+err.Error())
	}
	results, err := s.Search.ByPicture(ctx, input.Name, picture, options)
	return s.answer(ctx, input.prefer(), results, err)
}

func (s *server) answer(ctx context.Context, prefer languages, results search.Results, err error) (*searchAnswer, error) {
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	answer := &searchAnswer{}
	answer.Body.Hits, answer.Body.Next = newHits(results.Hits, prefer), results.Next
	return answer, nil
}

func (o SearchOptions) parse(ctx context.Context) (search.Options, error) {
	options := search.Options{Limit: o.Limit, Cursor: o.Cursor, Group: search.Grouping(o.Group), Within: within(ctx)}
	if o.Filter == "" {
		return options, nil
	}
	filter, err := search.ParseFilter([]byte(o.Filter))
	options.Filter = filter
	return options, err
}
