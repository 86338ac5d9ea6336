package catalog

// Purged says what PurgeVectors removed.
type Purged struct {
	Vectors int   `json:"vectors"`
	Bytes   int64 `json:"bytes"` // that they took
}
