package database

import (
	"path/filepath"
	"strings"
	"testing"
)

// A rebuild reads page after page: were each one to sort the whole collection,
// a million images would take days.
func TestPendingPagesAreNotSorted(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "catalog.db"))
	var plan []string
	err := each(t.Context(), s.read, func(scan func(...any) error) error {
		var id, parent, unused int
		var step string
		err := scan(&id, &parent, &unused, &step)
		plan = append(plan, step)
		return err
	}, `EXPLAIN QUERY PLAN `+selectPending+pendingPage, "c", model, "", 10)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(plan, "\n")
	if strings.Contains(text, "TEMP B-TREE") || !strings.Contains(text, "images_by_id (collection=? AND id>?)") {
		t.Errorf("the plan is\n%s", text)
	}
}
