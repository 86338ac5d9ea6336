package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"polylens/app/folder"
	"polylens/app/setup"
	"polylens/encoder/hub"
	"polylens/indexer/catalog/database"
	"polylens/internal/disk"
	"polylens/search/milvus"
)

const runSetup = `run "polylens setup"`

func checkItems(_ context.Context, p *program) []finding {
	s := p.setup("", nil)
	var found []finding
	for _, name := range setup.Default(false) {
		if name == setup.Milvus && p.milvusAddress() != "" {
			continue
		}
		ready, err := s.Status(name)
		if err != nil {
			found = append(found, trouble(name, runSetup, err))
			continue
		}
		found = append(found, good(name, "%s in %s (%s)", ready.Version, ready.Path, ready.Source))
	}
	return found
}

func checkModel(_ context.Context, p *program) []finding {
	const remedy = "name a model directory with --model; \"polylens model list\" shows those at hand"
	dir, err := p.modelFolder()
	if err != nil {
		return []finding{trouble("model", remedy, err)}
	}
	info, err := hub.Describe(p.globals.Model, dir)
	if err != nil {
		return []finding{trouble("model", remedy, err)}
	}
	fingerprint, err := hub.Fingerprint(dir)
	if err != nil {
		return []finding{trouble("model", remedy, err)}
	}
	return []finding{good("model", "%s: %d numbers a vector, %d pixels, %.1f M parameters, fingerprint %.12s",
		info.Name, info.Dimension, info.ImageSize, float64(info.Parameters)/1e6, fingerprint)}
}

func checkMilvus(ctx context.Context, p *program) []finding {
	address := p.milvusAddress()
	if address == "" {
		return nil
	}
	index, _, err := p.openIndex(ctx)
	if err == nil {
		err = index.Ready(ctx)
	}
	if err != nil {
		return []finding{trouble("milvus", "start the server, or leave --milvus out to run the embedded one", err)}
	}
	return []finding{good("milvus", "the server at %s answers", address)}
}

func checkIsolation(_ context.Context, p *program) []finding {
	if p.milvusAddress() != "" {
		return nil
	}
	exposure := milvus.Probe()
	if exposure.Isolated {
		return []finding{good("isolation", "%s", exposure)}
	}
	return []finding{warning("isolation", "allow unprivileged user namespaces, or close the ports with a firewall", "%s", exposure)}
}

func checkData(ctx context.Context, p *program) []finding {
	info, err := os.Stat(p.globals.Data)
	if errors.Is(err, fs.ErrNotExist) {
		return []finding{good("data", "%s will be created", p.globals.Data)}
	}
	if err != nil {
		return []finding{trouble("data", "name another folder with --data", err)}
	}
	hold, holder, err := folder.Take(p.globals.Data, "doctor")
	switch {
	case err == nil:
		err = hold.Release(ctx)
	case errors.Is(err, folder.ErrInUse) && holder.Alive(ctx):
		return []finding{good("data", "%s, in use by the server at http://%s (process %d)", p.globals.Data, holder.Address, holder.PID)}
	case errors.Is(err, folder.ErrInUse):
		return []finding{warning("data", "wait for that process, or stop it", "%v", err)}
	}
	if err != nil {
		return []finding{trouble("data", "make it writable for this user, or name another folder with --data", err)}
	}
	if info.Mode().Perm()&0o077 != 0 {
		return []finding{warning("data", "chmod 700 "+p.globals.Data, "%s can be read by other users", p.globals.Data)}
	}
	return []finding{good("data", "%s, free", p.globals.Data)}
}

// checkCatalogue tells where the catalogue is, and asks a Postgres server whether
// it is there.
func checkCatalogue(ctx context.Context, p *program) []finding {
	if !p.sharesDatabase() {
		return []finding{good("catalogue", "SQLite, in %s", p.catalogueAt())}
	}
	place, version, err := database.PostgresVersion(ctx, p.globals.Database)
	if err != nil {
		return []finding{trouble("catalogue", "start the Postgres server, and see that --database or POLYLENS_DATABASE names it", err)}
	}
	return []finding{good("catalogue", "Postgres %s at %s", version, place)}
}

// Least free space, in bytes: below it something will fail soon.
const (
	leastDisk   = 2 << 30
	leastMemory = 1 << 30
)

func checkDisk(_ context.Context, p *program) []finding {
	var found []finding
	for _, place := range []struct{ check, folder string }{{"disk-data", p.globals.Data}, {"disk-cache", p.globals.Cache}} {
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

func checkMemory(context.Context, *program) []finding {
	available, err := availableMemory()
	if err != nil {
		return nil // not Linux: nothing to say
	}
	if available < leastMemory {
		return []finding{warning("memory", "end other programs: Milvus alone takes about half a gigabyte", "%.1f GB available", gigabytes(available))}
	}
	return []finding{good("memory", "%.1f GB available", gigabytes(available))}
}

// availableMemory reads what Linux says it can give without swapping.
func availableMemory() (uint64, error) {
	file, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var kilobytes uint64
		if _, err := fmt.Sscanf(lines.Text(), "MemAvailable: %d kB", &kilobytes); err == nil {
			return kilobytes << 10, nil
		}
	}
	return 0, errors.New("/proc/meminfo says nothing of available memory")
}

func gigabytes(bytes uint64) float64 { return float64(bytes) / (1 << 30) }
