package web

import (
	"os"
	"path/filepath"
	"strings"

	"polylens/internal/ordinary"
)

// usableFolder cleans the path of a folder and checks that pictures can be
// read from it. A leading ~/ stands for the home folder of the server's user.
func usableFolder(path string) (string, error) {
	path = strings.TrimSpace(path)
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", newProblem(kindNoFolder, "the home folder is not known; give the whole path")
		}
		path = filepath.Join(home, rest)
	}
	if strings.ContainsRune(path, 0) || !filepath.IsAbs(path) {
		return "", newProblem(kindNoFolder, "give the whole path of the folder, beginning with /")
	}
	path = filepath.Clean(path)
	info, err := ordinary.Stat(path)
	switch {
	case os.IsNotExist(err):
		return "", newProblem(kindNoFolder, "there is no folder "+path)
	case err != nil:
		return "", newProblem(kindNoFolder, "the folder "+path+" cannot be opened: "+reason(err))
	case !info.IsDir():
		return "", newProblem(kindNoFolder, path+" is a file; give the folder that holds it")
	}
	if err := ordinary.Listable(path); err != nil {
		return "", newProblem(kindNoFolder, "the folder "+path+" cannot be read: "+reason(err))
	}
	return path, nil
}

// reason is an error of the file system without the path, which the caller names.
func reason(err error) string {
	if path, ok := err.(*os.PathError); ok {
		return path.Err.Error()
	}
	return err.Error()
}
