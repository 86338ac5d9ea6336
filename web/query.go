package web

import "encoding/json"

// queryInput is a search whose parameters come in a body, where there is room for them.
type queryInput struct {
	CollectionPath
	AcceptLanguage
	Body struct {
		Text   string          `json:"q,omitempty" maxLength:"4096" example:"a red fish" doc:"What the picture shows, in any language"`
		Image  string          `json:"image,omitempty" maxLength:"512" doc:"Instead of q: find images like this one of the collection"`
		Limit  int             `json:"limit,omitempty" minimum:"1" maximum:"1000" default:"40" doc:"Hits a page"`
		Cursor string          `json:"cursor,omitempty" maxLength:"512" doc:"“next” of the page before, of the same query"`
		Group  string          `json:"group,omitempty" enum:"content" doc:"With “content”, images whose files are equal, byte for byte, are one hit"`
		Filter json.RawMessage `json:"filter,omitempty" doc:"Condition on metadata, as an object, of the form that the parameter of GET …/search has. Its text may have a million bytes"`
	}
}

func (q *queryInput) wanted() wanted {
	body := q.Body
	return wanted{body.Text, body.Image, SearchOptions{
		AcceptLanguage: q.AcceptLanguage, Limit: body.Limit, Cursor: body.Cursor, Group: body.Group, Filter: string(body.Filter),
	}}
}
