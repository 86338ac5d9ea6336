package indexer

import (
	"image"
	"os"
)

// pixelCount reads how large a picture claims to be, 0 when its header does
// not tell.
func pixelCount(path string) int64 {
	file, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer file.Close()
	config, _, err := image.DecodeConfig(file)
	if err != nil || config.Width <= 0 || config.Height <= 0 {
		return 0
	}
	return int64(config.Width) * int64(config.Height)
}
