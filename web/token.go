package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"polylens/indexer/catalog"
	"polylens/search"
)

// maxToken bounds a token, in bytes.
const maxToken = 32 << 10

// tenantClaims is what a token for searches says. Its header names the key (kid).
type tenantClaims struct {
	// Filter is what its bearer may see, in the form of search.ParseFilter. A token
	// without one is refused: it would say less than its signer meant.
	Filter json.RawMessage `json:"filter"`
	// Collections are those of the key that it is for; nil: all of them.
	Collections []string `json:"collections,omitempty"`
	jwt.RegisteredClaims
}

// SignToken makes a token that lets its bearer search within a filter until a moment, in
// some collections of the key's or in all. It needs no server: nothing keeps tokens.
func SignToken(key string, filter []byte, collections []string, expires time.Time) (string, error) {
	id, ok := catalog.KeyIDOf(key)
	if !ok {
		return "", fmt.Errorf("%w: this is no API key, or it is mistyped", catalog.ErrInvalid)
	}
	if _, err := search.ParseFilter(filter); err != nil {
		return "", err
	}
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, tenantClaims{
		Filter: filter, Collections: collections,
		RegisteredClaims: jwt.RegisteredClaims{IssuedAt: jwt.NewNumericDate(time.Now()), ExpiresAt: jwt.NewNumericDate(expires)},
	})
	token.Header["kid"] = id
	return token.SignedString(catalog.SigningSecret(key))
}

// tokenRights are what a token allows: never more than the key that signed it, and
// searches alone.
func (s *server) tokenRights(ctx context.Context, text string) (*rights, error) {
	if len(text) > maxToken {
		return nil, unknown("the token is too long")
	}
	var (
		claims tenantClaims
		key    catalog.Key
		failed error // of the catalogue
	)
	signer := func(token *jwt.Token) (any, error) {
		id, _ := token.Header["kid"].(string)
		key, failed = s.Keys.Key(ctx, id)
		return key.Signing, failed
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithExpirationRequired(), jwt.WithStrictDecoding())
	_, err := parser.ParseWithClaims(text, &claims, signer)
	switch {
	case failed != nil && !errors.Is(failed, catalog.ErrNotFound):
		return nil, failed
	case errors.Is(err, jwt.ErrTokenExpired) && !errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return nil, unknown("the token has expired")
	case err != nil || len(key.Signing) == 0:
		return nil, unknown("this is no token of this server: it must be signed (HS256) with the secret of a key that “kid” names, and end (exp)")
	}
	if err := whyNot(key); err != nil {
		return nil, err
	}
	return claims.rights(key)
}

func (c tenantClaims) rights(key catalog.Key) (*rights, error) {
	if !key.Has(catalog.ScopeSearch) {
		return nil, unknown("the key that signed the token lacks the scope search")
	}
	within, err := search.ParseFilter(c.Filter)
	if err != nil {
		return nil, unknown("the token's filter cannot be used: " + err.Error())
	}
	who := rightsOf(key, viaToken)
	who.within, who.until = within, c.ExpiresAt.Time
	if c.Collections != nil {
		who.collections = slices.DeleteFunc(slices.Clone(c.Collections), func(name string) bool { return !key.Allows(name) })
	}
	return who, nil
}

// within is what the caller may see at all; nil: everything.
func within(ctx context.Context) search.Filter {
	if who := callerOf(ctx).rights; who != nil {
		return who.within
	}
	return nil
}

// seenImage is an image that the caller may see. To others it does not exist: what it is
// answered does not differ from that for one that nobody has.
func (s *server) seenImage(ctx context.Context, collection, id string) (catalog.Image, error) {
	image, err := s.Catalog.Image(ctx, collection, id)
	filter := within(ctx)
	if filter != nil && (errors.Is(err, catalog.ErrImageNotFound) || err == nil && !filter.Matches(image.Metadata)) {
		return catalog.Image{}, noImage(id)
	}
	return image, err
}

// checkSeen returns catalog.ErrImageNotFound for an image that the caller may not see.
func (s *server) checkSeen(ctx context.Context, collection, id string) error {
	if within(ctx) == nil {
		return nil
	}
	_, err := s.seenImage(ctx, collection, id)
	return err
}

func noImage(id string) error { return fmt.Errorf("%w: %.80q", catalog.ErrImageNotFound, id) }
