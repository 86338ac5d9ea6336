// Package preprocess makes pixel tensors exactly as the Hugging Face
// SiglipImageProcessor does, including Pillow's fixed-point resampling. It
// does not decode files.
package preprocess
