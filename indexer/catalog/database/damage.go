package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"polylens/indexer/catalog"
	"polylens/internal/text"
)

// DamagedError says that the file of a SQLite catalogue is broken, and how the newest
// backup takes its place.
type DamagedError struct {
	Path   string // empty where it is not known
	Reason string
}

// Error implements error. It is one line.
func (e *DamagedError) Error() string {
	return strings.Join(strings.Fields(fmt.Sprintf("the catalogue %s is damaged (%s):", e.Path, e.Reason)), " ") + " " + e.Remedy()
}

// Is lets errors.Is find catalog.ErrDamaged.
func (e *DamagedError) Is(target error) bool { return target == catalog.ErrDamaged }

// Remedy is the command that puts the newest good backup in the place of the damaged
// file, which is kept, or says that there is none.
func (e *DamagedError) Remedy() string {
	if e.Path == "" {
		return `"polylens doctor" says what to do`
	}
	made, _ := Backups(e.Path) // none is found where they cannot be listed
	for _, backup := range made {
		ctx, cancel := context.WithTimeout(context.Background(), checkLimit)
		err := checkFile(ctx, backup.Path)
		cancel()
		if err == nil {
			return fmt.Sprintf("its newest good backup is of %s; restore it with: %s", backup.Taken.Format(time.RFC3339), restoring(e.Path, backup.Path))
		}
	}
	return "there is no good backup of it; move it away and index the folders again: no picture is lost, but every one is encoded anew"
}

// restoring is a line for the shell. What SQLite keeps beside the file belongs to the
// damaged one, and goes with it: its log would spoil the backup.
func restoring(path, backup string) string {
	aside := text.QuoteShell(filepath.Join(filepath.Dir(path), DamagedFolder))
	return fmt.Sprintf("mkdir -p %s && mv -f %s* %s && cp -p %s %s", aside, text.QuoteShell(path), aside, text.QuoteShell(backup), text.QuoteShell(path))
}

// DamagedFolder is where a restored catalogue leaves the damaged one, beside it.
const DamagedFolder = "damaged-catalogue"

// Limits of the search for damage.
const (
	checkLimit = 10 * time.Minute
	// openCheck bounds what opening a catalogue takes longer: a large one is checked
	// as far as that goes, and wholly with every backup.
	openCheck = 3 * time.Second
)

// CheckFile looks for damage in the SQLite catalogue in a file, changes nothing, and
// returns a DamagedError. A catalogue that is still to be made has none.
func CheckFile(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	empty, err := isNew(path)
	if err != nil || empty {
		return err
	}
	return checkFile(ctx, path)
}

// isNew reports whether there is nothing in a file yet. A catalogue of which there are
// backups was not always empty.
func isNew(path string) (bool, error) {
	info, err := os.Stat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("catalogue: %w", err)
	}
	if err == nil && info.Size() > 0 {
		return false, nil
	}
	if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > 0 {
		return false, nil
	}
	if made, err := Backups(path); err != nil || len(made) == 0 {
		return true, err
	}
	return false, &DamagedError{Path: path, Reason: "it is empty, and there are backups of it"}
}

// checkFile looks for damage in a file that is there.
func checkFile(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", sqliteFile(path, "ro"))
	if err != nil {
		return err
	}
	defer db.Close()
	return checkSQLite(ctx, db, path)
}

func checkSQLite(ctx context.Context, db *sql.DB, path string) error {
	var found string
	err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&found)
	switch {
	case err != nil:
		return (&Store{path: path}).explain(fmt.Errorf("check the catalogue: %w", err))
	case found != "ok":
		return &DamagedError{Path: path, Reason: strings.Join(strings.Fields(found), " ")}
	}
	return nil
}

// checkOpened is checkSQLite for as long as opening may take.
func checkOpened(ctx context.Context, db *sql.DB, path string) error {
	brief, cancel := context.WithTimeout(ctx, openCheck)
	defer cancel()
	err := checkSQLite(brief, db, path)
	if brief.Err() != nil && !errors.Is(err, catalog.ErrDamaged) {
		return ctx.Err()
	}
	return err
}

// sqliteFile is the URL of a file with a mode of SQLite's, such as ro.
func sqliteFile(path, mode string) string {
	query := url.Values{"mode": {mode}, "_pragma": {"busy_timeout(15000)"}}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: query.Encode()}).String()
}
