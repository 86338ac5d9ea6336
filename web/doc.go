// Package web serves the page, the HTTP API and the progress WebSocket. It
// talks to search and indexer and never to Milvus, SQL or ONNX Runtime.
package web
