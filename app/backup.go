package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"polylens/app/backup"
	"polylens/indexer/catalog/database"
	"polylens/internal/progress"
)

type backupCommand struct {
	Dir  string `arg:"" type:"path" placeholder:"DIR" help:"Folder of backups, which is made if it is missing. Put it on another disk."`
	Keep int    `placeholder:"N" help:"Afterwards remove all but the newest N backups in DIR, and the files that only those had (default: remove none)."`
	JSON bool   `help:"Print one JSON object: name, made, files, bytes, copied, new_bytes, missing."`
}

// Help documents the command.
func (*backupCommand) Help() string {
	return `Copies the catalogue as it is at one moment, with its API keys (which are hashes), the pictures that clients have sent, what pushes have still to do, and the models ` +
		`that are not built in. It works beside "polylens serve", which goes on. Files that an earlier backup in DIR has are not copied again. ` +
		`A backup counts once it has come to its end; one that is interrupted is none, and makes the next one shorter.

Not in it: the index in Milvus, which "polylens restore" fills from the catalogue, thumbnails, trainings under way, the audit log, and your pictures in ` +
		`folders, which Polylens only reads. With a catalogue in Postgres, copy that with pg_dump first; this copies the rest.

Pictures whose files are gone or damaged are named, and the exit code is 6; all else is in the backup.

Examples:

    polylens backup /mnt/backups/polylens
    polylens backup /mnt/backups/polylens --keep 14

` + exitHelp
}

func (c *backupCommand) Run(ctx context.Context, p *program) error {
	if p.globals.Server != "" {
		return usageError{errors.New("backup: run it on the machine of the server, without --server")}
	}
	if c.Keep < 0 {
		return usageError{fmt.Errorf("--keep %d: want 1 or more", c.Keep)}
	}
	running, err := p.holdOrFind(ctx, "backup")
	if err != nil {
		return err
	}
	source, err := p.backupSource(ctx, running != nil)
	if err != nil {
		return err
	}
	if err := apart(p.globals.Data, c.Dir); err != nil {
		return usageError{err}
	}
	line := progress.New(p.terminal.err)
	made, err := backup.Make(ctx, source, c.Dir, func(done backup.Progress) { line.Show(backupProgress(done)) })
	line.End()
	if err != nil {
		return fmt.Errorf("no backup was made: %w", err)
	}
	if c.Keep > 0 {
		if err := backup.Prune(ctx, c.Dir, c.Keep); err != nil {
			return fmt.Errorf("the backup %s was made, but old ones are still there: %w", made.Name, err)
		}
	}
	if err := c.print(p, made, source.Catalogue == ""); err != nil || len(made.Missing) == 0 {
		return err
	}
	return incompleteError{fmt.Errorf("the backup %s lacks %d pictures, which are gone or damaged: %s; `polylens check --read-data` says what to do",
		made.Name, len(made.Missing), strings.Join(made.Missing[:min(5, len(made.Missing))], "; "))}
}

// apart refuses a folder of backups in the data folder: both would be lost together, and
// each backup would hold the ones before.
func apart(data, dir string) error {
	relative, err := filepath.Rel(data, dir)
	if err == nil && filepath.IsLocal(relative) {
		return fmt.Errorf("%s is in the data folder: name a folder elsewhere, on another disk", dir)
	}
	return nil
}

// backupSource opens what is to be copied. A SQLite catalogue that a server has in use is
// only read.
func (p *program) backupSource(ctx context.Context, inUse bool) (backup.Source, error) {
	source := backup.Source{Data: p.globals.Data, Version: version()}
	if !p.globals.sharesDatabase() {
		source.Catalogue = p.globals.catalogueAt()
		if _, err := os.Stat(source.Catalogue); errors.Is(err, fs.ErrNotExist) {
			return source, fmt.Errorf("there is no catalogue in the data folder %s: nothing to back up", p.globals.Data)
		}
	}
	var err error
	if source.Catalogue != "" && inUse {
		if source.Store, err = database.OpenReadOnly(source.Catalogue); err == nil {
			p.later(func(context.Context) error { return source.Store.Close() })
		}
	} else {
		source.Store, err = p.openCatalog(ctx)
	}
	if err != nil {
		return source, err
	}
	if source.Blobs, err = p.openBlobs(ctx); err != nil {
		return source, err
	}
	p.later(func(context.Context) error { return source.Blobs.Close() })
	return source, nil
}

func (c *backupCommand) print(p *program, made backup.Report, postgres bool) error {
	if c.JSON {
		if made.Missing == nil {
			made.Missing = []string{}
		}
		return json.NewEncoder(p.terminal.out).Encode(made)
	}
	p.print("Backup %s: %d files, %s; %d of them new, %s.", made.Name, made.Files, size(made.Bytes), made.Copied, size(made.New))
	if postgres {
		p.print("The catalogue is in Postgres: keep the dump that pg_dump made before this with it.")
	}
	return nil
}

// backupProgress is the line that shows how far a backup or a restore has come.
func backupProgress(done backup.Progress) fmt.Stringer {
	text := done.Step
	if done.Of > 0 {
		text += fmt.Sprintf(": %s of %s, %d files", size(done.Bytes), size(done.Of), done.Files)
	}
	return progress.Text(text)
}
