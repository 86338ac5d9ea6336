package catalog

import (
	"encoding/json"
	"time"
)

// TaskState is where a task stands.
type TaskState string

const (
	TaskEnqueued   TaskState = "enqueued"
	TaskProcessing TaskState = "processing"
	TaskSucceeded  TaskState = "succeeded"
	TaskFailed     TaskState = "failed"
	TaskCanceled   TaskState = "canceled"
)

// Finished tells whether the state is final.
func (s TaskState) Finished() bool {
	return s == TaskSucceeded || s == TaskFailed || s == TaskCanceled
}

// Task is a piece of work in the background that survives a restart.
type Task struct {
	ID         string          `json:"id"` // UUIDv7: sorts by creation
	Kind       string          `json:"kind"`
	Collection string          `json:"collection"`
	State      TaskState       `json:"state"`
	Params     json.RawMessage `json:"params"`   // what to do, by kind
	Progress   json.RawMessage `json:"progress"` // how far it is, by kind
	Error      string          `json:"error,omitempty"`
	Created    time.Time       `json:"created"`
	Started    time.Time       `json:"started,omitzero"`
	Finished   time.Time       `json:"finished,omitzero"`
}
