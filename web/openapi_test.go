package web_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
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

// keyed are the operations that take an Idempotency-Key.
var keyed = []string{"delete-images", "retry-failed-job", "create-collection", "create-job", "create-check", "create-rest-check", "create-run", "pause-job", "resume-job", "retry-job", "create-source", "scan-source",
	"resume-run", "stop-run", "activate-run", "roll-back-run"}

type operation struct {
	OperationID string `json:"operationId"`
	Parameters  []struct {
		Name string `json:"name"`
		In   string `json:"in"`
	} `json:"parameters"`
	RequestBody *struct {
		Content map[string]any `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Headers map[string]any `json:"headers"`
		Content map[string]any `json:"content"`
	} `json:"responses"`
}

func (o operation) takesKey() bool {
	for _, parameter := range o.Parameters {
		if parameter.Name == "Idempotency-Key" {
			return true
		}
	}
	return false
}

// TestEveryProblemIsNamed: clients are generated from the description, so that each
// operation names every status that it may answer. Which are seen, webtest.NewServer
// compares with it; here stand those that no test need see.
func TestEveryProblemIsNamed(t *testing.T) {
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var api struct {
		Paths map[string]map[string]operation `json:"paths"`
	}
	if err := json.Unmarshal(text, &api); err != nil {
		t.Fatal(err)
	}
	count := 0
	for path, operations := range api.Paths {
		for method, o := range operations {
			count++
			for _, status := range wantStatuses(path, method, o) {
				if _, named := o.Responses[status]; !named {
					t.Errorf("%s does not name %s", o.OperationID, status)
				}
			}
			for status, response := range o.Responses {
				if status >= "400" && status != "412" && status != "416" && status != "431" && response.Content["application/problem+json"] == nil {
					t.Errorf("%s: %s is no problem", o.OperationID, status)
				}
			}
			if o.Responses["503"].Headers["Retry-After"] == nil {
				t.Errorf("%s: 503 comes without Retry-After", o.OperationID)
			}
			if o.takesKey() != slices.Contains(keyed, o.OperationID) {
				t.Errorf("%s takes an Idempotency-Key: %t", o.OperationID, o.takesKey())
			}
		}
	}
	if count < 30 {
		t.Errorf("only %d operations", count)
	}
}

func wantStatuses(path, method string, o operation) []string {
	want := []string{"403", "414", "421", "422", "431", "500", "503", "504"}
	if strings.Contains(path, "{") || o.OperationID == "create-run" {
		want = append(want, "404")
	}
	if method != "get" {
		want = append(want, "400", "408", "413")
	}
	if o.RequestBody != nil && o.RequestBody.Content["application/json"] != nil {
		want = append(want, "415")
	}
	if slices.Contains(keyed, o.OperationID) {
		want = append(want, "409")
	}
	if strings.HasSuffix(path, "/thumbnail") || strings.HasSuffix(path, "/original") {
		want = append(want, "206", "304", "412", "416")
	}
	return want
}
