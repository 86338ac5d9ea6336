package hub

// IsExport reports whether a model directory holds its towers as ONNX files and no
// checkpoint.
func IsExport(dir string) bool { return !hasCheckpoint(dir) && hasONNX(dir) }
