package web

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"polylens/indexer/catalog"
)

// Key is an API key, without its secret.
type Key struct {
	ID          string     `json:"id" doc:"Identity, which is no secret"`
	Name        string     `json:"name" doc:"For people"`
	Scopes      Scopes     `json:"scopes" doc:"What it is for"`
	Collections []string   `json:"collections,omitempty" doc:"The only collections that it is for; absent: all"`
	Rate        *KeyRate   `json:"rate,omitempty" doc:"How much it may ask; absent: what the server grants by default"`
	Creator     string     `json:"creator,omitempty" doc:"ID of the key that made it"`
	State       string     `json:"state" enum:"active,expired,revoked"`
	Created     time.Time  `json:"created"`
	Expires     *time.Time `json:"expires,omitempty" doc:"When it ends; absent: never"`
	Revoked     *time.Time `json:"revoked,omitempty"`
	Used        *time.Time `json:"used,omitempty" doc:"When it was last used, to the minute; absent: not yet"`
}

// Scopes are scopes of keys.
type Scopes []catalog.Scope

// Schema implements huma.SchemaProvider.
func (Scopes) Schema(huma.Registry) *huma.Schema {
	one := &huma.Schema{Type: huma.TypeString}
	for _, scope := range catalog.Scopes() {
		one.Enum = append(one.Enum, string(scope))
	}
	return &huma.Schema{Type: huma.TypeArray, Items: one}
}

// KeyRate is how much a key may ask.
type KeyRate struct {
	PerSecond float64 `json:"per_second" exclusiveMinimum:"0" maximum:"1000000" doc:"Requests a second, in the long run"`
	Burst     int     `json:"burst,omitempty" minimum:"1" maximum:"1000000" doc:"Requests at once; absent: those of one second"`
}

// KeyOrder says what a new key is for.
type KeyOrder struct {
	Name        string     `json:"name" minLength:"1" maxLength:"200" example:"photo frame" doc:"For people"`
	Scopes      Scopes     `json:"scopes" minItems:"1" maxItems:"4" doc:"search: look at collections and search them; index: change them, and steer jobs; train: look at trainings and steer them; admin: all of these, and keys"`
	Collections []string   `json:"collections,omitempty" minItems:"1" maxItems:"1000" nullable:"false" doc:"The only collections that it is for, which need not exist yet; absent: all"`
	Expires     *time.Time `json:"expires,omitempty" doc:"When it ends; absent: never"`
	Rate        *KeyRate   `json:"rate,omitempty" doc:"How much it may ask; absent: what the server grants by default"`
}

// NewKey is a key that was just made.
type NewKey struct {
	Key    Key    `json:"key"`
	Secret string `json:"secret" doc:"The key itself, to be sent as “Authorization: Bearer …”. It is shown this once, and kept nowhere"`
}

type createKeyInput struct{ Body KeyOrder }

type createdKey struct{ Body NewKey }

type keysAnswer struct {
	Body struct {
		Keys []Key `json:"keys" nullable:"false" doc:"Newest first"`
	}
}

type keyPath struct {
	ID string `path:"id" maxLength:"64" doc:"Identity of the key"`
}

type keyAnswer struct{ Body Key }

func (s *server) keyOperations(api huma.API) {
	huma.Register(api, operation("list-keys", http.MethodGet, "/keys", "keys",
		"List the keys that are within one's own rights"), s.listKeys)
	create := operation("create-key", http.MethodPost, "/keys", "keys", "Make a key, which may do no more than the one that makes it")
	create.DefaultStatus = http.StatusCreated
	huma.Register(api, create, s.createKey)
	huma.Register(api, operation("revoke-key", http.MethodDelete, "/keys/{id}", "keys",
		"Revoke a key, and with it its sessions and the tokens that it signed", http.StatusNotFound), s.revokeKey)
}

const noKeys = "this server has no keys"

func (s *server) createKey(ctx context.Context, input *createKeyInput) (*createdKey, error) {
	if s.Keys == nil {
		return nil, newProblem(kindForbidden, noKeys)
	}
	text, key := catalog.NewKeyText(), input.Body.key()
	key.SetText(text)
	if maker := callerOf(ctx).rights; maker != nil {
		if more := key.Exceeds(maker.key); more != "" {
			return nil, newProblem(kindNotAllowed, "a key cannot make one that may do more than itself; this one would have "+more)
		}
		key.Creator = maker.key.ID
	}
	kept, err := s.Keys.CreateKey(ctx, key)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	s.auditKey(ctx, kept)
	return &createdKey{Body: NewKey{newKey(kept), text}}, nil
}

func (o KeyOrder) key() catalog.Key {
	scopes := slices.Clone(o.Scopes)
	slices.Sort(scopes)
	key := catalog.Key{Name: o.Name, Scopes: slices.Compact(scopes)}
	if o.Collections != nil {
		names := slices.Clone(o.Collections)
		slices.Sort(names)
		key.Collections = slices.Compact(names)
	}
	if o.Expires != nil {
		key.Expires = o.Expires.UTC()
	}
	if o.Rate != nil {
		key.Rate, key.Burst = o.Rate.PerSecond, o.Rate.Burst
		if key.Burst == 0 {
			key.Burst = max(1, int(math.Ceil(key.Rate)))
		}
	}
	return key
}

func (s *server) listKeys(ctx context.Context, _ *struct{}) (*keysAnswer, error) {
	answer := &keysAnswer{}
	answer.Body.Keys = []Key{}
	if s.Keys == nil {
		return answer, nil
	}
	keys, err := s.Keys.Keys(ctx)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	for _, key := range keys {
		if mayManage(ctx, key) {
			answer.Body.Keys = append(answer.Body.Keys, newKey(key))
		}
	}
	return answer, nil
}

// mayManage reports whether a key could have been made by the caller, but for its end and
// its pace: others are none of its business.
func mayManage(ctx context.Context, key catalog.Key) bool {
	who := callerOf(ctx).rights
	if who == nil {
		return true
	}
	alike := who.key
	alike.Expires, alike.Rate = time.Time{}, 0
	return key.Exceeds(alike) == ""
}

func (s *server) revokeKey(ctx context.Context, input *keyPath) (*keyAnswer, error) {
	missing := fmt.Errorf("key %.20q: %w", input.ID, catalog.ErrNotFound)
	if s.Keys == nil {
		return nil, problemOf(ctx, s.Logger, missing)
	}
	key, err := s.Keys.Key(ctx, input.ID)
	if err == nil && !mayManage(ctx, key) {
		err = missing
	}
	if err == nil {
		key, err = s.Keys.RevokeKey(ctx, input.ID)
	}
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return &keyAnswer{Body: newKey(key)}, nil
}

func newKey(key catalog.Key) Key {
	converted := Key{
		ID: key.ID, Name: key.Name, Scopes: key.Scopes, Collections: key.Collections, Creator: key.Creator, State: key.State(time.Now()),
		Created: key.Created, Expires: moment(key.Expires), Revoked: moment(key.Revoked), Used: moment(key.Used),
	}
	if converted.State == "" {
		converted.State = "active"
	}
	if key.Rate > 0 {
		converted.Rate = &KeyRate{key.Rate, key.Burst}
	}
	return converted
}
