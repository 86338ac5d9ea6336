package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"polylens/app/folder"
	"polylens/app/setup"
	"polylens/encoder/hub"
	"polylens/indexer/catalog/database"
	"polylens/internal/disk"
	"polylens/internal/memory"
	"polylens/search/milvus"
)

const runSetup = `run "polylens setup"`

func (d *Doctor) checkItems(_ context.Context) []Finding {
	var found []Finding
	for _, name := range setup.Default(false) {
		if name == setup.Milvus && d.Milvus != "" {
			continue
		}
		ready, err := d.Setup.Status(name)
		if open := libraries[name]; open != nil {
			found = append(found, checkLibrary(name, ready, err, open))
			continue
		}
		if err != nil {
			found = append(found, trouble(name, runSetup, err))
			continue
		}
		found = append(found, good(name, "%s in %s (%s)", ready.Version, ready.Path, ready.Source))
	}
	return found
}

func (d *Doctor) checkModel(_ context.Context) []Finding {
	const remedy = "name a model directory with --model; \"polylens model list\" shows the models that are here"
	dir, err := d.FindModel(d.Model)
	if err != nil {
		return []Finding{trouble("model", remedy, err)}
	}
	info, err := hub.Describe(d.Model, dir)
	if err != nil {
		return []Finding{trouble("model", remedy, err)}
	}
	fingerprint, err := hub.Fingerprint(dir)
	if err != nil {
		return []Finding{trouble("model", remedy, err)}
	}
	return []Finding{good("model", "%s: %d numbers a vector, %d pixels, %.1f M parameters, fingerprint %.12s",
		info.Name, info.Dimension, info.ImageSize, float64(info.Parameters)/1e6, fingerprint)}
}

func (d *Doctor) checkMilvus(ctx context.Context) []Finding {
	if d.Milvus == "" {
		return nil
	}
	switch err := d.Connect(ctx); {
	case errors.Is(err, milvus.ErrInsecure) && d.InsecureMilvus:
		return []Finding{warning("milvus", "see that nobody but Polylens reaches any of its ports, or upgrade it", "the server at %s answers. %v", d.Milvus, err)}
	case errors.Is(err, milvus.ErrInsecure):
		return []Finding{trouble("milvus", milvus.InsecureRemedy, err)}
	case err != nil:
		return []Finding{trouble("milvus", "start the server, or leave --milvus out to run the embedded one", err)}
	}
	return []Finding{good("milvus", "the server at %s answers", d.Milvus)}
}

func (d *Doctor) checkIsolation(_ context.Context) []Finding {
	if d.Milvus != "" {
		return nil
	}
	return []Finding{isolation(milvus.Probe(d.ExposeMilvus))}
}

// isolation is the finding about what Probe says.
func isolation(exposure milvus.Exposure, err error) Finding {
	switch {
	case errors.Is(err, milvus.ErrRefused):
		return trouble("isolation", milvus.Remedies, err)
	case err != nil:
		return trouble("isolation", "mend what the error names, such as a limit (ulimit -a) or a lack of memory, and ask the doctor again", err)
	case exposure.Isolated:
		return good("isolation", "%s", exposure)
	}
	return warning("isolation", "allow user namespaces and leave --expose-milvus out, or close the ports with a firewall", "%s", exposure)
}

func (d *Doctor) checkData(ctx context.Context) []Finding {
	info, err := os.Stat(d.Data)
	if errors.Is(err, fs.ErrNotExist) {
		return []Finding{good("data", "%s will be created", d.Data)}
	}
	if err != nil {
		return []Finding{trouble("data", "name another folder with --data", err)}
	}
	hold, holder, err := folder.Take(d.Data, "doctor")
	switch {
	case err == nil:
		err = hold.Release(ctx)
	case errors.Is(err, folder.ErrInUse) && holder.Alive(ctx):
		return []Finding{good("data", "%s, in use by the server at http://%s (process %d)", d.Data, holder.Address, holder.PID)}
	case errors.Is(err, folder.ErrInUse):
		return []Finding{warning("data", "wait for that process, or stop it", "%v", err)}
	}
	if err != nil {
		return []Finding{trouble("data", "make it writable for this user, or name another folder with --data", err)}
	}
	if info.Mode().Perm()&0o077 != 0 {
		return []Finding{warning("data", "chmod 700 "+d.Data, "%s can be read by other users", d.Data)}
	}
	return []Finding{good("data", "%s, free", d.Data)}
}

