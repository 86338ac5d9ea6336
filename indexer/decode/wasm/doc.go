// Package wasm decodes HEIC and AVIF with libheif and libavif, compiled to
// WebAssembly and run inside the process: a fault in them can reach nothing,
// and each picture has a bound on its memory. No library of the host is used.
//
// It does not judge sizes, and it is not fast: check the size that the container
// states before, and expect about 0.2 s per megapixel. A decoder cannot be
// interrupted: to check for a deadline in every loop of it would take five times as
// long.
package wasm
