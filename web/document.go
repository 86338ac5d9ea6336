package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/search"
)

type createImageInput struct {
	Name string `path:"name" pattern:"^[a-z0-9][a-z0-9_-]*$" maxLength:"63" doc:"Name of the collection; created if it is missing"`
	ID   string `query:"id" maxLength:"512" doc:"The client's own identity of the image, up to 512 bytes; an image that has it is replaced. Absent: the SHA-256 of the picture"`
	AcceptLanguage
	Upload
}

type putImageInput struct {
	Name string `path:"name" pattern:"^[a-z0-9][a-z0-9_-]*$" maxLength:"63" doc:"Name of the collection; created if it is missing"`
	ID   string `path:"id" maxLength:"512" doc:"The client's own identity of the image, up to 512 bytes"`
	AcceptLanguage
	Upload
}

type patchImageInput struct {
	ImagePath
	AcceptLanguage
	Body struct {
		Metadata map[string]any `json:"metadata,omitempty" nullable:"true" doc:"Fields to change; one that is null is removed, all others stay (RFC 7396). A field that is an object is replaced as a whole"`
		Captions map[string]any `json:"captions,omitempty" nullable:"true" doc:"Texts by language, each a text or a list of texts; they replace all captions"`
	}
}

type savedImage struct {
	Status   int
	Location string `header:"Location"`
	Body     FullImage
}

func (s *server) documentOperations(api huma.API) {
	create := operation("create-image", http.MethodPost, "/collections/{name}/images", "images",
		"Add a picture, or replace the one with the same id; it is found by searches when the answer comes")
	create.DefaultStatus = http.StatusCreated
	create.RequestBody = describeUpload()
	huma.Register(api, inLane(create, laneUploads), s.createImage)
	put := operation("put-image", http.MethodPut, "/collections/{name}/images/{id}", "images",
		"Add a picture under an id of one's own, or replace it")
	put.DefaultStatus = http.StatusCreated
	put.RequestBody = describeUpload()
	huma.Register(api, inLane(put, laneUploads), s.putImage)
	huma.Register(api, accepted(operation("delete-images", http.MethodDelete, "/collections/{name}/images", "images",
		"Delete the images that were sent and fulfil a condition; those that were found in folders are items that fail", http.StatusNotFound)), s.deleteImages)
	huma.Register(api, operation("known-contents", http.MethodPost, "/collections/{name}/contents:known", "images",
		"Which pictures are here already and need not be sent again", http.StatusNotFound), s.knownContents)
	huma.Register(api, operation("patch-image", http.MethodPatch, "/collections/{name}/images/{id}", "images",
		"Change metadata and captions; nothing is encoded again", http.StatusNotFound, http.StatusConflict), s.patchImage)
	huma.Register(api, operation("delete-image", http.MethodDelete, "/collections/{name}/images/{id}", "images",
		"Delete an image that was sent; one that was found in a folder is deleted there", http.StatusNotFound, http.StatusConflict), s.deleteImage)
}

// describeDocuments completes the bodies of requests that bring a picture and what is
// said about it. (The library reads bodies itself whose forms it knows of.)
func describeDocuments(api *huma.OpenAPI) {
	text := func(doc string) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Description: doc} }
	form := &huma.MediaType{Schema: &huma.Schema{
		Type: huma.TypeObject,
		Properties: map[string]*huma.Schema{
			"file":     {Type: huma.TypeString, Format: "binary", Description: "The picture"},
			"metadata": text("JSON object: fields to filter by, in any form; “tags” is a list of texts"),
			"captions": text("JSON object: texts by language, each a text or a list of texts"),
			"id":       text("The client's own identity of the image, unless the address has it"),
		},
		Required: []string{"file"}, AdditionalProperties: false,
	}}
	images := apiPrefix + "/collections/{name}/images"
	for _, o := range []*huma.Operation{api.Paths[images].Post, api.Paths[images+"/{id}"].Put} {
		o.RequestBody.Description = "The picture itself, or a form."
		o.RequestBody.Content["multipart/form-data"] = form
		created := o.Responses["201"]
		created.Description = "It is new"
		replaced := *created
		replaced.Description = "It replaces the one that had the id"
		o.Responses["200"] = &replaced
	}
}

type knownContentsInput struct {
	CollectionPath
	Body struct {
		SHA256 []string `json:"sha256" minItems:"1" maxItems:"10000" pattern:"^[0-9a-f]{64}$" doc:"SHA-256 of files, hexadecimal, in lower case"`
	}
}

type knownContents struct {
	Body struct {
		Known []string `json:"known" nullable:"false" doc:"Those of which the collection has a picture that was sent: an upsert may name them with “sha256” in place of “data”"`
	}
}

func (s *server) knownContents(ctx context.Context, input *knownContentsInput) (*knownContents, error) {
	known, err := s.Documents.Known(ctx, input.Name, input.Body.SHA256)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	answer := &knownContents{}
	answer.Body.Known = known
	return answer, nil
}

type deleteImagesInput struct {
	CollectionPath
	IdempotencyHeader
	Filter string `query:"filter" required:"true" minLength:"1" maxLength:"16384" example:"{\"field\":\"shop\",\"eq\":\"Kiel\"}" doc:"Delete the images whose metadata fulfil this condition, in the form that searches take"`
}

// deleteImages queues a push that deletes what a filter chooses now.
func (s *server) deleteImages(ctx context.Context, input *deleteImagesInput) (*acceptedJob, error) {
	filter, err := search.ParseFilter([]byte(input.Filter))
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(s.writeDeletions(ctx, writer, input.Name, filter)) }()
	job, err := s.Pushes.Receive(ctx, input.Name, reader)
	_ = reader.CloseWithError(err) // ends the writer, should it still write
	if errors.Is(err, indexer.ErrNoLines) {
		return nil, newProblem(kindInvalid, "no image of the collection fulfils the condition")
	}
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return &acceptedJob{Location: apiPrefix + "/jobs/" + job.ID, Body: newJob(job)}, nil
}

