package database

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"polylens/indexer/catalog"
	"polylens/internal/disk"
	"polylens/internal/disktest"
)

// A full disk is told from other failures, by its name and place, and leaves the
// catalogue whole; with room again, everything goes on.
func TestFullDisk(t *testing.T) {
	disktest.Run(t, 4<<20, func(t *testing.T, d disktest.Disk) {
		path := filepath.Join(d.Folder, "catalogue.db")
		s, err := Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		first, err := s.CreateCollection(t.Context(), "first", 0)
		if err != nil {
			t.Fatal(err)
		}
		d.Leave(t, 0)
		made := 0
		for err == nil && made < 100_000 {
			if _, err = s.CreateCollection(t.Context(), "c"+strings.Repeat("x", 40)+itoa(made), 0); err == nil {
				made++
			}
		}
		var full *disk.FullError
		if !errors.As(err, &full) || full.Folder != d.Folder || !errors.Is(err, disk.ErrFull) {
			t.Fatalf("after %d collections: %v", made, err)
		}
		if err := s.SaveRules(t.Context(), first.ID, "s", []byte(strings.Repeat("x", 1<<20))); !errors.Is(err, disk.ErrFull) {
			t.Errorf("a single statement: %v", err)
		}
		d.Leave(t, 8<<20)
		if _, err := s.CreateCollection(t.Context(), "with-room", 0); err != nil {
			t.Error(err)
		}
		if found, err := s.Collections(t.Context()); err != nil || len(found) != made+2 {
			t.Errorf("%d collections, %v, want %d", len(found), err, made+2)
		}
		if err := CheckFile(t.Context(), path); err != nil {
			t.Error(err)
		}
	})
}

// A collection can be deleted with little room, however large it is.
func TestDeleteLargeOnFullDisk(t *testing.T) {
	disktest.Run(t, 256<<20, func(t *testing.T, d disktest.Disk) {
		s, err := Open(t.Context(), filepath.Join(d.Folder, "catalogue.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		found, err := s.CreateCollection(t.Context(), "c", 0)
		if err != nil {
			t.Fatal(err)
		}
		const images = 8000
		var records []catalog.Record
		for n := range images {
			records = append(records, record("file:///p/"+itoa(n)+strings.Repeat("x", 500), itoa(n)))
		}
		if err := s.SaveImages(t.Context(), found.ID, model, records); err != nil {
			t.Fatal(err)
		}
		if _, err := s.write.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
			t.Fatal(err)
		}
		d.Leave(t, 4<<20)
		if err := s.deleteCollection(t.Context(), found.ID); !errors.Is(err, disk.ErrFull) {
			t.Fatalf("all at once: %v; the test shows little", err)
		}
		if err := s.DeleteCollection(t.Context(), found.ID); err != nil {
			t.Error(err)
		}
		if left, err := s.Collections(t.Context()); err != nil || len(left) != 0 {
			t.Errorf("left are %v, %v", left, err)
		}
	})
}

// Where there is no room for a copy, none is begun.
func TestBackUpNeedsRoom(t *testing.T) {
	disktest.Run(t, 8<<20, func(t *testing.T, d disktest.Disk) {
		s, err := Open(t.Context(), filepath.Join(d.Folder, "catalogue.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, err := s.CreateCollection(t.Context(), "c", 0); err != nil {
			t.Fatal(err)
		}
		if backup, err := s.BackUp(t.Context()); !errors.Is(err, disk.ErrFull) || backup != nil {
			t.Errorf("backed up: %+v, %v", backup, err)
		}
		d.Leave(t, 2*disk.Low)
		if backup, err := s.BackUp(t.Context()); err != nil || backup == nil {
			t.Errorf("backed up: %+v, %v", backup, err)
		}
	})
}
