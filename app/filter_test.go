package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"polylens/internal/needs"
	"polylens/search"
)

// numbered is a folder of pictures of which each has a number.
func numbered(t *testing.T, count int) string {
	t.Helper()
	pictures := trainPictures(t, count)
	found, err := filepath.Glob(filepath.Join(pictures, "*.png"))
	if err != nil || len(found) != count {
		t.Fatal(found, err)
	}
	for i, path := range found {
		if err := os.WriteFile(path+".json", fmt.Appendf(nil, `{"number":%d,"name":"picture %d"}`, i, i), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return pictures
}

// conditions are so many of one kind, of which the last ones are true of some picture.
func conditions(count int, one func(n int) string) string {
	all := make([]string, count)
	for i := range all {
		all[i] = one(count - 1 - i)
	}
	return strings.Join(all, ",")
}

// TestLargestFilters: 1,000 conditions are answered, however they are written and long
// as they may be, and 1,001 are refused with a word about it.
func TestLargestFilters(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	f := newFolders(t)
	server := f.serve(t)
	server.waitReady(t)
	const count = 12
	f.index(t, numbered(t, count))
	long := strings.Repeat("x", 900)
	for label, write := range map[string]func(n int) string{
		"values": func(n int) string {
			return `{"field":"number","in":[` + conditions(n, func(n int) string { return fmt.Sprint(n) }) + `]}`
		},
		"conditions": func(n int) string {
			return `{"or":[` + conditions(n, func(n int) string { return fmt.Sprintf(`{"field":"number","eq":%d}`, n) }) + `]}`
		},
		"long values": func(n int) string {
			return `{"or":[{"field":"number","ge":0},{"field":"name","in":[` +
				conditions(n-1, func(n int) string { return fmt.Sprintf(`"%d %s"`, n, long) }) + `]}]}`
		},
		"denied": func(n int) string {
			return `{"not":{"and":[` + conditions(n, func(n int) string { return fmt.Sprintf(`{"field":"number","ne":%d}`, n) }) + `]}}`
		},
	} {
		most, more := write(search.MaxFilterValues), write(search.MaxFilterValues+1)
		t.Run(label, func(t *testing.T) {
			if hits := server.query(t, most, http.StatusOK); hits != count {
				t.Errorf("%d hits, want %d", hits, count)
			}
			server.query(t, more, http.StatusUnprocessableEntity, "more than 1000 conditions")
			if strings.Contains(most, long) {
				server.query(t, `{"and":[`+most+`,{"field":"name","eq":"`+strings.Repeat(long, 200)+`"}]}`, http.StatusRequestEntityTooLarge)
				server.address414(t, most)
				return
			}
			address := "/api/v1/collections/c/search?q=picture&filter="
			if hits := hitsIn(t, server.get(t, address+url.QueryEscape(most), http.StatusOK)); hits != count {
				t.Errorf("in the address: %d hits, want %d", hits, count)
			}
			if body := server.get(t, address+url.QueryEscape(more), http.StatusUnprocessableEntity); !strings.Contains(body, "more than 1000 conditions") {
				t.Errorf("in the address: %s", body)
			}
		})
	}
}

// query searches with a filter in the body and returns the number of hits, or 0 for a
// problem, which has to say something.
func (s *server) query(t *testing.T, filter string, status int, says ...string) int {
	t.Helper()
	body := s.post(t, "/api/v1/collections/c/query", "application/json", `{"q":"picture","filter":`+filter+`}`, status)
	for _, words := range says {
		if !strings.Contains(body, words) {
			t.Errorf("%.300s does not say %q", body, words)
		}
	}
	if status != http.StatusOK {
		return 0
	}
	return hitsIn(t, body)
}

// address414 wants a filter that no address can hold refused with the way that can.
func (s *server) address414(t *testing.T, filter string) {
	t.Helper()
	for _, length := range []int{1 << 16, 100_000} {
		body := s.get(t, "/api/v1/collections/c/search?q=picture&filter="+url.QueryEscape(filter)[:length], http.StatusRequestURITooLong)
		if !strings.Contains(body, "POST /api/v1/collections/{name}/query") || !strings.Contains(body, "address-too-long") {
			t.Errorf("%d bytes: %.300s", length, body)
		}
	}
}

func hitsIn(t *testing.T, body string) int {
	t.Helper()
	var answer struct{ Hits []struct{} }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	return len(answer.Hits)
}