// writeDeletions writes a line for each image that a filter chooses.
func (s *server) writeDeletions(ctx context.Context, to io.Writer, collection string, filter search.Filter) error {
	encoder := json.NewEncoder(to)
	query := catalog.ImageQuery{Limit: 1000, Matches: filter.Matches}
	for {
		images, next, err := s.Catalog.FindImages(ctx, collection, query)
		if err != nil {
			return err
		}
		for _, image := range images {
			line := indexer.Line{LineWords: indexer.LineWords{Operation: catalog.OperationDelete, ID: image.PublicID()}}
			if err := encoder.Encode(line); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		query.Cursor = next
	}
}

func (s *server) createImage(ctx context.Context, input *createImageInput) (*savedImage, error) {
	return s.saveImage(ctx, input.Name, input.ID, &input.Upload, input.prefer())
}

func (s *server) putImage(ctx context.Context, input *putImageInput) (*savedImage, error) {
	return s.saveImage(ctx, input.Name, input.ID, &input.Upload, input.prefer())
}

func (s *server) saveImage(ctx context.Context, collection, id string, upload *Upload, prefer languages) (*savedImage, error) {
	if id != "" {
		if err := catalog.ValidateItemID(id); err != nil {
			return nil, problemOf(ctx, s.Logger, err)
		}
	}
	holds := s.bodies.hold(ctx)
	defer holds.giveBack()
	document, err := upload.document(&holds, s.Limits, s.MaxUploadBytes)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	leave, err := s.lanes[laneUploads].enter(ctx)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	defer leave()
	if id != "" {
		document.ID = id
	}
	image, outcome, err := s.Documents.Apply(ctx, collection, document)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	answer := &savedImage{Status: http.StatusOK, Location: imageAddress(collection, image), Body: newFullImage(image, prefer)}
	if outcome == catalog.OutcomeCreated {
		answer.Status = http.StatusCreated
	}
	return answer, nil
}

func imageAddress(collection string, image catalog.Image) string {
	return apiPrefix + "/collections/" + collection + "/images/" + url.PathEscape(image.PublicID())
}

func (s *server) patchImage(ctx context.Context, input *patchImageInput) (*imageAnswer, error) {
	document := indexer.Document{Operation: catalog.OperationPatch, ID: input.ID}
	var err error
	if input.Body.Metadata != nil {
		document.Metadata, err = json.Marshal(input.Body.Metadata)
	}
	if input.Body.Captions != nil && err == nil {
		document.Captions, err = json.Marshal(input.Body.Captions)
	}
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	image, _, err := s.Documents.Apply(ctx, input.Name, document)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return &imageAnswer{Body: newFullImage(image, input.prefer())}, nil
}

func (s *server) deleteImage(ctx context.Context, input *ImagePath) (*struct{}, error) {
	_, _, err := s.Documents.Apply(ctx, input.Name, indexer.Document{Operation: catalog.OperationDelete, ID: input.ID})
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return nil, nil
}

// document reads a picture and what is said about it: a form with the fields “file”,
// “metadata”, “captions” and “id”, or the file as the body itself.
func (u *Upload) document(holds *held, limits Limits, most int64) (indexer.Document, error) {
	document := indexer.Document{Operation: catalog.OperationUpsert}
	mediaType, params, err := mime.ParseMediaType(u.ContentType)
	if err != nil || mediaType != "multipart/form-data" {
		document.Data, err = u.receive(holds, limits, most)
		return document, err
	}
	body := newSteady(u.writer, u.request, limits.Stall)
	defer body.close()
	if err := body.announce(most + formExtra + 2*maxJSON); err != nil {
		return document, body.explain(err)
	}
	body.allow(most + formExtra + 2*maxJSON)
	reader := multipart.NewReader(body, params["boundary"])
	for {
		part, err := reader.NextPart()
		switch {
		case errors.Is(err, io.EOF) && document.Data == nil:
			return document, newProblem(kindBadPicture, "the form holds no file; put the picture into the field “file”")
		case errors.Is(err, io.EOF):
			_, err = io.Copy(io.Discard, body)
			return document, body.explain(err)
		case err != nil:
			return document, body.explain(err)
		}
		if err := addField(&document, part, holds, most); err != nil {
			var refused huma.StatusError
			if errors.As(err, &refused) {
				return document, err
			}
			return document, body.explain(err)
		}
	}
}

// addField reads a field of a form into a document.
func addField(document *indexer.Document, part *multipart.Part, holds *held, most int64) (err error) {
	switch name := strings.ToLower(part.FormName()); name {
	case "file", "picture":
		if document.Data != nil {
			return newProblem(kindBadPicture, "the form holds two files; send one picture at a time, or a job for many")
		}
		if document.Data, err = holds.read(part, -1, most); err == nil && len(document.Data) == 0 {
			return newProblem(kindBadPicture, "the file in the form is empty")
		}
		return err
	case "metadata":
		document.Metadata, err = holds.read(part, -1, maxJSON)
		return err
	case "captions":
		document.Captions, err = holds.read(part, -1, maxJSON)
		return err
	case "id":
		id, err := holds.read(part, -1, maxJSON)
		document.ID = string(id)
		return err
	default:
		return newProblem(kindInvalid, fmt.Sprintf("the form has a field %.40q, which nothing here reads; use file, metadata, captions and id", part.FormName()))
	}
}
