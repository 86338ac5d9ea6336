package ordinary_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"polylens/internal/ordinary"
)

// BenchmarkRead reads whole files as large as a thumbnail, a sidecar and a photo.
func BenchmarkRead(b *testing.B) {
	for _, size := range []int{1 << 10, 30 << 10, 5 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "file")
			if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(size))
			for b.Loop() {
				if content, err := ordinary.Read(path, 64<<20); err != nil || len(content) != size {
					b.Fatal(len(content), err)
				}
			}
		})
	}
}
