package milvus

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/internal/disk"
	"polylens/internal/disktest"
	"polylens/search"
)

// TestFullDisk: a server on a full disk says so, whatever its own words are, loses
// nothing, and lives again when there is room.
func TestFullDisk(t *testing.T) {
	folder := needServer(t)
	disktest.Run(t, 2<<30, func(t *testing.T, d disktest.Disk) {
		data := filepath.Join(d.Folder, "milvus")
		key := fillAndKill(t, data)
		d.Leave(t, 0)
		_, err := Start(t.Context(), ServerOptions{Folder: folder, Data: data, Logger: testLog(), StartTimeout: time.Minute})
		if !errors.Is(err, disk.ErrFull) || !strings.Contains(err.Error(), d.Folder) {
			t.Fatalf("started on a full disk: %v", err)
		}
		checkAside(t, data, nil)
		d.Leave(t, 1<<30)
		server := startServer(t, ServerOptions{Data: data})
		index := connect(t, server)
		eventually(t, 2*time.Minute, func() error { return wantCount(t, index, key, 550) })
		checkFillingUp(t, d, server, index)
	})
}

// checkFillingUp fills the disk under a server that runs.
func checkFillingUp(t *testing.T, d disktest.Disk, server *Server, index *Index) {
	t.Helper()
	d.Leave(t, 0)
	key := search.Key{Collection: catalog.CollectionID("server " + t.Name()), Fingerprint: "ab"}
	rows := make([]search.Row, 500)
	for i := range rows {
		rows[i] = search.Row{ID: fmt.Sprintf("row%05d", i), Vector: []float32{1, 0}}
	}
	for range 20 { // until the log has no room any more
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		err := index.Upsert(ctx, key, rows)
		cancel()
		if err != nil {
			t.Logf("on a full disk: %v", err)
			break
		}
	}
	d.Leave(t, 1<<30)
	eventually(t, 3*time.Minute, func() error { return index.Ready(t.Context()) })
	fill(t, index, 700)
	eventually(t, time.Minute, func() error { return wantCount(t, index, key, 750) })
	if listed, err := os.ReadDir(d.Folder); err != nil || len(listed) != 1 {
		t.Errorf("on the disk are %v, %v", listed, err)
	}
	t.Logf("the server was started %d times", server.Starts())
}
