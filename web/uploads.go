package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"polylens/indexer/upload"
)

// isPiece reports whether a request brings a piece of an upload, which is read as it comes.
func isPiece(r *http.Request) bool {
	if r.Method != http.MethodPost && r.Method != http.MethodPatch {
		return false
	}
	rest, found := strings.CutPrefix(r.URL.Path, apiPrefix+"/collections/")
	_, rest, _ = strings.Cut(rest, "/")
	return found && (rest == "uploads" || strings.HasPrefix(rest, "uploads/"))
}

// UploadPath names an upload.
type UploadPath struct {
	Name string `path:"name" pattern:"^[a-z0-9][a-z0-9_-]*$" maxLength:"63" doc:"Name of the collection whose pushes may use it"`
	ID   string `path:"id" maxLength:"64" doc:"Identity of the upload"`
}

// TusHeader says which version of the protocol a client speaks.
type TusHeader struct {
	Resumable string `header:"Tus-Resumable" example:"1.0.0" doc:"The version of the protocol, 1.0.0; without it the answer is 412"`
}

type createUploadInput struct {
	Name string `path:"name" pattern:"^[a-z0-9][a-z0-9_-]*$" maxLength:"63" doc:"Name of the collection whose pushes may use it; it need not exist yet"`
	TusHeader
	Length   string `header:"Upload-Length" example:"1048576" doc:"Bytes of the whole file"`
	Metadata string `header:"Upload-Metadata" maxLength:"16384" doc:"Names, each with a value in base64, separated by commas; it comes back as it was sent"`
}

type appendUploadInput struct {
	UploadPath
	TusHeader
	Offset string `header:"Upload-Offset" example:"0" doc:"Bytes that have arrived before this piece"`
}

type deleteUploadInput struct {
	UploadPath
	TusHeader
}

type describeUploadsInput struct {
	Name string `path:"name" pattern:"^[a-z0-9][a-z0-9_-]*$" maxLength:"63" doc:"Name of the collection"`
}

// UploadState is how much of a file has arrived.
type UploadState struct {
	ID       string     `json:"id"`
	Size     int64      `json:"size" doc:"Bytes of the whole file"`
	Offset   int64      `json:"offset" doc:"Bytes that have arrived"`
	Finished bool       `json:"finished" doc:"Whether all have; then a push may use it"`
	Expires  *time.Time `json:"expires" doc:"When it is removed unless somebody goes on with it, or uses it"`
}

func newUploadState(u upload.Upload) UploadState {
	expires := u.Expires().UTC()
	return UploadState{ID: u.ID, Size: u.Size, Offset: u.Offset, Finished: u.Finished(), Expires: &expires}
}

func (s *server) uploadOperations(api huma.API) {
	const all, one = "/collections/{name}/uploads", "/collections/{name}/uploads/{id}"
	own := []int{http.StatusPreconditionFailed, http.StatusLocked}
	describe := s.tusOperation("describe-uploads", http.MethodOptions, all, "Which parts of the tus protocol are spoken, and how large an upload may be", http.StatusOK)
	huma.Register(api, describe, func(context.Context, *describeUploadsInput) (*huma.StreamResponse, error) {
		return s.tus.answer("", ""), nil
	})
	create := s.tusOperation("create-upload", http.MethodPost, all, "Begin to send a file in pieces (tus 1.0.0); a piece may come along", http.StatusCreated, own...)
	create.RequestBody = pieceBody(false)
	huma.Register(api, inLane(create, lanePieces), func(_ context.Context, input *createUploadInput) (*huma.StreamResponse, error) {
		return s.tus.answer(input.Name, ""), nil
	})
	huma.Register(api, operation("get-upload", http.MethodGet, one, "uploads",
		"How much of a file has arrived; HEAD says so as the tus protocol wants it", http.StatusNotFound, http.StatusLocked), s.getUpload)
	piece := s.tusOperation("append-upload", http.MethodPatch, one, "Send the next piece of a file", http.StatusNoContent, append(own, http.StatusNotFound, http.StatusConflict)...)
	piece.RequestBody = pieceBody(true)
	huma.Register(api, inLane(piece, lanePieces), func(_ context.Context, input *appendUploadInput) (*huma.StreamResponse, error) {
		return s.tus.answer(input.Name, input.ID), nil
	})
	end := s.tusOperation("delete-upload", http.MethodDelete, one, "Remove an upload", http.StatusNoContent, append(own, http.StatusNotFound)...)
	huma.Register(api, end, func(_ context.Context, input *deleteUploadInput) (*huma.StreamResponse, error) {
		return s.tus.answer(input.Name, input.ID), nil
	})
}

