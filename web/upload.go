package web

import (
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

// Upload is a picture that a request brings. It is read only when it is wanted. (The
// library that reads parameters sees embedded structs only when they are exported.)
type Upload struct {
	ContentType string `header:"Content-Type" doc:"image/… or multipart/form-data"`
	request     *http.Request
	writer      http.ResponseWriter
}

// Resolve implements huma.Resolver.
func (u *Upload) Resolve(ctx huma.Context) []error {
	u.request, u.writer = humachi.Unwrap(ctx)
	return nil
}

// describeUpload is the body of a request that brings a picture.
func describeUpload() *huma.RequestBody {
	binary := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"image/*": {Schema: binary}}}
}

// receive reads the picture's file: the first of a form, or the body itself. holds counts
// it.
func (u *Upload) receive(holds *held, limits Limits, most int64) ([]byte, error) {
	mediaType, params, err := mime.ParseMediaType(u.ContentType)
	if u.ContentType != "" && err != nil {
		return nil, newProblem(kindBadPicture, "the Content-Type cannot be read")
	}
	body := newSteady(u.writer, u.request, limits.Stall)
	defer body.close()
	if err := body.announce(most + 2*formExtra); err != nil {
		return nil, body.explain(err)
	}
	if mediaType == "multipart/form-data" {
		return receiveForm(body, params["boundary"], holds, most)
	}
	body.allow(most + 1)
	file, err := holds.read(body, body.expected, most)
	if err == nil && len(file) == 0 {
		return nil, newProblem(kindNoBody, "the request has no body; send the picture's bytes")
	}
	return file, body.explain(err)
}

// receiveForm reads the first file of a form. Little may stand before it: that is read,
// too, and nobody counts it.
func receiveForm(body *steady, boundary string, holds *held, most int64) ([]byte, error) {
	body.allow(formExtra)
	reader := multipart.NewReader(body, boundary)
	for {
		part, err := reader.NextPart()
		if err != nil && body.failed == nil {
			return nil, newProblem(kindBadPicture, "the form holds no file; put the picture into the field “picture”")
		}
		if err != nil {
			return nil, body.explain(err)
		}
		if part.FileName() == "" && !strings.EqualFold(part.FormName(), "picture") {
			continue
		}
		body.allow(most + formExtra)
		file, err := holds.read(part, body.expected, most)
		if err == nil {
			_, err = io.Copy(io.Discard, body)
		}
		return file, body.explain(err)
	}
}
