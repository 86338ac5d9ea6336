package web_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"polylens/web"
	"polylens/web/webtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestOpenAPI compares the description that is served with the committed one,
// from which the page's types are generated.
func TestOpenAPI(t *testing.T) {
	server := webtest.NewServer(t, func(c *web.Config) { c.Info.Version = "1" })
	r := get(t, server.URL+"/openapi.json")
	if r.status != 200 || r.header.Get("Content-Type") != "application/openapi+json" {
		t.Fatalf("%d %s", r.status, r.header.Get("Content-Type"))
	}
	var text bytes.Buffer
	if err := json.Indent(&text, []byte(r.body), "", "  "); err != nil {
		t.Fatal(err)
	}
	text.WriteByte('\n')
	if *update {
		if err := os.WriteFile("openapi.json", text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(committed, text.Bytes()) {
		t.Error("web/openapi.json is not what is served: run “go test ./web -run OpenAPI -update” and “npm run api” in web/ui")
	}
}

func TestOpenAPIDescribesTheAPI(t *testing.T) {
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var api struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			OperationID string         `json:"operationId"`
			Summary     string         `json:"summary"`
			Responses   map[string]any `json:"responses"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(text, &api); err != nil {
		t.Fatal(err)
	}
	if api.OpenAPI[:3] != "3.1" || len(api.Paths) < 9 {
		t.Errorf("OpenAPI %s with %d paths", api.OpenAPI, len(api.Paths))
	}
	for path, operations := range api.Paths {
		for method, operation := range operations {
			if operation.OperationID == "" || operation.Summary == "" || operation.Responses["422"] == nil {
				t.Errorf("%s %s lacks an ID, a summary or its problems", method, path)
			}
		}
	}
}
