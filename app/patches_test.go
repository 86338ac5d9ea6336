package main

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"polylens/encoder/siglip2"
	"polylens/indexer/catalog"
	"polylens/internal/needs"
	"polylens/web"
	"polylens/web/client"
	"polylens/web/webtest"
)

// naflexModel is the directory of a tiny NaFlex model of random weights, with
// the tokenizer of the bundled one.
func naflexModel(t testing.TB) string {
	t.Helper()
	dir := copyModel(t)
	for name, content := range map[string]string{
		siglip2.ConfigFile: `{"model_type":"siglip2",
			"text_config":{"hidden_size":32,"intermediate_size":48,"num_hidden_layers":1,"num_attention_heads":4,"vocab_size":16384},
			"vision_config":{"hidden_size":32,"intermediate_size":48,"num_hidden_layers":2,"num_attention_heads":4,"num_patches":16,"patch_size":4}}`,
		"preprocessor_config.json": `{"image_processor_type":"Siglip2ImageProcessor","resample":2,"patch_size":4,"max_num_patches":256}`,
	} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil { // it may be read-only
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, name), content)
	}
	writeRandomWeights(t, dir, 9)
	return dir
}

// TestMaxNumPatches: two collections see the same pictures with different
// numbers of patches, and one of them changes its mind while it is searched.
func TestMaxNumPatches(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	f := newFolders(t)
	f.env = append(f.env, "POLYLENS_MODEL="+naflexModel(t))
	pictures := t.TempDir()
	drawFolder(t, pictures, 1, 6)
	writeFile(t, filepath.Join(pictures, "picture-001.png.json"), `{"captions":{"en":"the first"}}`)
	f.fail(t, exitUsage, []string{"63", "64 to 1024"}, "index", pictures, "--collection", "coarse", "--max-num-patches", "63")
	server := f.serve(t)
	server.waitReady(t)

	server.post(t, "/api/v1/collections", "application/json", `{"name":"fine","max_num_patches":256}`, http.StatusCreated)
	f.indexPatches(t, pictures, "fine", 6)
	f.indexPatches(t, pictures, "coarse", 6, "--max-num-patches", "64")
	server.wantCollection(t, "fine", 256)
	coarse := server.wantCollection(t, "coarse", 64)
	server.wantFound(t, "fine", pictures)
	server.wantFound(t, "coarse", pictures)
	if fine, rough := server.scores(t, "fine"), server.scores(t, "coarse"); difference(fine, rough) < 1e-3 {
		t.Errorf("64 and 256 patches give the scores %v and %v", rough, fine)
	}

	f.indexPatches(t, pictures, "coarse", 6, "--max-num-patches", "128")
	changed := server.wantCollection(t, "coarse", 128)
	for deadline := time.Now().Add(time.Minute); changed.Model == coarse.Model; changed = server.wantCollection(t, "coarse", 128) {
		if time.Now().After(deadline) {
			t.Fatal("searches do not use the new vectors")
		}
		server.scores(t, "coarse")
	}
	server.wantFound(t, "coarse", pictures)
	f.indexPatches(t, pictures, "coarse", 0)

	server.stop(t, syscall.SIGTERM)
	if hits := objects[hit](t, f.succeed(t, "search", "picture", "--collection", "coarse", "--json")); len(hits) != 6 {
		t.Errorf("after the server's end: %+v", hits)
	}
	if lines := f.succeed(t, "eval", "--collection", "coarse", "--languages", "en", "--json"); !strings.Contains(lines, `"n":1`) {
		t.Errorf("eval prints %s", lines)
	}
}

// indexPatches indexes a folder, in which so many pictures must be new.
func (f folders) indexPatches(t testing.TB, pictures, collection string, expected int, flags ...string) {
	t.Helper()
	arguments := append([]string{"index", pictures, "--collection", collection, "--json"}, flags...)
	if got := objects[indexOutcome](t, f.succeed(t, arguments...))[0]; got.Progress.Indexed != expected || got.Progress.Done != 6 {
		t.Errorf("index into %s %v: %+v, want %d new", collection, flags, got.Progress, expected)
	}
}

