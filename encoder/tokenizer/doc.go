// Package tokenizer splits text as the SigLIP models need it: cleaned, cut into
// the tokens of the model's vocabulary, one end of sequence, padded on the right
// to the model's length, no attention mask. It only encodes: it neither trains
// vocabularies nor turns ids back into text, and it refuses, with the reason, a
// file whose rules it does not know.
//
// SigLIP 2 has the vocabulary of Gemma, a byte-pair encoding with byte fallback
// in tokenizer.json. The reference is Hugging Face tokenizers 0.23 with
// Lowercase put before the normalizer of the file, which is what
// Siglip2Tokenizer of transformers does. Where only tokenizer.model of
// sentencepiece is there, it is converted as transformers converts it. The
// post-processor of the file is ignored: Gemma files prepend <bos>, and SigLIP 2
// was trained without it.
//
// SigLIP 1 has the vocabulary of T5 (English) or mT5 (many languages), a unigram
// model. The reference for spiece.model is SiglipTokenizer of transformers 5.23
// on sentencepiece 0.2; that for tokenizer.json is Hugging Face tokenizers. Both
// end and pad a text with </s>. A tokenizer.json that lower-cases is taken to do
// all the cleaning itself; before any other the text is cleaned as
// SiglipTokenizer cleans it. The two references differ where a charsmap meets a
// character with combining marks, and in whether punctuation goes before the
// charsmap or after it; neither difference is smoothed over.
//
// Models that open_clip trained or exported (Immich uses such) see texts cleaned
// in its way: CleaningOpenCLIP, for either vocabulary.
package tokenizer
