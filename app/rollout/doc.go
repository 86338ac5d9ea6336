// Package rollout changes the model of a data folder while searches go on.
//
// A data folder has a model in use, those that it used before, and perhaps one
// that is to follow (Choice, kept in model.json). These are its states and all
// that moves it; State.May has the same as a table:
//
//	    use, and every picture has its vectors: flip
//	   ┌──────────────────────────────────────────┐
//	   ▼                                          │
//	steady ───────────────────────────────────────┘
//	 ▲ ▲ │ ▲   roll back: flip to the model before
//	 │ │ └─┘
//	 │ │ │ use, and pictures have to be encoded: prepare
//	 │ │ ▼
//	 │ preparing ─── a job ended, not all have: wait on
//	 │ │ │
//	 │ │ └ all jobs succeeded, the models compare well: flip
//	 └─┘
//	   a job failed, the models compare badly, roll back: give up
//
// A flip points the searches of all collections at the vectors of the other
// model, at one moment, under a lock that every search shares. The file is written
// first: should the process end in between, Align sets right what is left. While
// a model is being prepared, pictures are encoded by it, beside the index that
// searches go on to use.
//
// The package opens no models, keeps no queue and speaks no SQL: it declares what
// it needs of those who do.
package rollout
