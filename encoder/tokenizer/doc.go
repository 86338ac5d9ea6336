// Package tokenizer splits text as SigLIP 2 needs it: lower-cased, byte-pair
// encoded with byte fallback, one end-of-sequence token, padded on the right
// to the model's length, no attention mask. It reads a Hugging Face
// tokenizer.json and refuses, with the reason, one of another kind.
//
// The reference is Hugging Face tokenizers 0.23 with Lowercase put before the
// normalizer of the file, which is what Siglip2Tokenizer of transformers does.
// The post-processor of the file is ignored: Gemma files prepend <bos>, and
// SigLIP 2 was trained without it.
package tokenizer
