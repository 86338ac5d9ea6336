// Package rollout changes the model of a data folder while searches go on.
//
// A data folder has a model in use, models that it used before, and perhaps one
// that is to follow (Choice, kept in model.json). These are its states and
// everything that moves it; the variable moves has the same as a table:
//
//	                        ┌───┐
//	                        ▼   │  use, and every picture has its vectors: flip
//	                      steady┘  roll back: flip to the model before
//	                       │  ▲
//	use, and pictures have │  │    the job succeeded, the models compare well: flip
//	to be encoded: prepare │  │    the job failed or was canceled, the models compare
//	                       ▼  │    badly, or roll back: give up
//	                     preparing
//
// A flip points the searches of all collections at the vectors of the other
// model, at one moment, under a lock that every search shares. The file is written
// first: should the process end in between, Align sets right what is left. While
// a model is being prepared, pictures are encoded with it into a second index;
// searches go on using the first.
//
// Pictures that are indexed while a model is being prepared have its vectors only:
// should it be given up, they are indexed again.
//
// The package opens no models, keeps no queue and speaks no SQL: it declares
// interfaces for what it needs of those that do.
package rollout
