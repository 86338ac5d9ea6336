package database

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"polylens/indexer/catalog"

	"github.com/google/uuid"
)

// CreateTask adds a task in state enqueued.
func (s *Store) CreateTask(ctx context.Context, kind, collection string, params any) (catalog.Task, error) {
	data, err := json.Marshal(params)
	if err != nil {
		return catalog.Task{}, fmt.Errorf("parameters of %s task are %w: %w", kind, catalog.ErrInvalid, err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return catalog.Task{}, fmt.Errorf("make task id: %w", err)
	}
	task := catalog.Task{
		ID: id.String(), Kind: kind, Collection: collection, State: catalog.TaskEnqueued,
		Params: data, Progress: json.RawMessage("{}"), Created: fromMillis(millis(s.now())),
	}
	_, err = s.write.ExecContext(ctx, `
		INSERT INTO tasks (id, kind, collection, state, params, progress, error, created, started, finished)
		VALUES ($1, $2, $3, $4, $5, $6, '', $7, 0, 0)`,
		task.ID, kind, collection, task.State, string(data), string(task.Progress), millis(task.Created))
	if err != nil {
		return catalog.Task{}, fmt.Errorf("create %s task: %w", kind, err)
	}
	return task, nil
}

const selectTask = `SELECT id, kind, collection, state, params, progress, error, created, started, finished FROM tasks`

// Task returns one task, or ErrNotFound.
func (s *Store) Task(ctx context.Context, id string) (catalog.Task, error) {
	tasks, err := s.tasks(ctx, selectTask+` WHERE id = $1`, id)
	if err != nil {
		return catalog.Task{}, err
	}
	if len(tasks) == 0 {
		return catalog.Task{}, fmt.Errorf("task %.80q: %w", id, catalog.ErrNotFound)
	}
	return tasks[0], nil
}

// Tasks returns up to limit tasks, newest first, beginning before the task
// with ID before ("" for the first page). An empty collection means all.
func (s *Store) Tasks(ctx context.Context, collection, before string, limit int) ([]catalog.Task, error) {
	return s.tasks(ctx, selectTask+`
		WHERE (collection = $1 OR CAST($1 AS TEXT) = '') AND (id < $2 OR CAST($2 AS TEXT) = '')
		ORDER BY id DESC LIMIT $3`, collection, before, limit)
}

// TasksIn returns all tasks in a state, oldest first.
func (s *Store) TasksIn(ctx context.Context, state catalog.TaskState) ([]catalog.Task, error) {
	return s.tasks(ctx, selectTask+` WHERE state = $1 ORDER BY id`, state)
}

func (s *Store) tasks(ctx context.Context, query string, args ...any) ([]catalog.Task, error) {
	tasks := []catalog.Task{}
	err := each(ctx, s.read, func(scan func(...any) error) error {
		var t catalog.Task
		var params, progress string
		var created, started, finished int64
		err := scan(&t.ID, &t.Kind, &t.Collection, &t.State, &params, &progress, &t.Error, &created, &started, &finished)
		t.Params, t.Progress = json.RawMessage(params), json.RawMessage(progress)
		t.Created, t.Started, t.Finished = fromMillis(created), fromMillis(started), fromMillis(finished)
		tasks = append(tasks, t)
		return err
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read tasks: %w", err)
	}
	return tasks, nil
}

// MoveTask takes a task from one state to another and sets its moments;
// reason is kept for failed tasks. ErrConflict when it is not in state from.
func (s *Store) MoveTask(ctx context.Context, id string, from, to catalog.TaskState, reason string) error {
	now := millis(s.now())
	started, finished := int64(0), int64(0)
	if to == catalog.TaskProcessing {
		started = now
	}
	if to.Finished() {
		finished = now
	}
	result, err := s.write.ExecContext(ctx, `
		UPDATE tasks SET state = $1, error = $2, finished = $3,
			started = CASE WHEN CAST($4 AS BIGINT) > 0 THEN $4 ELSE started END
		WHERE id = $5 AND state = $6`, to, reason, finished, started, id, from)
	if err != nil {
		return fmt.Errorf("move task %s to %s: %w", id, to, err)
	}
	if changed(result) == 0 {
		return fmt.Errorf("task %.80q is not %s: %w", id, from, catalog.ErrConflict)
	}
	return nil
}

// SaveTaskProgress keeps how far a task is.
func (s *Store) SaveTaskProgress(ctx context.Context, id string, progress any) error {
	data, err := json.Marshal(progress)
	if err != nil {
		return fmt.Errorf("progress of task %s: %w", id, err)
	}
	if _, err := s.write.ExecContext(ctx, `UPDATE tasks SET progress = $1 WHERE id = $2`, string(data), id); err != nil {
		return fmt.Errorf("save progress of task %s: %w", id, err)
	}
	return nil
}

// DeleteTasks removes finished tasks that ended before a moment.
func (s *Store) DeleteTasks(ctx context.Context, before time.Time) error {
	_, err := s.write.ExecContext(ctx,
		`DELETE FROM tasks WHERE finished > 0 AND finished < $1`, millis(before))
	if err != nil {
		return fmt.Errorf("delete old tasks: %w", err)
	}
	return nil
}
