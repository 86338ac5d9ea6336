// Package derived makes checkpoints from checkpoints, once, in a cache folder:
// with an adapter merged into the weights, in 16 bits, or with linear layers in
// 8-bit integers. The result is a safetensors file that package siglip2 composes
// like any other. It does not judge whether the vectors are still good: package
// gate does.
package derived
