package web

import (
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// describeProblems names, for every operation, the statuses that come of what it is: that
// it has a body, names something in its path, takes a key. What an operation refuses for
// reasons of its own, it names itself.
func describeProblems(api *huma.OpenAPI) {
	schema := api.Components.Schemas.Schema(reflect.TypeFor[huma.ErrorModel](), true, "Error")
	for _, item := range api.Paths {
		for _, o := range operationsOf(item) {
			if o == nil {
				continue
			}
			for _, status := range problemsOf(o) {
				code := strconv.Itoa(status)
				if o.Responses[code] == nil {
					o.Responses[code] = &huma.Response{
						Description: http.StatusText(status),
						Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: schema}},
					}
				}
			}
			describeOddities(o)
		}
	}
}

// operationsOf are those of a path; some are nil.
func operationsOf(item *huma.PathItem) []*huma.Operation {
	return []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete, item.Options}
}

// problemsOf are the statuses that every operation like this one may answer.
func problemsOf(o *huma.Operation) []int {
	statuses := []int{
		http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusMisdirectedRequest, http.StatusUnprocessableEntity,
		http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge,
		http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
	}
	if slices.ContainsFunc(o.Parameters, func(p *huma.Param) bool { return p.In == "path" }) {
		statuses = append(statuses, http.StatusNotFound)
	}
	if o.Method != http.MethodGet {
		statuses = append(statuses, http.StatusBadRequest, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusInsufficientStorage)
	}
	if o.RequestBody != nil && o.RequestBody.Content["application/json"] != nil {
		statuses = append(statuses, http.StatusUnsupportedMediaType)
	}
	if isRepeatable(o) {
		statuses = append(statuses, http.StatusConflict)
	}
	return statuses
}

// describeOddities describes the answers that differ from the other problems.
func describeOddities(o *huma.Operation) {
	plain := map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}}
	o.Responses["431"].Content = plain // it never reaches us
	if o.Responses["416"] != nil {
		o.Responses["416"].Content = plain
	}
	for _, status := range []string{"429", "503"} {
		o.Responses[status].Headers = map[string]*huma.Param{"Retry-After": {
			Description: "When to ask again, in seconds", Schema: &huma.Schema{Type: huma.TypeInteger},
		}}
	}
	o.Responses["401"].Headers = map[string]*huma.Param{"WWW-Authenticate": {
		Description: "That a key is needed, and what is wrong with the one that was sent", Schema: &huma.Schema{Type: huma.TypeString},
	}}
}
