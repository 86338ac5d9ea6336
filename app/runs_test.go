package main

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"polylens/app/training"
	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/internal/needs"
	"polylens/web"
)

// trainPictures is a folder with some of the demo's pictures and their names in
// three languages.
func trainPictures(t testing.TB, count int) string {
	t.Helper()
	folder := t.TempDir()
	content, err := os.ReadFile(filepath.Join(needs.Demo(t), "metadata.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var sidecar strings.Builder
	for line := range strings.Lines(string(content)) {
		var described struct {
			FileName string            `json:"file_name"`
			Captions map[string]string `json:"captions"`
		}
		if err := json.Unmarshal([]byte(line), &described); err != nil {
			t.Fatal(err)
		}
		picture, err := os.ReadFile(filepath.Join(needs.Demo(t), described.FileName))
		if err != nil {
			continue
		}
		writeFile(t, filepath.Join(folder, described.FileName), string(picture))
		fmt.Fprintf(&sidecar, `{"file_name":%q,"captions":{"en":%q,"de":%q,"ja":%q}}`+"\n", described.FileName,
			described.Captions["en"], described.Captions["de"], described.Captions["ja"])
		if count--; count == 0 {
			break
		}
	}
	writeFile(t, filepath.Join(folder, "metadata.jsonl"), sidecar.String())
	return folder
}

// trainConfig is a run of few steps, as JSON, with more fields.
func trainConfig(preset string, steps int, more string) string {
	return fmt.Sprintf(`{"preset":%q,"steps":%d,"batch":{"pictures":4},"optimizer":{"learning_rate":0.001,"warmup":0},
		"validation":{"every":2,"patience":0},"checkpoint":{"every":2},"split":{"validation":0.2,"test":0}%s}`, preset, steps, more)
}

const noGuardField = `,"data":{"guard":"none"}`

func (s *server) order(t testing.TB, name, config string) web.Run {
	t.Helper()
	return s.runAt(t, s.post(t, "/api/v1/runs", "application/json",
		fmt.Sprintf(`{"name":%q,"collection":"c","config":%s}`, name, config), http.StatusAccepted))
}

func (s *server) tell(t testing.TB, run web.Run, verb, body string) web.Run {
	t.Helper()
	return s.runAt(t, s.post(t, "/api/v1/runs/"+run.ID+"/"+verb, "application/json", body, http.StatusAccepted))
}

func (s *server) runAt(t testing.TB, body string) (run web.Run) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &run); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return run
}

// await waits for a run to be as wanted.
func (s *server) await(t testing.TB, run web.Run, what string, wanted func(web.Run) bool) web.Run {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !wanted(run); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) || run.State == catalog.RunFailed {
			t.Fatalf("run %s is not %s: %+v\n%s", run.Name, what, run, s.log())
		}
		run = s.runAt(t, s.get(t, "/api/v1/runs/"+run.ID, http.StatusOK))
	}
	return run
}

func (s *server) awaitStatus(t testing.TB, run web.Run, status catalog.RunState) web.Run {
	t.Helper()
	return s.await(t, run, string(status), func(run web.Run) bool { return run.State == status })
}

// found are the scores of all pictures for a query.
func (s *server) found(t testing.TB, count int) map[string]float64 {
	t.Helper()
	return readScores(t, s.get(t, "/api/v1/collections/c/search?q=red+apple&limit=100", http.StatusOK), count)
}

func (s *server) model(t testing.TB) string {
	t.Helper()
	var info web.Info
	if err := json.Unmarshal([]byte(s.get(t, "/api/v1/info", http.StatusOK)), &info); err != nil {
		t.Fatal(err)
	}
	return info.Model.Fingerprint
}

func (s *server) vectorsOf(t testing.TB) string {
	t.Helper()
	return s.wantCollection(t, "c", 0).Model
}

func (s *server) tasks(t testing.TB) int {
	t.Helper()
	return strings.Count(s.get(t, "/api/v1/jobs", http.StatusOK), `"source":`)
}

