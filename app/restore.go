package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"polylens/app/backup"
	"polylens/app/folder"
	"polylens/indexer"
	"polylens/internal/progress"
	"polylens/internal/replace"
	"polylens/web"
)

type restoreCommand struct {
	Dir     string `arg:"" type:"path" placeholder:"DIR" help:"Folder of backups that \"polylens backup\" has made."`
	Backup  string `placeholder:"NAME" help:"Which of them (default: the newest)."`
	List    bool   `xor:"what" help:"Only list the backups."`
	Verify  bool   `xor:"what" help:"Only read every file of the backup, and say whether it is as it was."`
	NoIndex bool   `help:"Do not fill the index in Milvus now: the next \"polylens serve\" does."`
	JSON    bool   `help:"With --list, print one JSON object a line: name, made."`
}

// Help documents the command.
func (*restoreCommand) Help() string {
	return `Brings a backup back into a data folder that is empty or missing. Every file of the backup is read and compared with its SHA-256 before anything is ` +
		`changed; what is wrong is named, and then nothing is restored. The index in Milvus is filled from the catalogue: no picture is encoded again. ` +
		`A restore that does not come to its end is never taken for a data folder.

Jobs go on where they were at the moment of the backup. Pictures in folders are not in it: they are found, and shown where the folders are there.

With a catalogue in Postgres, restore that first (pg_restore), and give --database as before.

Examples:

    polylens restore /mnt/backups/polylens --list
    polylens restore /mnt/backups/polylens --verify
    polylens restore /mnt/backups/polylens --data /var/lib/polylens
    polylens restore /mnt/backups/polylens --backup 20261130T120000Z

` + exitHelp
}

func (c *restoreCommand) Run(ctx context.Context, p *program) error {
	if p.globals.Server != "" {
		return usageError{errors.New("restore: run it on the machine of the data folder, without --server")}
	}
	if c.List {
		return c.list(p)
	}
	if !c.Verify {
		if err := backup.Check(p.globals.Data, folder.LockFile); err != nil {
			return err
		}
	}
	line := progress.New(p.terminal.err)
	show := func(done backup.Progress) { line.Show(backupProgress(done)) }
	found, err := backup.Open(ctx, c.Dir, c.Backup, show)
	line.End()
	if err != nil {
		return err
	}
	if c.Verify {
		p.print("Backup %s is whole: %d files, %s.", found.Name, found.Files, size(found.Bytes))
		return nil
	}
	if err := p.agreesWith(found); err != nil {
		return usageError{err}
	}
	err = p.restore(ctx, found, show)
	line.End()
	if err != nil {
		return err
	}
	p.print("Restored the backup %s, made %s: %d files, %s.", found.Name, timeText(found.Made), found.Files, size(found.Bytes))
	if c.NoIndex {
		return nil
	}
	return p.fillIndexes(ctx)
}

func (c *restoreCommand) list(p *program) error {
	all, err := backup.List(c.Dir)
	if err != nil {
		return err
	}
	for _, one := range all {
		if c.JSON {
			if err := json.NewEncoder(p.terminal.out).Encode(one); err != nil {
				return err
			}
			continue
		}
		p.print("%s  %s", one.Name, one.Made.Local().Format(time.DateTime))
	}
	return nil
}

// agreesWith refuses a backup of another kind of catalogue than the command line names.
func (p *program) agreesWith(found backup.Found) error {
	switch {
	case found.Postgres && !p.globals.sharesDatabase():
		return fmt.Errorf("the catalogue of the backup %s is in Postgres: restore that with pg_restore, and name it with --database", found.Name)
	case !found.Postgres && p.globals.sharesDatabase():
		return fmt.Errorf("the backup %s has a SQLite catalogue: leave --database out", found.Name)
	}
	return nil
}

// restore brings the files back. After a failure the data folder is empty again.
func (p *program) restore(ctx context.Context, found backup.Found, show func(backup.Progress)) error {
	data := p.globals.Data
	if err := found.Room(data); err != nil {
		return err
	}
	hold, _, err := p.hold("restore")
	if err != nil {
		return err
	}
	err = p.restoreHeld(ctx, found, show)
	if err == nil {
		err = backup.Settle(data, folder.RestoringFile)
	}
	return errors.Join(err, hold.Release(context.WithoutCancel(ctx)))
}

func (p *program) restoreHeld(ctx context.Context, found backup.Found, show func(backup.Progress)) error {
	data := p.globals.Data
	if err := backup.Check(data, folder.LockFile); err != nil { // now that nobody else comes in
		return err
	}
	mark := filepath.Join(data, folder.RestoringFile)
	if err := replace.Durable(mark, []byte(found.Name+"\n"), replace.Private); err != nil {
		return err
	}
	blobs, err := p.openBlobs(ctx)
	if err != nil {
		return errors.Join(err, os.Remove(mark))
	}
	err = found.Restore(ctx, data, blobs, show)
	err = errors.Join(err, blobs.Close())
	if err != nil {
		return errors.Join(err, backup.Empty(data, folder.LockFile))
	}
	return nil
}

// fillIndexes fills the index of each collection from the catalogue.
func (p *program) fillIndexes(ctx context.Context) error {
	if !p.globals.named { // the backup says which model
		p.globals.Model = ""
		if err := p.globals.chooseModel(); err != nil {
			return err
		}
	}
	api, here, err := p.catalogueAPI(ctx, "restore")
	if err != nil {
		return err
	}
	collections, err := api.Collections(ctx)
	if err == nil {
		err = here.begin(ctx, true)
	}
	if err != nil {
		return err
	}
	fill := checkCommand{Rebuild: true}
	for _, collection := range collections {
		line, err := fill.check(ctx, p, collection.Name, func() (web.Job, error) {
			return api.Check(ctx, collection.Name, web.CheckKind{Kind: indexer.JobRebuild})
		}, api)
		if err != nil {
			return err
		}
		p.print("%s: %d images can be found", collection.Name, line.Images)
	}
	return nil
}