// checkCatalogue says where the catalogue is, and asks a Postgres server for its
// version.
func (d *Doctor) checkCatalogue(ctx context.Context) []Finding {
	if !database.IsPostgres(d.Catalogue) {
		return d.checkSQLite(ctx)
	}
	place, version, err := database.PostgresVersion(ctx, d.Catalogue)
	if err != nil {
		return []Finding{trouble("catalogue", "start the Postgres server, and see that --database or POLYLENS_DATABASE names it", err)}
	}
	return []Finding{good("catalogue", "Postgres %s at %s", version, place)}
}

// checkSQLite looks for damage in the file of the catalogue, and says which backups
// there are.
func (d *Doctor) checkSQLite(ctx context.Context) []Finding {
	err := database.CheckFile(ctx, d.Catalogue)
	var damaged *database.DamagedError
	if errors.As(err, &damaged) {
		return []Finding{trouble("catalogue", damaged.Remedy(), fmt.Errorf("%s is damaged: %s", d.Catalogue, damaged.Reason))}
	}
	if err != nil {
		return []Finding{trouble("catalogue", "make it readable for this user", err)}
	}
	found := []Finding{good("catalogue", "SQLite, in %s, undamaged", d.Catalogue)}
	backups, err := database.Backups(d.Catalogue)
	if err != nil {
		return append(found, trouble("backup", "make that folder readable for this user", err))
	}
	if len(backups) == 0 {
		return append(found, good("backup", "none of the catalogue yet; the server makes one a day"))
	}
	newest := backups[0]
	return append(found, good("backup", "of the catalogue as of %s, in %s", newest.Taken.Local().Format(time.DateTime), newest.Path))
}

// checkAside tells of data of Milvus that was damaged and is kept.
func (d *Doctor) checkAside(context.Context) []Finding {
	aside, err := milvus.SetAside(filepath.Join(d.Data, milvusFolder))
	if err != nil {
		return []Finding{trouble("milvus-data", "make the data folder readable for this user", err)}
	}
	var found []Finding
	for _, folder := range aside {
		found = append(found, warning("milvus-data", "delete it once nobody wants to look into it: "+folder.Folder,
			"damaged data of Milvus, %.1f GB, was set aside and filled anew from the catalogue", gigabytes(uint64(folder.Bytes))))
	}
	return found
}

// milvusFolder is that of the embedded Milvus within a data folder.
const milvusFolder = "milvus"

// Least free space, in bytes: below it something will fail soon.
const (
	leastDisk   = 2 << 30
	leastMemory = 1 << 30
)

func (d *Doctor) checkDisk(_ context.Context) []Finding {
	var found []Finding
	for _, place := range []struct{ check, folder string }{{"disk-data", d.Data}, {"disk-cache", d.Cache}} {
		free, err := disk.Free(place.folder)
		switch {
		case err != nil:
			found = append(found, trouble(place.check, "name another folder with --data or --cache", err))
		case free < leastDisk:
			found = append(found, warning(place.check, "make room", "%.1f GB free in %s", gigabytes(free), place.folder))
		default:
			found = append(found, good(place.check, "%.1f GB free in %s", gigabytes(free), place.folder))
		}
	}
	return found
}

func checkMemory(context.Context) []Finding {
	free, ok := memory.Available()
	if !ok {
		return nil // not Linux: nothing to say
	}
	available := uint64(free)
	if available < leastMemory {
		return []Finding{warning("memory", "end other programs: Milvus alone takes about half a gigabyte", "%.1f GB available", gigabytes(available))}
	}
	return []Finding{good("memory", "%.1f GB available", gigabytes(available))}
}

func gigabytes(bytes uint64) float64 { return float64(bytes) / (1 << 30) }