// liveRun follows a run over the WebSocket until it is finished and returns the
// steps of its loss.
func (s *server) liveRun(t testing.TB, connection *websocket.Conn, name string) []int64 {
	t.Helper()
	var steps []int64
	for {
		var change web.RunChange
		_ = connection.SetReadDeadline(time.Now().Add(time.Minute))
		if err := connection.ReadJSON(&change); err != nil {
			t.Fatalf("%v after the steps %v\n%s", err, steps, s.log())
		}
		for _, series := range change.Series {
			if series.Name == "loss" && change.Run.Name == name {
				steps = append(steps, series.Steps...)
			}
		}
		if change.Run.Name == name && change.Run.State == catalog.RunFinished {
			return steps
		}
	}
}

// TestTrainAndActivate trains through a server, activates the result and rolls it
// back, once with a model that sees pictures differently and once with one that does
// not.
func TestTrainAndActivate(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	needs.Demo(t)
	const count = 12
	f, pictures := newFolders(t), trainPictures(t, count)
	server := f.serve(t)
	server.waitReady(t)
	f.index(t, pictures)
	before, first, vectors := server.found(t, count), server.model(t), server.vectorsOf(t)

	connection, response, err := websocket.DefaultDialer.Dial("ws://"+server.address+"/api/v1/runs/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	defer response.Body.Close()
	full := server.order(t, "full", trainConfig("full", 4, noGuardField))
	if steps := server.liveRun(t, connection, "full"); !slices.Equal(steps, []int64{1, 2, 3, 4}) {
		t.Errorf("the live curve has the steps %v", steps)
	}
	full = server.awaitStatus(t, full, catalog.RunFinished)
	if full.Best == nil || full.Output == nil || full.Step != 4 || server.model(t) != first {
		t.Fatalf("%+v", full)
	}

	t.Run("pictures change", func(t *testing.T) {
		run := server.tell(t, full, "activate", `{"force":true}`)
		for run.State != catalog.RunActivated { // searches go on, all by one model or all by the other
			found, is := server.found(t, count), server.model(t)
			if is == first && difference(before, found) > 1e-6 && server.model(t) == first {
				t.Errorf("the model before finds %v, before %v", found, before)
			}
			run = server.await(t, run, "known", func(run web.Run) bool { return run.Error == "" })
			run = server.runAt(t, server.get(t, "/api/v1/runs/"+run.ID, http.StatusOK))
		}
		if server.model(t) != full.Output.Fingerprint || server.vectorsOf(t) == vectors || difference(before, server.found(t, count)) < 1e-3 {
			t.Error("searches do not use the new model")
		}
		server.wantItself(t, pictures)
		tasks := server.tasks(t)
		if got := server.tell(t, full, "rollback", `{}`); got.State != catalog.RunRolledBack {
			t.Errorf("rolled back it is %s", got.State)
		}
		if after := server.found(t, count); difference(before, after) > 1e-6 || server.model(t) != first || server.tasks(t) != tasks {
			t.Errorf("rolled back, searches find %v, before %v", after, before)
		}
		server.wantItself(t, pictures)
	})

	t.Run("texts change", func(t *testing.T) {
		text := server.awaitStatus(t, server.order(t, "texts", trainConfig("text-only", 3, noGuardField)), catalog.RunFinished)
		tasks := server.tasks(t)
		if got := server.tell(t, text, "activate", `{}`); got.State != catalog.RunActivated {
			t.Errorf("activated it is %s", got.State)
		}
		after := server.found(t, count)
		if difference(before, after) < 1e-3 || server.model(t) != text.Output.Fingerprint {
			t.Error("searches do not use the new model")
		}
		if server.vectorsOf(t) != vectors || server.tasks(t) != tasks {
			t.Error("pictures were encoded again, whose vectors have not changed")
		}
		if p := f.index(t, pictures).Progress; p.Unchanged != count {
			t.Errorf("indexing again: %+v", p)
		}
		server.tell(t, text, "rollback", `{}`)
		if again := server.found(t, count); difference(before, again) > 1e-6 {
			t.Errorf("rolled back, searches find %v, before %v", again, before)
		}
	})

	t.Run("command line", func(t *testing.T) {
		config := filepath.Join(t.TempDir(), "config.json")
		writeFile(t, config, trainConfig("query", 2, ""))
		arguments := []string{"train", "--name", "line", "--pairs", pictures, "--guard", "none", "--config", config, "--json"}
		if got := objects[training.Outcome](t, f.succeed(t, arguments...))[0]; got.Steps != 2 || got.Model == "" || len(got.Before) == 0 || len(got.After) == 0 {
			t.Errorf("train prints %+v", got)
		}
		f.fail(t, exitFailure, []string{"already", "line"}, arguments...)
		f.fail(t, exitUnavailable, []string{"--output"}, append(arguments, "--output", "x")...)
		f.succeed(t, "model", "use", "line")
		f.fail(t, exitFailure, []string{"line", "uses"}, "model", "rm", "line", "--yes")
		f.succeed(t, "model", "rollback")
		f.fail(t, exitUnavailable, []string{"no run"}, "model", "use", bundledModel)
	})

	t.Run("gate", func(t *testing.T) {
		guard := fmt.Sprintf(`,"data":{"guard":%q},"guard":{"allowed":0}`, pictures)
		config := strings.Replace(trainConfig("text-only", 2, guard), "0.001", "0.3", 1)
		run := server.awaitStatus(t, server.order(t, "ruined", config), catalog.RunFinished)
		if run.Gate == nil || run.Gate.Passed {
			t.Fatalf("the gate says %+v", run.Gate)
		}
		refusal := server.post(t, "/api/v1/runs/"+run.ID+"/activate", "application/json", `{}`, http.StatusConflict)
		if !strings.Contains(refusal, "forgetting-gate") || !strings.Contains(refusal, `"forgotten":true`) {
			t.Errorf("refused with %s", refusal)
		}
		server.tell(t, run, "activate", `{"force":true}`)
		server.tell(t, run, "rollback", `{}`)
	})
	server.stop(t, syscall.SIGTERM)

	f.succeed(t, "model", "use", "full", "--force")
	if hits := objects[hit](t, f.succeed(t, "search", "red apple", "--collection", "c", "--limit", "100", "--json")); difference(before, scoresOf(hits)) < 1e-3 {
		t.Error("without a server, searches do not use the new model")
	}
}

func scoresOf(hits []hit) map[string]float64 {
	scores := make(map[string]float64)
	for _, hit := range hits {
		scores[hit.URI] = float64(hit.Score)
	}
	return scores
}

// wantItself: a picture as a query is encoded as the index has it.
func (s *server) wantItself(t testing.TB, pictures string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(pictures, "*.png"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%v, %v", names, err)
	}
	file, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	body := s.post(t, "/api/v1/collections/c/search?limit=1", "image/png", string(file), http.StatusOK)
	for uri, score := range readScores(t, body, 1) {
		if !strings.HasSuffix(uri, filepath.Base(names[0])) || math.Abs(score-1) > 1e-4 {
			t.Errorf("%s finds %s with %v", names[0], uri, score)
		}
	}
}

// pauseTraining pauses the job that trains a run, and resumes it. It returns the run as it was
// in between.
func (s *server) pauseTraining(t testing.TB, run web.Run) web.Run {
	t.Helper()
	var found struct{ Jobs []web.Job }
	if err := json.Unmarshal([]byte(s.get(t, "/api/v1/jobs?kind=train&state=running", http.StatusOK)), &found); err != nil || len(found.Jobs) != 1 {
		t.Fatalf("%d trainings run, %v", len(found.Jobs), err)
	}
	job := "/api/v1/jobs/" + found.Jobs[0].ID
	s.post(t, job+"/pause", "application/json", "", http.StatusAccepted)
	run = s.awaitStatus(t, run, catalog.RunQueued)
	for deadline := time.Now().Add(time.Minute); !strings.Contains(s.get(t, job, http.StatusOK), `"state":"paused"`); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the job of run %s is not paused\n%s", run.Name, s.log())
		}
	}
	run = s.runAt(t, s.get(t, "/api/v1/runs/"+run.ID, http.StatusOK))
	s.post(t, job+"/resume", "application/json", "", http.StatusAccepted)
	return run
}

