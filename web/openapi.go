package web

import (
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// apiConfig describes the API and turns off what huma would serve by default:
// its documentation page loads scripts from elsewhere, and its $schema links
// would change the shape of every answer.
func apiConfig(version string) huma.Config {
	config := huma.DefaultConfig("Polylens", version)
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.CreateHooks = nil
	config.Formats = map[string]huma.Format{"application/json": checkedJSON, "json": checkedJSON}
	config.Transformers = []huma.Transformer{completeProblem}
	config.RejectUnknownQueryParameters = true
	config.Info.Description = "Search pictures with words in any language. " +
		"Every answer that is not a success is a problem (RFC 9457) whose type is stable, but for what is no HTTP at all and for ranges that a picture does not have. " +
		"Where the server has no room for a request now, it answers 503 and says in Retry-After when to ask again; a key that asks too often gets 429 and the same. " +
		"A key is sent as “Authorization: Bearer KEY”. “security” says by which scopes each operation may be asked, and where nothing stands beside it, by everybody. " +
		"Lists are paged by opaque cursors. Live progress of jobs comes over a WebSocket at " +
		apiPrefix + "/jobs/events, one JSON object a message: first {\"jobs\":[…]}, then {\"job\":{…}} for each change. " +
		"With ?items=ID and ?after=N it sends what becomes of the items of a push: first {\"job\":{…}}, then {\"items\":[…]} with those after number N, in their order, " +
		"and {\"job\":{…}} at the end. " +
		"That of runs comes at " + apiPrefix + "/runs/events: first {\"runs\":[…]}, the newest, then {\"run\":{…},\"kept\":…,\"series\":[…]} " +
		"for each change. Where “kept” is present, points of later steps are gone because the run went back to a checkpoint; " +
		"“series” are the points gained then."
	config.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	config.Tags = []*huma.Tag{
		{Name: "search", Description: "Find images by text, by a picture or by another image"},
		{Name: "collections", Description: "Sets of images"},
		{Name: "images", Description: "Pictures and what is known of them"},
		{Name: "uploads", Description: "Files that come in pieces, by the tus protocol (tus.io)"},
		{Name: "sources", Description: "Folders of the server that collections are kept in step with"},
		{Name: "jobs", Description: "Work in the background"},
		{Name: "keys", Description: "Keys of the API, and sessions of pages that signed in with one"},
		{Name: "runs", Description: "Models trained on one's own pairs, and their curves"},
		{Name: "server", Description: "The server itself"},
	}
	return config
}

// describe completes what huma cannot know.
func describe(api *huma.OpenAPI) {
	upload := api.Paths[apiPrefix+"/collections/{name}/search"].Post.RequestBody
	upload.Description = "The picture itself, or a form with the picture in the field “picture”."
	upload.Content["multipart/form-data"] = &huma.MediaType{Schema: &huma.Schema{
		Type:       huma.TypeObject,
		Properties: map[string]*huma.Schema{"picture": {Type: huma.TypeString, Format: "binary"}},
		Required:   []string{"picture"},
	}}
	describeFolders(api)
	describeNulls(api)
	describePush(api)
	describeDocuments(api)
	describeUploads(api)
	describeProblems(api)
	describeGate(api)
}

// describeFolders says how a folder is written. What is written otherwise is refused by
// usableFolder, which says more than a pattern can.
func describeFolders(api *huma.OpenAPI) {
	for _, name := range []string{"Source", "SourceOrder"} {
		properties := api.Components.Schemas.Map()[name].Properties
		folder := *properties["directory"]
		folder.Pattern = `^\s*(/|~/)`
		properties["directory"] = &folder
	}
}

// describeNulls names null among the values of what may be null: an enum leaves out what it
// does not name.
func describeNulls(api *huma.OpenAPI) {
	originals := api.Components.Schemas.Map()["RenameCollectionInputBody"].Properties["originals"]
	originals.Enum = append(originals.Enum, nil)
}

func serveDescription(api *huma.OpenAPI) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		text, err := json.Marshal(api)
		if err != nil {
			writeProblem(w, newProblem(kindInternal, "the description of the API cannot be written"))
			return
		}
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(text)
	}
}

// operation is the common part of every operation. errors are the statuses of its own
// problems; describeProblems adds those that come of what it is. Bodies are read before
// the library would read them, see withBody. Who may do it stands in requirements.
func operation(id, method, path, tag, summary string, errors ...int) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: method, Path: apiPrefix + path, Tags: []string{tag}, Summary: summary,
		Errors:          append(errors, http.StatusUnprocessableEntity, http.StatusInternalServerError),
		BodyReadTimeout: -1, MaxBodyBytes: -1, Metadata: map[string]any{},
	}
}
