// Package encoder turns texts and pictures into unit vectors with a SigLIP 2
// model, in this process. It opens a model directory in the Hugging Face
// layout and knows nothing of collections, files or indexes: callers hand it
// decoded pictures and strings.
//
// Tensor axes are named once for the whole tree: B batch, L tokens, N patches,
// D width, H heads, P patch.
package encoder
