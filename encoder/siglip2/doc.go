// Package siglip2 writes the SigLIP 2 architecture once, as ONNX graphs: the
// text tower, the vision tower and its attention pooling head, from a Hugging
// Face config.json. It reads no pixels, runs no session and fetches nothing.
package siglip2
