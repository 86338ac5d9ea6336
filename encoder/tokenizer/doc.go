// Package tokenizer splits text as SigLIP 2 needs it: lower-cased, byte-pair
// encoded with byte fallback, one end-of-sequence token, padded on the right
// to the model's length, no attention mask. It reads a Hugging Face
// tokenizer.json and refuses, with the reason, one of another kind.
package tokenizer
