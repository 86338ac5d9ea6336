package onnxfile

import "fmt"

const fetchAgain = "fetch the model again or point to another model directory"

// FileError says which file of a model cannot be used, which of its tensors if it is
// about one, why, and what to do.
type FileError struct {
	Path   string
	Tensor string // what and where the tensor is, empty when it is something else
	Err    error
}

func (e *FileError) Error() string {
	if e.Tensor != "" {
		return fmt.Sprintf("%s: %s %v; %s", e.Path, e.Tensor, e.Err, fetchAgain)
	}
	return fmt.Sprintf("%s %v; %s", e.Path, e.Err, fetchAgain)
}

func (e *FileError) Unwrap() error { return e.Err }

// CacheLinkError says that a file of a model is a symbolic link into the
// blobs of the same repository of a Hugging Face cache. It is refused as every
// link is; the hub can give the model a folder without links.
type CacheLinkError struct {
	Path, Target string
}

func (e *CacheLinkError) Error() string {
	return fmt.Sprintf("needs %s, a symbolic link of the Hugging Face cache, which is refused: name the model by its repository, not by the folder", e.Path)
}
