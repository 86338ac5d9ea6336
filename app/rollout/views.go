package rollout

import (
	"sync"

	"polylens/indexer/catalog"
)

// views are a loaded model as collections see it: with a NaFlex model each
// collection chooses how many patches a picture is cut into at most.
type views struct {
	model Model

	mu      sync.Mutex
	made    map[int]Model // by the choice
	users   int           // how many compute with it now
	retired bool          // to be closed by its last user
}

func newViews(model Model) *views {
	return &views{model: model, made: make(map[int]Model)}
}

// of returns the model for a collection that chose maxPatches, 0 for the model's
// own number. A model of fixed resolution has only one view: the choice, made with
// another model, has no effect until such a model is used again.
func (v *views) of(maxPatches int) (Model, error) {
	if maxPatches == 0 || v.model.MaxPatches() == 0 {
		return v.model, nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if view := v.made[maxPatches]; view != nil {
		return view, nil
	}
	view, err := v.model.WithMaxPatches(maxPatches)
	if err == nil {
		v.made[maxPatches] = view
	}
	return view, err
}

// searches reports whether searches of a collection use the vectors of this model.
func (v *views) searches(collection catalog.Collection) bool {
	view, err := v.of(collection.SearchedMaxPatches)
	return err == nil && collection.Fingerprint == view.PictureFingerprint()
}

// knows reports whether a picture fingerprint belongs to a view that was made.
func (v *views) knows(fingerprint string) bool {
	if fingerprint == v.model.PictureFingerprint() {
		return true
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, view := range v.made {
		if fingerprint == view.PictureFingerprint() {
			return true
		}
	}
	return false
}

// use keeps the model open until release, unless it is to be closed.
func (v *views) use() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.retired {
		return false
	}
	v.users++
	return true
}

func (v *views) release() {
	v.mu.Lock()
	v.users--
	last := v.retired && v.users == 0
	v.mu.Unlock()
	if last {
		_ = v.model.Close() // frees memory; nobody is left to report an error to
	}
}

// retire closes the model once nobody uses it any more.
func (v *views) retire() error {
	if v == nil {
		return nil
	}
	v.mu.Lock()
	unused := !v.retired && v.users == 0
	v.retired = true
	v.mu.Unlock()
	if !unused {
		return nil
	}
	return v.model.Close()
}
