package database

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"polylens/indexer/catalog"
)

func itoa(n int) string { return strconv.Itoa(n) }

// filled is a catalogue of some pages, closed.
func filled(t *testing.T, path string) {
	t.Helper()
	s := opened(t, path)
	for i := range 400 {
		if _, err := s.CreateCollection(t.Context(), "c"+itoa(i), 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func opened(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// backedUp makes a backup at a moment.
func backedUp(t *testing.T, path string, at time.Time) *Backup {
	t.Helper()
	s := opened(t, path)
	defer s.Close()
	s.now = func() time.Time { return at }
	backup, err := s.BackUp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return backup
}

// TestNoBackupOfNothing: a catalogue that is empty, as on the first day or by mistake, is
// not copied: it would push out the copies of better days.
func TestNoBackupOfNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalogue.db")
	day := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	if made := backedUp(t, path, day); made != nil {
		t.Errorf("nothing is backed up as %+v", made)
	}
	s := opened(t, path)
	if _, err := s.CreateCollection(t.Context(), "c", 0); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if backedUp(t, path, day.Add(time.Minute)) == nil {
		t.Error("no backup of the first collection")
	}
}

// TestBackUp: one a day, while others write; the newest two are kept, readable by their
// owner alone.
func TestBackUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "it's here", "catalogue.db")
	filled(t, path)
	day := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	first := backedUp(t, path, day)
	if first == nil {
		t.Fatal("no first backup")
	}
	if info, err := os.Stat(first.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if again := backedUp(t, path, day.Add(23*time.Hour)); again != nil {
		t.Errorf("another one on the same day: %+v", again)
	}
	if back := backedUp(t, path, day.Add(-time.Hour)); back == nil {
		t.Error("none after the clock was set back")
	}
	for i := range 4 {
		if backedUp(t, path, day.Add(time.Duration(i+1)*25*time.Hour)) == nil {
			t.Errorf("none on day %d", i+1)
		}
	}
	made, err := Backups(path)
	if err != nil || len(made) != keepBackups || !made[0].Taken.After(made[1].Taken) {
		t.Fatalf("kept are %+v, %v", made, err)
	}
	if err := CheckFile(t.Context(), made[0].Path); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(filepath.Dir(made[0].Path))
	if err != nil || len(entries) != keepBackups {
		t.Errorf("%d files beside the backups, %v", len(entries), err)
	}
}

// A catalogue that has grown much is copied before the day is over.
func TestBackUpOfGrownCatalogue(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalogue.db")
	s := opened(t, path)
	if _, err := s.CreateCollection(t.Context(), "first", 0); err != nil {
		t.Fatal(err)
	}
	s.Close()
	day := time.Now()
	backedUp(t, path, day)
	filled(t, path)
	s = opened(t, path)
	if err := s.SaveRules(t.Context(), "c0", "s", bytes.Repeat([]byte("x"), 1<<20)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if backedUp(t, path, day.Add(10*time.Minute)) != nil {
		t.Error("a backup after ten minutes")
	}
	if backedUp(t, path, day.Add(2*time.Hour)) == nil {
		t.Error("no backup after two hours")
	}
}

// What a killed process left of a backup is no backup, and goes with the next one.
func TestHalfABackupIsNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalogue.db")
	filled(t, path)
	part := filepath.Join(filepath.Dir(path), backupFolder, backupPrefix+"20260301T120000Z"+backupSuffix+backupPart)
	if err := os.MkdirAll(filepath.Dir(part), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(part, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if made, err := Backups(path); err != nil || len(made) != 0 {
		t.Errorf("%+v, %v", made, err)
	}
	backedUp(t, path, time.Now())
	if _, err := os.Stat(part); !errors.Is(err, os.ErrNotExist) {
		t.Error("the half backup is still there")
	}
}

// damages are ways in which a file of SQLite breaks.
var damages = map[string]func(content []byte) []byte{
	"random bytes": func(content []byte) []byte {
		random := rand.New(rand.NewPCG(1, 2))
		for i := range content {
			content[i] = byte(random.Uint32())
		}
		return content
	},
	"truncated in the middle": func(content []byte) []byte { return content[:len(content)/2/4096*4096] },
	"truncated in a page":     func(content []byte) []byte { return content[:len(content)-1000] },
	"zeros in the middle":     func(content []byte) []byte { clear(content[len(content)/2/4096*4096:]); return content },
	"zeros at the beginning":  func(content []byte) []byte { clear(content[:4096]); return content },
	"empty":                   func([]byte) []byte { return nil },
	"not a database":          func([]byte) []byte { return []byte(strings.Repeat("I am no database.", 1000)) },
}

// TestDamage: each is noticed by the check and when the catalogue is opened, which
// names the way back in one line, and that line works.
func TestDamage(t *testing.T) {
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "it's here", "catalogue.db")
			filled(t, path)
			backup := backedUp(t, path, time.Now())
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := CheckFile(t.Context(), path); !errors.Is(err, catalog.ErrDamaged) {
				t.Errorf("checked: %v", err)
			}
			_, err = Open(t.Context(), path)
			var damaged *DamagedError
			if !errors.As(err, &damaged) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), filepath.Base(backup.Path)) {
				t.Fatalf("opened: %v", err)
			}
			_, command, _ := strings.Cut(damaged.Remedy(), "restore it with: ")
			if output, err := exec.CommandContext(t.Context(), "sh", "-c", command).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v %s", command, err, output)
			}
			s := opened(t, path)
			defer s.Close()
			if found, err := s.Collections(t.Context()); err != nil || len(found) != 400 {
				t.Errorf("restored are %d collections, %v", len(found), err)
			}
		})
	}
}

// A damaged backup is passed over, and without any the error says so.
func TestDamagedBackups(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalogue.db")
	filled(t, path)
	older := backedUp(t, path, time.Now().Add(-48*time.Hour))
	newer := backedUp(t, path, time.Now())
	remedy := func() string { return (&DamagedError{Path: path}).Remedy() }
	if got := remedy(); !strings.Contains(got, newer.Path) {
		t.Errorf("with two good backups: %s", got)
	}
	if err := os.Truncate(newer.Path, 5000); err != nil {
		t.Fatal(err)
	}
	if got := remedy(); !strings.Contains(got, older.Path) {
		t.Errorf("with one good backup: %s", got)
	}
	if err := os.Remove(older.Path); err != nil {
		t.Fatal(err)
	}
	if got := remedy(); !strings.Contains(got, "no good backup") || strings.Contains(got, "cp ") {
		t.Errorf("without a good backup: %s", got)
	}
}

// Damage that is found while the catalogue is in use has its name as well.
func TestDamageInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalogue.db")
	filled(t, path)
	s := opened(t, path)
	defer s.Close()
	db, err := sql.Open("sqlite", sqliteFile(path, "rw"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		t.Fatal(err)
	}
	db.Close()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(content[4096:])
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s.read.SetMaxIdleConns(0) // what connections remember of pages
	if _, err := s.Collections(t.Context()); !errors.Is(err, catalog.ErrDamaged) {
		t.Errorf("read: %v", err)
	}
}

// A check is given up when its caller is.
func TestCheckEndsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalogue.db")
	filled(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := CheckFile(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
