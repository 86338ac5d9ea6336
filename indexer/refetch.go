package indexer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"polylens/indexer/catalog"
	"polylens/indexer/fetch"
)

// brought is the picture of an upsert, to be released after use.
type brought struct {
	data    []byte
	sha256  string // instead of data, of a picture whose original is not kept
	release func()
	fetched *catalog.Fetched // where it was fetched from, if that is news; its image and picture are to be filled in
}

// fetch gets the picture of an upsert by its URL. Where its server says that it is the one
// that the image has, it is the file that was kept.
func (p *pushing) fetch(ctx context.Context, document Document) (brought, error) {
	url := sha256Of(document.URL)
	earlier, validators, err := p.earlier(ctx, document.ID, url)
	if err != nil {
		return brought{}, err
	}
	result, err := p.places.fetch(ctx, document.URL, validators)
	if err != nil {
		return brought{}, err
	}
	var kept brought
	if result.NotModified {
		kept, err = p.known(ctx, earlier.SHA256)
		if errors.Is(err, catalog.ErrPicture) { // its file is gone
			result, err = p.places.fetch(ctx, document.URL, fetch.Validators{})
		}
		if err != nil {
			return brought{}, err
		}
	}
	b := brought{data: result.Data, release: result.Release}
	if result.NotModified {
		b.data, b.sha256 = kept.data, kept.sha256
	}
	if result.Validators != validators && result.Validators.Useful() {
		text, err := json.Marshal(result.Validators)
		if err != nil {
			return b, err
		}
		b.fetched = &catalog.Fetched{URL: url, Validators: string(text)}
	}
	return b, nil
}

// earlier is what the server of a URL said when the picture of an image came from there;
// nothing if it came in another way.
func (p *pushing) earlier(ctx context.Context, id, url string) (catalog.Fetched, fetch.Validators, error) {
	var validators fetch.Validators
	found, ok, err := p.store.Fetched(ctx, catalog.ImageID(p.collection, catalog.PushedURI(id)))
	if err != nil || !ok || found.URL != url {
		return found, validators, err
	}
	if err := json.Unmarshal([]byte(found.Validators), &validators); err != nil {
		return found, fetch.Validators{}, fmt.Errorf("what is known of where image %.80q was fetched from is damaged: %w", id, err)
	}
	return found, validators, nil
}

func sha256Of(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
