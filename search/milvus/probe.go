package milvus

// Probe says what a server that Start runs on this system would expose,
// without starting one.
func Probe() Exposure { return chooseExposure(false) }
