package main

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"polylens/indexer/catalog"
	"polylens/internal/needs"
	"polylens/internal/postgrestest"
	"polylens/web"
)

// secret is a password that must not be shown anywhere.
const secret = "g3h3im/n"

// withPassword is a URL with a password, which the server of the tests does not
// ask for.
func withPassword(t *testing.T, database string) *url.URL {
	t.Helper()
	parsed, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	parsed.User = url.UserPassword(parsed.User.Username(), secret)
	return parsed
}

// keepsSecret checks that a text shows no password, escaped or not.
func keepsSecret(t *testing.T, text string) {
	t.Helper()
	if strings.Contains(text, secret) || strings.Contains(text, url.PathEscape(secret)) {
		t.Errorf("the password is shown:\n%s", text)
	}
}

// TestPostgres follows a catalogue in Postgres: it is filled and searched by
// commands, then by a server that is killed, and by the next one.
func TestPostgres(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	f := newFolders(t)
	f.env = []string{"POLYLENS_DATABASE=" + withPassword(t, postgrestest.Database(t)).String(), "POLYLENS_LOG_LEVEL=debug"}
	pictures := t.TempDir()
	drawFolder(t, pictures, 1, 8)
	if got := f.index(t, pictures); got.Progress.Indexed != 8 || got.State != catalog.JobSucceeded {
		t.Fatalf("index: %+v", got)
	}
	if found := f.run(t, "doctor"); !strings.Contains(found.stdout, "Postgres 1") {
		t.Errorf("the doctor does not tell of Postgres:\n%s", found.stdout)
	} else {
		keepsSecret(t, found.stdout+found.stderr)
	}
	f.wantListed(t, 1)

	first := f.serve(t)
	first.waitReady(t)
	drawFolder(t, pictures, 9, 80)
	body := `{"source":{"directory":"` + pictures + `"}}`
	job := objects[web.Job](t, first.post(t, "/api/v1/collections/c/jobs", "application/json", body, http.StatusAccepted))[0]
	first.stop(t, syscall.SIGKILL)
	keepsSecret(t, first.log())

	second := f.serve(t)
	second.waitReady(t)
	followed := f.run(t, "job", "show", job.ID, "--follow", "--json")
	ended := objects[web.Job](t, followed.stdout)
	if len(ended) != 1 || ended[0].State != catalog.JobSucceeded || ended[0].Progress.Done != 80 {
		t.Errorf("after the restart: %+v", followed)
	}
	keepsSecret(t, followed.stderr)
	if hits := objects[hit](t, f.succeed(t, "search", "picture", "--collection", "c", "--limit", "100", "--json")); len(hits) != 80 {
		t.Errorf("%d hits, want 80", len(hits))
	}
	f.wantListed(t, 2)
	second.stop(t, syscall.SIGTERM)
	keepsSecret(t, second.log())

	f.wantListed(t, 2) // by the command alone
	if got := f.succeed(t, "prune", "--json"); strings.TrimSpace(got) != `{"vectors":0,"bytes":0}` {
		t.Errorf("prune prints %s", got)
	}
	if _, err := os.Stat(filepath.Join(f.data, "catalogue.db")); !os.IsNotExist(err) {
		t.Errorf("there is a SQLite file beside Postgres: %v", err)
	}
}

// wantListed expects so many index jobs, all of them over.
func (f folders) wantListed(t *testing.T, count int) {
	t.Helper()
	got := objects[web.Job](t, f.succeed(t, "job", "list", "--kind", "index", "--state", "succeeded", "--json"))
	if len(got) != count {
		t.Errorf("%d jobs are listed, want %d: %+v", len(got), count, got)
	}
}

// TestPostgresUnavailable: errors say what is wrong with a database, but do not show
// its password.
func TestPostgresUnavailable(t *testing.T) {
	f := withoutMilvus(t)
	there := postgrestest.Database(t)
	missing := withPassword(t, there)
	missing.Path = "/no_such_database"
	for _, test := range []struct {
		database string
		code     int
		words    []string
	}{
		{"postgres://user:" + url.PathEscape(secret) + "@127.0.0.1:1/pictures", exitUnavailable, []string{"127.0.0.1:1/pictures", "unavailable"}},
		{missing.String(), exitFailure, []string{"no_such_database"}},
		{"postgres://user:" + secret + "@127.0.0.1/pictures", exitFailure, []string{"postgres://USER:PASSWORD@HOST:PORT/NAME", "%2F"}},
		{"postgres://user@127.0.0.1/pictures?sslmode=never&password=" + secret, exitFailure, []string{"postgres://USER:PASSWORD@HOST:PORT/NAME"}},
		{"postgress://user:" + secret + "@127.0.0.1/pictures", exitUsage, []string{"--database", "postgres://"}},
	} {
		got := f.run(t, "job", "list", "--log-level", "debug", "--database", test.database)
		checkFailure(t, got, test.code, test.words, []string{"job", "list"})
		keepsSecret(t, got.stdout+got.stderr)
		if test.code == exitUsage {
			continue
		}
		doctor := f.run(t, "doctor", "--database", test.database)
		keepsSecret(t, doctor.stdout+doctor.stderr)
		if !strings.Contains(doctor.stdout, "problem  catalogue") {
			t.Errorf("the doctor finds nothing wrong with %s:\n%s", test.words, doctor.stdout)
		}
	}
}