// TestRunsSurvive: a run is stopped, paused, killed with its server and deleted. Each
// time but the last it goes on from where it was.
func TestRunsSurvive(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	needs.Demo(t)
	f, pictures := newFolders(t), trainPictures(t, 12)
	server := f.serve(t)
	server.waitReady(t)
	f.index(t, pictures)
	run := server.order(t, "long", trainConfig("query", 100000, noGuardField))
	second := server.order(t, "second", trainConfig("query", 2, noGuardField))
	server.post(t, "/api/v1/runs", "application/json", `{"name":"long","collection":"c","config":{}}`, http.StatusConflict)
	server.post(t, "/api/v1/runs", "application/json", `{"name":"other","collection":"c","config":{"stepps":1}}`, http.StatusUnprocessableEntity)
	server.post(t, "/api/v1/runs", "application/json", `{"name":"other","config":{"data":{"pairs":["/no/such/file"]}}}`, http.StatusUnprocessableEntity)
	run = server.await(t, run, "at step 4", func(run web.Run) bool { return run.Step >= 4 })
	server.tell(t, run, "stop", `{}`)
	run = server.awaitStatus(t, run, catalog.RunStopped)
	server.awaitStatus(t, second, catalog.RunFinished)
	run = server.tell(t, run, "resume", `{}`)
	later := server.await(t, run, "further", func(now web.Run) bool { return now.Step > run.Step+2 })
	paused := server.pauseTraining(t, later)
	later = server.await(t, paused, "further after the pause", func(now web.Run) bool { return now.Step > paused.Step+2 })

	server.stop(t, syscall.SIGKILL)
	server = f.serve(t)
	server.waitReady(t)
	interrupted := server.awaitStatus(t, later, catalog.RunStopped)
	if !strings.Contains(interrupted.Error, "checkpoint") {
		t.Errorf("interrupted it says %q", interrupted.Error)
	}
	run = server.tell(t, interrupted, "resume", `{}`)
	server.await(t, run, "further", func(now web.Run) bool { return now.Step > later.Step })
	server.tell(t, run, "stop", `{}`)
	server.awaitStatus(t, run, catalog.RunStopped)
	folder := filepath.Join(f.data, "runs", "long")
	if _, err := os.Stat(folder); err != nil {
		t.Error(err)
	}
	request, err := http.NewRequest(http.MethodDelete, "http://"+server.address+"/api/v1/runs/"+run.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := http.DefaultClient.Do(request); err != nil || response.StatusCode != http.StatusNoContent {
		t.Errorf("deleting answers %v, %v", response, err)
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("the folder of the deleted run: %v", err)
	}
	server.stop(t, syscall.SIGTERM)
}

// TestTrainAlone: without a server the command records its run itself.
func TestTrainAlone(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Demo(t)
	f, pictures := newFolders(t), trainPictures(t, 12)
	config := filepath.Join(t.TempDir(), "config.json")
	writeFile(t, config, trainConfig("text-only", 2, ""))
	arguments := []string{"train", "--name", "alone", "--pairs", pictures, "--guard", "none", "--config", config, "--json"}
	got := objects[training.Outcome](t, f.succeed(t, arguments...))[0]
	if got.Steps != 2 || got.Reindex || len(got.After) == 0 {
		t.Errorf("train prints %+v", got)
	}
	store, err := database.Open(t.Context(), filepath.Join(f.data, "catalogue.db"))
	if err != nil {
		t.Fatal(err)
	}
	run, err := store.RunNamed(t.Context(), "alone")
	if err != nil || run.ID != got.Run || run.State != catalog.RunFinished || run.Output.Directory != got.Model || run.Best.Metric == "" {
		t.Errorf("the catalogue has %+v, %v", run, err)
	}
	if series, err := store.RunSeries(t.Context(), run.ID, catalog.RunPoints{Names: []string{"loss", run.Best.Metric}}); err != nil || len(series) != 2 {
		t.Errorf("its curves are %+v, %v", series, err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	f.fail(t, exitFailure, []string{"finished", "--name"}, arguments...)
	f.fail(t, exitUsage, []string{"nothing to train on"}, "train", "--name", "nothing")
	f.fail(t, exitUsage, []string{"a-z"}, "train", "--name", "../x", "--pairs", pictures)
	writeFile(t, config, `{"data":{"pears":[]}}`)
	f.fail(t, exitUsage, []string{"pears"}, "train", "--name", "x", "--config", config)
	f.fail(t, exitFailure, []string{"no other model"}, "model", "rollback")
	f.succeed(t, "model", "use", "alone")
	if info := f.succeed(t, "model", "info", "--json"); !strings.Contains(info, "alone") {
		t.Errorf("model info prints %s", info)
	}
	f.succeed(t, "model", "rollback")
}
