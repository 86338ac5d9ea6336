// Package wasm decodes HEIC and AVIF with libheif and libavif, compiled to
// WebAssembly and run inside the process: a fault in them can reach nothing,
// and each picture has a bound on its memory. No library of the host is used.
//
// It is neither a judge of sizes nor fast: check the size that the container
// says before, and expect some 0.2 s for a megapixel. A decoder cannot be
// interrupted: to check for a deadline in every loop of it would take five times
// as long.
package wasm
