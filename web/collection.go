package web

import (
	"context"
	"fmt"
	"net/http"

	"polylens/indexer"
	"polylens/indexer/catalog"

	"github.com/danielgtaylor/huma/v2"
)

// CollectionPath is the part of a path that names a collection. (The library
// that reads parameters sees embedded structs only when they are exported.)
type CollectionPath struct {
	Name string `path:"name" maxLength:"64" example:"demo" doc:"Name of the collection"`
}

type collectionAnswer struct{ Body Collection }

type collectionsAnswer struct {
	Body struct {
		Collections []Collection `json:"collections" nullable:"false"`
	}
}

type createCollectionInput struct {
	IdempotencyHeader
	Body struct {
		Name string `json:"name" pattern:"^[a-z0-9][a-z0-9_-]*$" maxLength:"63" example:"holiday" doc:"Lower-case letters, digits, - and _"`

		MaxNumPatches int `json:"max_num_patches,omitempty" minimum:"64" maximum:"1024" example:"576" doc:"Most patches that its pictures are cut into: more show smaller things and take longer. Only for NaFlex models; the model's own number when absent"`

		Originals catalog.Originals `json:"originals,omitempty" enum:"kept,discarded" default:"kept" doc:"What becomes of the files of pictures that clients send. Where they are discarded, vectors and thumbnails last: such pictures cannot be encoded anew for another model"`
	}
}

type renameCollectionInput struct {
	CollectionPath
	Body struct {
		Name string `json:"name,omitempty" pattern:"^[a-z0-9][a-z0-9_-]*$" maxLength:"63" nullable:"true" example:"summer" doc:"The new name: lower-case letters, digits, - and _; absent or null keeps it"`

		Originals catalog.Originals `json:"originals,omitempty" enum:"kept,discarded" nullable:"true" doc:"What becomes of the files of pictures that clients send, from now on; absent or null keeps the choice. With “discarded”, files that were kept go after a day; with “kept”, those that are gone do not come back"`
	}
}

type createdCollection struct {
	Location string `header:"Location"`
	Body     Collection
}

func (s *server) collectionOperations(api huma.API) {
	huma.Register(api, operation("list-collections", http.MethodGet, "/collections", "collections",
		"List the collections"), s.listCollections)
	create := operation("create-collection", http.MethodPost, "/collections", "collections",
		"Create an empty collection", http.StatusConflict)
	create.DefaultStatus = http.StatusCreated
	huma.Register(api, create, s.createCollection)
	huma.Register(api, operation("get-collection", http.MethodGet, "/collections/{name}", "collections",
		"Get one collection", http.StatusNotFound), s.getCollection)
	huma.Register(api, operation("rename-collection", http.MethodPatch, "/collections/{name}", "collections",
		"Give a collection another name, or choose whether it keeps originals; searches go on", http.StatusNotFound, http.StatusConflict), s.renameCollection)
	huma.Register(api, operation("delete-collection", http.MethodDelete, "/collections/{name}", "collections",
		"Delete a collection and its index; the pictures themselves stay", http.StatusNotFound, http.StatusConflict), s.deleteCollection)
}

func (s *server) listCollections(ctx context.Context, _ *struct{}) (*collectionsAnswer, error) {
	collections, err := s.Catalog.Collections(ctx)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	answer := &collectionsAnswer{}
	answer.Body.Collections = []Collection{}
	for _, collection := range collections {
		if !callerOf(ctx).rights.allows(collection.Name) {
			continue
		}
		shown, err := s.newCollection(ctx, collection)
		if err != nil {
			return nil, problemOf(ctx, s.Logger, err)
		}
		answer.Body.Collections = append(answer.Body.Collections, shown)
	}
	return answer, nil
}

func (s *server) createCollection(ctx context.Context, input *createCollectionInput) (*createdCollection, error) {
	if err := checkCollection(ctx, input.Body.Name); err != nil {
		return nil, err
	}
	collection, err := s.Indexer.CreateCollection(ctx, input.Body.Name, input.Body.MaxNumPatches, input.Body.Originals)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return &createdCollection{Location: apiPrefix + "/collections/" + collection.Name, Body: s.present(collection)}, nil
}

func (s *server) getCollection(ctx context.Context, input *CollectionPath) (*collectionAnswer, error) {
	collection, err := s.Catalog.Collection(ctx, input.Name)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return s.answerCollection(ctx, collection)
}

func (s *server) renameCollection(ctx context.Context, input *renameCollectionInput) (*collectionAnswer, error) {
	collection, err := s.changeCollection(ctx, input)
	if err != nil {
		return nil, err
	}
	return s.answerCollection(ctx, collection)
}

// changeCollection begins with the name, since that may be refused.
func (s *server) changeCollection(ctx context.Context, input *renameCollectionInput) (catalog.Collection, error) {
	name, originals := input.Body.Name, input.Body.Originals
	if name == "" && originals == "" {
		return catalog.Collection{}, problemOf(ctx, s.Logger, fmt.Errorf("a change of nothing is %w: give name, originals or both", catalog.ErrInvalid))
	}
	collection := catalog.Collection{Name: input.Name}
	var err error
	if name != "" {
		if err := checkCollection(ctx, name); err != nil {
			return collection, err
		}
		collection, err = s.Indexer.RenameCollection(ctx, input.Name, name)
	}
	if err == nil && originals != "" {
		collection, err = s.Indexer.SetOriginals(ctx, collection.Name, originals)
	}
	if err != nil {
		return collection, problemOf(ctx, s.Logger, err)
	}
	return collection, nil
}

func (s *server) deleteCollection(ctx context.Context, input *CollectionPath) (*struct{}, error) {
	if err := s.Indexer.DeleteCollection(ctx, input.Name); err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return nil, nil
}

func (s *server) answerCollection(ctx context.Context, c catalog.Collection) (*collectionAnswer, error) {
	body, err := s.newCollection(ctx, c)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return &collectionAnswer{Body: body}, nil
}

// present is a collection whose index is there.
func (s *server) present(c catalog.Collection) Collection {
	return Collection{Name: c.Name, Images: c.Images, Searchable: s.Searchable(c), Model: c.Fingerprint,
		Created: c.Created, MaxNumPatches: c.MaxPatches, Metadata: string(c.Metadata), Originals: c.Originals}
}

func (s *server) newCollection(ctx context.Context, c catalog.Collection) (Collection, error) {
	collection := s.present(c)
	if s.Losses == nil || !s.Losses.Lost(c) {
		return collection, nil
	}
	var err error
	collection.Searchable = false
	collection.Rebuild, err = s.rebuildOf(ctx, c)
	return collection, err
}

// rebuildOf says how far the index of a collection has been filled again, by the newest
// job that does so.
func (s *server) rebuildOf(ctx context.Context, c catalog.Collection) (*Rebuild, error) {
	rebuild := &Rebuild{Total: c.Images}
	jobs, err := s.Jobs.List(ctx, catalog.JobFilter{Collection: c.Name, Kind: indexer.JobRebuild, Limit: 1})
	if err != nil || len(jobs) == 0 || jobs[0].State == catalog.JobSucceeded {
		return rebuild, err
	}
	job := newJob(jobs[0])
	rebuild.Job, rebuild.State, rebuild.Done = job.ID, job.State, job.Progress.Done
	return rebuild, nil
}
