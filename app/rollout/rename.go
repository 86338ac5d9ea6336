package rollout

import (
	"context"

	"polylens/indexer/catalog"
)

// RenameCollection gives a collection another name, see
// database.Store.RenameCollection; searches go on at once. It waits for a change of
// models to end, and is refused while a job encodes collections for one, because that
// job knows them by name.
func (r *Rollout) RenameCollection(ctx context.Context, name, to string) (catalog.Collection, error) {
	r.switching.Lock()
	defer r.switching.Unlock()
	if next := r.Choice().Next; next != nil {
		job, err := r.Queue.Get(ctx, next.Job)
		if err == nil && job.State == catalog.JobRunning {
			return catalog.Collection{}, catalog.Conflict("collection %.80q cannot be renamed while job %s encodes collections for the model %s: wait for it, or roll back",
				name, job.ID, next.Model)
		}
	}
	return r.Catalog.RenameCollection(ctx, name, to)
}
