package indexer

import (
	"fmt"
	"path"
	"strings"
)

// pushFolder is where the blob store keeps what pushes bring, each in a folder of its own.
const pushFolder = "pushes/"

// manifestName is the file that lists the chunks of a push.
func manifestName(push string) string { return pushFolder + push + "/manifest" }

func chunkName(push string, number int) string {
	return fmt.Sprintf("%s%s/%06d", pushFolder, push, number)
}

// archiveName is the file of an archive that cannot be read as it comes.
func archiveName(push string) string { return pushFolder + push + "/archive" }

// failedFolder is where the lines of a push that failed are kept.
func failedFolder(push string) string { return pushFolder + push + "/failed/" }

// failedName is the file of the failed lines of a chunk, by the name of the chunk's.
func failedName(chunk string) string { return failedFolder(pushOf(chunk)) + path.Base(chunk) }

// pushOf is the push that a file is of.
func pushOf(file string) string {
	push, _, _ := strings.Cut(strings.TrimPrefix(file, pushFolder), "/")
	return push
}
