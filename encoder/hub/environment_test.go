package hub

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAccessFrom(t *testing.T) {
	home := t.TempDir()
	write(t, home, "token", "hf_file\n")
	write(t, home, "other", "hf_other")
	tests := map[string]struct {
		variables map[string]string
		want      Access
	}{
		"the file":       {nil, Access{Endpoint: "https://huggingface.co", Token: "hf_file"}},
		"HF_TOKEN":       {map[string]string{"HF_TOKEN": " hf_a\n", "HUGGING_FACE_HUB_TOKEN": "hf_b"}, Access{Endpoint: "https://huggingface.co", Token: "hf_a"}},
		"the older name": {map[string]string{"HUGGING_FACE_HUB_TOKEN": "hf_b"}, Access{Endpoint: "https://huggingface.co", Token: "hf_b"}},
		"another file":   {map[string]string{"HF_TOKEN_PATH": filepath.Join(home, "other")}, Access{Endpoint: "https://huggingface.co", Token: "hf_other"}},
		"no file":        {map[string]string{"HF_HUB_DISABLE_IMPLICIT_TOKEN": "yes"}, Access{Endpoint: "https://huggingface.co"}},
		"a mirror":       {map[string]string{"HF_ENDPOINT": "http://mirror:8080/hub/", "HF_TOKEN": "x"}, Access{Endpoint: "http://mirror:8080/hub", Token: "x"}},
		"offline":        {map[string]string{"HF_HUB_OFFLINE": "1", "HF_TOKEN": "x"}, Access{Endpoint: "https://huggingface.co", Token: "x", Offline: true}},
		"not offline":    {map[string]string{"HF_HUB_OFFLINE": "0", "HF_TOKEN": "x"}, Access{Endpoint: "https://huggingface.co", Token: "x"}},
	}
	for title, test := range tests {
		got, err := AccessFrom(func(name string) string {
			if name == "HF_HOME" {
				return home
			}
			return test.variables[name]
		})
		if err != nil || got != test.want {
			t.Errorf("%s: %+v, %v", title, got, err)
		}
	}
}

func TestAccessErrors(t *testing.T) {
	for name, value := range map[string]string{
		"HF_ENDPOINT": "mirror", "HF_TOKEN": "hf_secret\r\nX-Evil: 1", "HUGGING_FACE_HUB_TOKEN": "hf_secret word", "HF_TOKEN_PATH": t.TempDir(),
	} {
		_, err := AccessFrom(func(asked string) string {
			if asked == name {
				return value
			}
			return ""
		})
		if err == nil || strings.Contains(err.Error(), "hf_secret") {
			t.Errorf("%s=%q: %v", name, value, err)
		}
	}
}

func TestCacheFrom(t *testing.T) {
	user, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ variables, want string }{
		{"HF_HUB_CACHE=/a HUGGINGFACE_HUB_CACHE=/b HF_HOME=/c", "/a"},
		{"HUGGINGFACE_HUB_CACHE=/b HF_HOME=/c", "/b"},
		{"HF_HOME=/c XDG_CACHE_HOME=/d", "/c/hub"},
		{"XDG_CACHE_HOME=/d", "/d/huggingface/hub"},
		{"HF_HOME=~/models", filepath.Join(user, "models/hub")},
		{"", filepath.Join(user, ".cache/huggingface/hub")},
	} {
		got := CacheFrom(func(name string) string {
			for _, variable := range strings.Fields(test.variables) {
				if value, ok := strings.CutPrefix(variable, name+"="); ok {
					return value
				}
			}
			return ""
		})
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.variables, got, test.want)
		}
	}
}
