// Package web serves the page, the HTTP API and the live news over WebSockets. It
// asks search, the indexer and the trainer through interfaces that it declares in
// the catalogue's nouns, and turns those into the API's own types at its border. It
// never talks to Milvus, SQL or ONNX Runtime.
package web
