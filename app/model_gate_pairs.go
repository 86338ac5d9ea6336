package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"polylens/app/cldr"
	"polylens/indexer/catalog"
	"polylens/indexer/source"
	"polylens/search"
	"polylens/trainer/evaluate"
)

// gatePairs are pictures and what is said of them.
type gatePairs struct {
	source    string // for people
	own       bool   // the user's
	languages []string
	pictures  []gatePicture
}

type gatePicture struct {
	path     string
	captions []catalog.Caption
}

// undetermined is the tag of a text whose language nobody has told (ISO 639-2).
const undetermined = "und"

// readDemoPairs reads the demo, of whose languages those of Crossmodal-3600
// count.
func readDemoPairs(ctx context.Context, folder string, limit int, log *slog.Logger) (gatePairs, error) {
	pictures, err := readPairsFolder(ctx, folder, log)
	return gatePairs{source: "the demo", languages: cldr.Crossmodal3600, pictures: spread(pictures, limit)}, err
}

// readGatePairs reads a folder or a file of the user's.
func readGatePairs(ctx context.Context, path string, limit int, log *slog.Logger) (gatePairs, error) {
	info, err := os.Stat(path)
	if err != nil {
		return gatePairs{}, usageError{fmt.Errorf("--pairs: %w", err)}
	}
	var pictures []gatePicture
	if info.IsDir() {
		pictures, err = readPairsFolder(ctx, path, log)
	} else {
		pictures, err = readPairsFile(path)
	}
	if err != nil {
		return gatePairs{}, fmt.Errorf("pairs: %w", err)
	}
	if len(pictures) == 0 {
		return gatePairs{}, fmt.Errorf("pairs: no picture in %s has a caption", path)
	}
	pictures = spread(pictures, limit)
	return gatePairs{source: path, own: true, languages: languagesOf(pictures), pictures: pictures}, nil
}

// readPairsFolder lists the pictures with captions below a folder.
func readPairsFolder(ctx context.Context, folder string, log *slog.Logger) ([]gatePicture, error) {
	directory, err := source.NewDirectory(folder)
	if err != nil {
		return nil, err
	}
	var pictures []gatePicture
	err = directory.Walk(ctx, func(item source.Item) error {
		if captions := usableCaptions(item.Captions); len(captions) > 0 {
			pictures = append(pictures, gatePicture{item.Path, captions})
		}
		return nil
	}, func(problem source.Problem) { log.Warn("skipped", "uri", problem.URI, "error", problem.Err) })
	return pictures, err
}

func readPairsFile(path string) ([]gatePicture, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	pictures, err := parsePairs(file, filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return pictures, nil
}

// maxPairsLine bounds one line of a file of pairs, in bytes.
const maxPairsLine = 1 << 20

// parsePairs reads JSON objects, one a line: "image" is a path, relative to
// folder, and captions stand as source.ParseSidecar takes them. Lines about the
// same picture are one picture. A line that cannot be used is an error: it was
// written for this.
func parsePairs(file io.Reader, folder string) ([]gatePicture, error) {
	var pictures []gatePicture
	known := make(map[string]int)
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, maxPairsLine)
	number := 0
	for lines.Scan() {
		number++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		picture, err := parsePair(lines.Bytes(), folder)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		at, seen := known[picture.path]
		if !seen {
			known[picture.path] = len(pictures)
			pictures = append(pictures, picture)
			continue
		}
		pictures[at].captions = append(pictures[at].captions, picture.captions...)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", number+1, err)
	}
	return pictures, nil
}

func parsePair(line []byte, folder string) (gatePicture, error) {
	pair, err := source.ParseSidecar(line)
	if err != nil {
		return gatePicture{}, err
	}
	image, ok := pair.Metadata["image"].(string)
	if !ok || image == "" {
		return gatePicture{}, errors.New(`its field "image" is not the path of a picture`)
	}
	captions := usableCaptions(pair.Captions)
	if len(captions) == 0 {
		return gatePicture{}, fmt.Errorf(`it has no text of at most %d bytes: name one in "text" or "captions"`, search.MaxTextBytes)
	}
	if !filepath.IsAbs(image) {
		image = filepath.Join(folder, image)
	}
	return gatePicture{filepath.Clean(image), captions}, nil
}

// usableCaptions are those that can be searched for.
func usableCaptions(captions []source.Caption) []catalog.Caption {
	var usable []catalog.Caption
	for _, caption := range captions {
		if text := evaluate.Fold(caption.Text); text == "" || len(text) > search.MaxTextBytes {
			continue
		}
		if caption.Language == "" {
			caption.Language = undetermined
		}
		usable = append(usable, catalog.Caption{Language: strings.ToLower(caption.Language), Text: caption.Text})
	}
	return usable
}

// spread chooses at most limit pictures from all over the list, which is often
// sorted by what they show.
func spread(pictures []gatePicture, limit int) []gatePicture {
	if len(pictures) <= limit {
		return pictures
	}
	chosen := make([]gatePicture, limit)
	for i := range chosen {
		chosen[i] = pictures[i*len(pictures)/limit]
	}
	return chosen
}

// languagesOf lists the languages of captions as they come.
func languagesOf(pictures []gatePicture) []string {
	var languages []string
	seen := make(map[string]bool)
	for _, picture := range pictures {
		for _, caption := range picture.captions {
			if !seen[caption.Language] {
				seen[caption.Language] = true
				languages = append(languages, caption.Language)
			}
		}
	}
	return languages
}
