package rollout

import (
	"context"
	"image"
	"sync"

	"polylens/search"
)

// Searcher answers searches by one model and its index: the two never change
// while one is answered.
type Searcher struct {
	service *search.Service
	steady  *sync.RWMutex
}

// ByText is search.Service.ByText, as are the methods below.
func (s *Searcher) ByText(ctx context.Context, collection, text string, options search.Options) (search.Results, error) {
	s.steady.RLock()
	defer s.steady.RUnlock()
	return s.service.ByText(ctx, collection, text, options)
}

// ByPicture is search.Service.ByPicture.
func (s *Searcher) ByPicture(ctx context.Context, collection string, picture image.Image, options search.Options) (search.Results, error) {
	s.steady.RLock()
	defer s.steady.RUnlock()
	return s.service.ByPicture(ctx, collection, picture, options)
}

// ByImage is search.Service.ByImage.
func (s *Searcher) ByImage(ctx context.Context, collection, id string, options search.Options) (search.Results, error) {
	s.steady.RLock()
	defer s.steady.RUnlock()
	return s.service.ByImage(ctx, collection, id, options)
}
