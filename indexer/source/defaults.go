package source

import (
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// defaultFolders are left behind by photo systems, file servers and operating systems,
// in lower case.
var defaultFolders = names(
	// Synology, QNAP and other file servers
	"@eaDir", "#recycle", "#snapshot", "@Recycle", "@Recently-Snapshot", "@__thumb", ".@__thumb", ".snapshot", ".snapshots", ".zfs",
	// Windows
	"$RECYCLE.BIN", "RECYCLER", "System Volume Information",
	// macOS
	"__MACOSX", ".Trash", ".Trashes", ".Spotlight-V100", ".fseventsd", ".DocumentRevisions-V100", ".TemporaryItems", ".AppleDouble", ".AppleDesktop",
	// Linux
	".thumbnails", "lost+found", ".cache",
	// version control and programs that keep copies
	".git", ".hg", ".svn", ".bzr", ".stversions", ".stfolder", ".sync", ".dropbox.cache",
)

// defaultFiles are names of files, in lower case.
var defaultFiles = names(".DS_Store", "Thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", ".picasa.ini", "Picasa.ini", ".directory")

func names(list ...string) map[string]string {
	found := make(map[string]string, len(list))
	for _, name := range list {
		found[strings.ToLower(name)] = name
	}
	return found
}

// libraries are folders in which a program keeps pictures beside what it made of them,
// with the folders in them that hold the pictures.
var libraries = map[string][]string{
	".photoslibrary":           {"originals", "masters"},
	".photolibrary":            {"originals", "masters"},
	".migratedphotolibrary":    {"masters"},
	".aplibrary":               {"masters"},
	".migratedaperturelibrary": {"masters"},
}

// DefaultExcludes names what a walk leaves out unless Rules.NoDefaultExcludes, for
// people.
func DefaultExcludes() []string {
	var list []string
	for _, set := range []map[string]string{defaultFolders, defaultFiles} {
		for _, name := range set {
			list = append(list, name)
		}
	}
	for extension := range libraries {
		list = append(list, libraryRule(extension))
	}
	list = append(list, trashRule, trashedRule, previewsRule, immichRule)
	slices.Sort(list)
	return list
}

// Rules for what has no one name.
const (
	trashRule    = ".Trash-*"   // freedesktop.org's on other disks
	trashedRule  = ".trashed-*" // Android's
	previewsRule = "*.lrdata"   // Lightroom's
	immichRule   = "Immich's thumbs and encoded-video"
)

func libraryRule(extension string) string { return "*" + extension + " (but for its originals)" }

// defaultExclude names the rule of the defaults that leaves an entry out, "" for none.
// folder is the name of the folder that it lies in.
func defaultExclude(folder, name string, isFolder bool) string {
	base := strings.ToLower(path.Base(name))
	extension := strings.ToLower(path.Ext(folder))
	if originals, ok := libraries[extension]; ok && !slices.Contains(originals, base) {
		return libraryRule(extension)
	}
	switch {
	case strings.HasPrefix(base, ".trashed-"):
		return trashedRule
	case !isFolder:
		return defaultFiles[base]
	case strings.HasPrefix(base, ".trash-"), base == "trash" && strings.HasSuffix(name, ".local/share/Trash"):
		return trashRule
	case strings.HasSuffix(base, ".lrdata"):
		return previewsRule
	}
	return defaultFolders[base]
}

// baseOf is the name of the folder itself.
func (w *walker) baseOf(at *place) string {
	if at.folder == "." {
		return filepath.Base(w.base)
	}
	return path.Base(at.folder)
}

// isImmich reports whether a folder holds what Immich made of pictures: it marks its
// folders.
func isImmich(name string, entries []fs.DirEntry) bool {
	base := path.Base(name)
	return (base == "thumbs" || base == "encoded-video") &&
		slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == ".immich" })
}
