package fresh

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
)

// longestLine is that of a text, in bytes.
const longestLine = 1 << 20

// ReadTexts reads the lines of files that are not empty, without the space around
// them. It is an error if there are none.
func ReadTexts(paths []string) ([]string, error) {
	var lines []string
	for _, path := range paths {
		some, err := linesOf(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		lines = append(lines, some...)
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%s: there is no text", strings.Join(paths, ", "))
	}
	return lines, nil
}

func linesOf(path string) (lines []string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, longestLine)
	for scanner.Scan() {
		if line := strings.TrimSpace(scanner.Text()); line != "" {
			lines = append(lines, line)
		}
	}
	return lines, scanner.Err()
}
