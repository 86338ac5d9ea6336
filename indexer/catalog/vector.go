package catalog

// Purged is what PurgeVectors has removed.
type Purged struct {
	Vectors int   `json:"vectors"`
	Bytes   int64 `json:"bytes"` // that they took
}
