package setup

import (
	"os"
	"os/exec"
)

// FindChromium returns the path of a browser that is already there, "" for none.
func FindChromium() string {
	if path := os.Getenv("POLYLENS_CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}