// tusOperation is one whose answer has headers alone.
func (s *server) tusOperation(id, method, path, summary string, status int, errors ...int) huma.Operation {
	o := operation(id, method, path, "uploads", summary, errors...)
	o.DefaultStatus = status
	text := func(doc string) *huma.Param {
		return &huma.Param{Description: doc, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	headers := map[string]*huma.Param{"Tus-Resumable": text("1.0.0")}
	switch method {
	case http.MethodOptions:
		headers["Tus-Extension"], headers["Tus-Max-Size"] = text("What is spoken beyond the core of the protocol"), text("Most bytes of an upload")
	case http.MethodPost:
		headers["Location"] = text("Address of the upload, whose last part is its identity")
		headers["Upload-Expires"] = text("When it is removed unless somebody goes on with it")
	case http.MethodPatch:
		headers["Upload-Offset"], headers["Upload-Expires"] = text("Bytes that have arrived"), text("When it is removed unless somebody goes on with it")
	}
	o.Responses = map[string]*huma.Response{strconv.Itoa(status): {Description: http.StatusText(status), Headers: headers}}
	return o
}

// describeUploads says how the headers of the protocol are written. What is written
// otherwise, the protocol refuses in its own way.
func describeUploads(api *huma.OpenAPI) {
	patterns := map[string]string{"Tus-Resumable": `^1\.0\.0$`, "Upload-Length": `^[0-9]{1,11}$`, "Upload-Offset": `^[0-9]{1,11}$`}
	all, one := api.Paths[apiPrefix+"/collections/{name}/uploads"], api.Paths[apiPrefix+"/collections/{name}/uploads/{id}"]
	for _, o := range []*huma.Operation{all.Post, one.Patch, one.Delete} {
		for _, parameter := range o.Parameters {
			if pattern, ok := patterns[parameter.Name]; ok {
				parameter.Required = true
				parameter.Schema = &huma.Schema{Type: huma.TypeString, Pattern: pattern}
			}
		}
	}
}

func pieceBody(required bool) *huma.RequestBody {
	return &huma.RequestBody{Required: required, Content: map[string]*huma.MediaType{
		pieceType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
	}}
}

// getUpload tells programs that speak no tus how far an upload is. HEAD comes here, too.
func (s *server) getUpload(ctx context.Context, input *UploadPath) (*huma.StreamResponse, error) {
	return &huma.StreamResponse{Body: func(to huma.Context) {
		r, w := humachi.Unwrap(to)
		if r.Method == http.MethodHead {
			s.tus.serve(w, r, input.Name, input.ID)
			return
		}
		found, err := s.Uploads.Find(ctx, input.Name, input.ID)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		writeJSON(w, http.StatusOK, newUploadState(found))
	}}, nil
}

// uploadAddress is where an upload is.
func uploadAddress(collection, id string) string {
	return apiPrefix + "/collections/" + url.PathEscape(collection) + "/uploads/" + id
}

// refusedUpload is the problem with an upload that there is no place for.
func refusedUpload(err error) error {
	var full *upload.LimitError
	if errors.As(err, &full) {
		return tooMany(full.Error(), time.Minute)
	}
	return err
}