// wantCollection expects a collection that can be searched and chose so many patches.
func (s *server) wantCollection(t testing.TB, name string, patches int) web.Collection {
	t.Helper()
	var found web.Collection
	if err := json.Unmarshal([]byte(s.get(t, "/api/v1/collections/"+name, http.StatusOK)), &found); err != nil {
		t.Fatal(err)
	}
	if !found.Searchable || found.MaxNumPatches != patches {
		t.Errorf("%+v, want it searchable, with %d patches", found, patches)
	}
	return found
}

// scores are the scores of a search by words among the six pictures, by URI.
func (s *server) scores(t testing.TB, collection string) map[string]float64 {
	t.Helper()
	return readScores(t, s.get(t, "/api/v1/collections/"+collection+"/search?q=picture", http.StatusOK), 6)
}

func readScores(t testing.TB, body string, expected int) map[string]float64 {
	t.Helper()
	var answer struct{ Hits []hit }
	if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.Hits) != expected {
		t.Fatalf("%v in %s, want %d hits", err, body, expected)
	}
	scores := make(map[string]float64)
	for _, found := range answer.Hits {
		scores[found.URI] = float64(found.Score)
	}
	return scores
}

func difference(a, b map[string]float64) float64 {
	most := 0.0
	for uri, score := range a {
		most = max(most, math.Abs(score-b[uri]))
	}
	return most
}

// wantFound: a picture as a query is encoded as the collection encodes its own, so
// that it equals itself.
func (s *server) wantFound(t testing.TB, collection, pictures string) {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(pictures, "picture-003.png"))
	if err != nil {
		t.Fatal(err)
	}
	body := s.post(t, "/api/v1/collections/"+collection+"/search?limit=1", "image/png", string(file), http.StatusOK)
	for uri, score := range readScores(t, body, 1) {
		if !strings.HasSuffix(uri, "/picture-003.png") || math.Abs(score-1) > 1e-5 {
			t.Errorf("%s: the third picture finds %s with %v", collection, uri, score)
		}
	}
}

func (s *server) post(t testing.TB, path, contentType, body string, status int) string {
	t.Helper()
	client := http.Client{Timeout: 30 * time.Second}
	response, err := client.Post("http://"+s.address+path, contentType, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status {
		t.Fatalf("POST %s answers %d, %v, want %d: %.300s", path, response.StatusCode, err, status, answer)
	}
	return string(answer)
}

// TestFixedResolutionRefusesMaxNumPatches: in the process and through a server.
func TestFixedResolutionRefusesMaxNumPatches(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	p := newProgram(globals{
		Data: filepath.Join(t.TempDir(), "data"), Cache: t.TempDir(), Model: bundledModel, Onnxruntime: needs.ONNXRuntime(t), DecodeMiB: 64,
	}, terminal{in: os.Stdin, out: io.Discard, err: io.Discard}, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		if err := p.close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	x, err := p.openParts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	handler, err := x.handler(handlerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	server := webtest.Serve(t, handler)
	t.Cleanup(handler.Close)
	_, created := x.indexer.CreateCollection(t.Context(), "c", 64, catalog.OriginalsKept)
	_, here := client.Of(handler.Inside()).Index(t.Context(), "c", web.IndexOrder{Source: web.Source{Directory: t.TempDir()}, MaxNumPatches: 64})
	_, there := client.New(server.URL).Index(t.Context(), "c", web.IndexOrder{Source: web.Source{Directory: t.TempDir()}, MaxNumPatches: 64})
	for place, err := range map[string]error{"created": created, "indexed here": here, "indexed there": there} {
		if !errors.Is(err, catalog.ErrInvalid) || !strings.Contains(err.Error(), "one resolution") {
			t.Errorf("%s: got %v, want catalog.ErrInvalid with the reason", place, err)
		}
	}
	if found, err := x.store.Collections(t.Context()); err != nil || len(found) != 0 {
		t.Errorf("collections %+v, %v; want none", found, err)
	}
}
