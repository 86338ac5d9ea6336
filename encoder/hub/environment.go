package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"polylens/internal/ordinary"
)

const defaultEndpoint = "https://huggingface.co"

// Access says where models are fetched from and with which rights.
type Access struct {
	Endpoint string // URL of the hub or a mirror, without a slash at its end
	Token    string // empty for public models
	Offline  bool   // answer from what is on this machine
}

// AccessFrom reads the variables that all Hugging Face programs share:
// HF_ENDPOINT, HF_HUB_OFFLINE, and the token from HF_TOKEN,
// HUGGING_FACE_HUB_TOKEN, or the file HF_TOKEN_PATH, by default "token" in
// HF_HOME.
func AccessFrom(getenv func(string) string) (Access, error) {
	access := Access{Endpoint: strings.TrimRight(getenv("HF_ENDPOINT"), "/")}
	access.Offline = isTrue(getenv("HF_HUB_OFFLINE")) || isTrue(getenv("TRANSFORMERS_OFFLINE"))
	if access.Endpoint == "" {
		access.Endpoint = defaultEndpoint
	}
	address, err := url.Parse(access.Endpoint)
	if err != nil || address.Scheme != "http" && address.Scheme != "https" || address.Host == "" || address.RawQuery != "" {
		return Access{}, fmt.Errorf("HF_ENDPOINT %q: want a URL such as %s", access.Endpoint, defaultEndpoint)
	}
	access.Token, err = readToken(getenv)
	return access, err
}

func readToken(getenv func(string) string) (string, error) {
	for _, name := range []string{"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"} {
		if token := strings.TrimSpace(getenv(name)); token != "" {
			return token, checkToken(name, token)
		}
	}
	path := expandHome(getenv("HF_TOKEN_PATH"))
	if path == "" {
		path = filepath.Join(home(getenv), "token")
	}
	if isTrue(getenv("HF_HUB_DISABLE_IMPLICIT_TOKEN")) || !filepath.IsAbs(path) {
		return "", nil
	}
	content, err := ordinary.Read(path, 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("token of the hub: %w: make it readable, or set HF_TOKEN", err)
	}
	token := strings.TrimSpace(string(content))
	return token, checkToken(path, token)
}

// checkToken refuses what cannot stand in a header, without showing it.
func checkToken(source, token string) error {
	if len(token) > 4096 || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("%s holds no token of the hub: want one word of letters and digits", source)
	}
	return nil
}

// CacheFrom is the folder of the Hugging Face cache by HF_HUB_CACHE, else
// HUGGINGFACE_HUB_CACHE, else HF_HOME; empty if there is no home folder.
func CacheFrom(getenv func(string) string) string {
	for _, name := range []string{"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"} {
		if folder := expandHome(getenv(name)); folder != "" {
			return folder
		}
	}
	if folder := home(getenv); folder != "" {
		return filepath.Join(folder, "hub")
	}
	return ""
}

// home is HF_HOME or its default, empty if there is no home folder.
func home(getenv func(string) string) string {
	if folder := expandHome(getenv("HF_HOME")); folder != "" {
		return folder
	}
	if folder := getenv("XDG_CACHE_HOME"); folder != "" {
		return filepath.Join(folder, "huggingface")
	}
	if folder, err := os.UserHomeDir(); err == nil {
		return filepath.Join(folder, ".cache", "huggingface")
	}
	return ""
}

// expandHome replaces a leading ~/, which no shell has done in a file of
// variables.
func expandHome(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if folder, err := os.UserHomeDir(); err == nil {
			return filepath.Join(folder, rest)
		}
	}
	return path
}

func isTrue(value string) bool {
	return slices.Contains([]string{"1", "ON", "YES", "TRUE"}, strings.ToUpper(value))
}
