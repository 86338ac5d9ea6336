package web

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"polylens/indexer/catalog"
	"polylens/search"
)

// ImagePath is the part of a path that names an image.
type ImagePath struct {
	CollectionPath
	ID string `path:"id" maxLength:"512" doc:"Identity of the image within the collection: the client's own, of up to 512 bytes, of one that was sent"`
}

type imageAnswer struct{ Body FullImage }

type getImageInput struct {
	ImagePath
	AcceptLanguage
}

type listImagesInput struct {
	CollectionPath
	AcceptLanguage
	Filter string `query:"filter" maxLength:"16384" example:"{\"field\":\"group\",\"eq\":\"animals\"}" doc:"Only images whose metadata fulfil this condition, in the form that searches take"`
	Sort   string `query:"sort" enum:"uri,-uri,created,-created,updated,-updated" default:"uri" doc:"Order; with - before it backwards"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Most images of a page. With a filter a page may be short of them, or empty, and have a “next” all the same"`
	Cursor string `query:"cursor" maxLength:"8192" doc:"“next” of the page before"`
}

type imagesAnswer struct {
	Body struct {
		Images []Image `json:"images" nullable:"false"`
		Next   string  `json:"next,omitempty" doc:"Cursor of the next page; absent after the last"`
	}
}

type thumbnailInput struct {
	ImagePath
	Size int `query:"size" minimum:"16" maximum:"2048" default:"512" doc:"Longest side, in pixels; rounded up to a size that is kept"`
}

func (s *server) imageOperations(api huma.API) {
	huma.Register(api, operation("list-images", http.MethodGet, "/collections/{name}/images", "images",
		"List the images of a collection, or those that fulfil a condition", http.StatusNotFound), s.listImages)
	huma.Register(api, operation("get-image", http.MethodGet, "/collections/{name}/images/{id}", "images",
		"Get one image's data", http.StatusNotFound), s.getImage)
	huma.Register(api, pictureOperation("get-thumbnail", "/collections/{name}/images/{id}/thumbnail",
		"Get a small version of the picture"), s.getThumbnail)
	original := pictureOperation("get-original", "/collections/{name}/images/{id}/original",
		"Get the picture as it was indexed; refused when its file is another one now, or its collection keeps no originals")
	original.Errors = append(original.Errors, http.StatusGone)
	huma.Register(api, original, s.getOriginal)
}

func pictureOperation(id, path, summary string) huma.Operation {
	o := operation(id, http.MethodGet, path, "images", summary, http.StatusNotFound, http.StatusConflict)
	file := map[string]*huma.MediaType{
		"image/*":                  {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
	}
	o.Responses = map[string]*huma.Response{
		"200": {Description: "The picture; application/octet-stream when browsers would not show it", Content: file},
		"206": {Description: "A part of it, as Range asks for", Content: file},
		"304": {Description: "It is what If-None-Match or If-Modified-Since names"},
		"412": {Description: "It is not what If-Match or If-Unmodified-Since names"},
		"416": {Description: "It has no such range"},
	}
	return inLane(o, lanePictures)
}

func (s *server) listImages(ctx context.Context, input *listImagesInput) (*imagesAnswer, error) {
	query, err := input.query()
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	images, next, err := s.Catalog.FindImages(ctx, input.Name, query)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	answer := &imagesAnswer{}
	answer.Body.Next = next
	answer.Body.Images = make([]Image, len(images))
	prefer := input.prefer()
	for i, image := range images {
		answer.Body.Images[i] = newImage(image, prefer)
	}
	return answer, nil
}

func (i *listImagesInput) query() (catalog.ImageQuery, error) {
	name, reverse := strings.CutPrefix(i.Sort, "-")
	query := catalog.ImageQuery{Limit: i.Limit, Cursor: i.Cursor, Sort: catalog.ImageSort(name), Reverse: reverse}
	if name == "uri" {
		query.Sort = catalog.SortURI
	}
	if i.Filter == "" {
		return query, nil
	}
	filter, err := search.ParseFilter([]byte(i.Filter))
	if err == nil {
		query.Matches = filter.Matches
	}
	return query, err
}

func (s *server) getImage(ctx context.Context, input *getImageInput) (*imageAnswer, error) {
	image, err := s.seenImage(ctx, input.Name, input.ID)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return &imageAnswer{Body: newFullImage(image, input.prefer())}, nil
}

func (s *server) getThumbnail(ctx context.Context, input *thumbnailInput) (*huma.StreamResponse, error) {
	if err := s.checkSeen(ctx, input.Name, input.ID); err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	thumbnail, err := s.Pictures.Thumbnail(ctx, input.Name, input.ID, input.Size)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return sendPicture(picture{
		content: inMemory{bytes.NewReader(thumbnail.Data)}, mediaType: thumbnail.ContentType, tag: thumbnail.SHA256,
	}), nil
}

func (s *server) getOriginal(ctx context.Context, input *ImagePath) (*huma.StreamResponse, error) {
	if err := s.checkSeen(ctx, input.Name, input.ID); err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	original, err := s.Pictures.Original(ctx, input.Name, input.ID)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return sendPicture(picture{
		content: original, mediaType: original.ContentType, modified: original.Modified, name: original.Name,
		tag: original.Tag,
	}), nil
}

// picture is a file to send.
type picture struct {
	content   io.ReadSeekCloser // closed when it is sent
	mediaType string            // image/…
	tag       string            // changes when the content does; hex or base64url
	modified  time.Time         // zero when unknown
	name      string            // suggested file name; may be empty
}

// inMemory is a file that needs no closing.
type inMemory struct{ *bytes.Reader }

// Close implements io.Closer.
func (inMemory) Close() error { return nil }

// inlineTypes are the media types that a browser shows and cannot execute.
// Everything else is offered for saving.
var inlineTypes = map[string]bool{
	"image/jpeg": true, "image/png": true, "image/gif": true,
	"image/webp": true, "image/bmp": true, "image/avif": true,
}

// sendPicture sends a picture, with ranges and conditions. The content is
// somebody's file: it is never treated as a page, whatever it holds.
func sendPicture(picture picture) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		r, w := humachi.Unwrap(ctx)
		defer picture.content.Close()
		header := w.Header()
		mediaType, disposition := picture.mediaType, "inline"
		if !inlineTypes[mediaType] {
			mediaType, disposition = "application/octet-stream", "attachment"
		}
		if picture.name != "" {
			disposition += "; filename*=UTF-8''" + escapeName(picture.name)
		}
		header.Set("Content-Type", mediaType)
		header.Set("Content-Disposition", disposition)
		header.Set("Content-Security-Policy", "default-src 'none'; sandbox")
		header.Set("Cache-Control", "private, max-age=3600")
		if picture.tag != "" {
			header.Set("ETag", strconv.Quote(picture.tag))
		}
		http.ServeContent(w, r, "", picture.modified, picture.content)
	}}
}

// escapeName writes a file name as RFC 8187 requires.
func escapeName(name string) string {
	const hex = "0123456789ABCDEF"
	escaped := make([]byte, 0, len(name))
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '-', c == '_':
			escaped = append(escaped, c)
		default:
			escaped = append(escaped, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(escaped)
}
