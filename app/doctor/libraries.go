package doctor

import (
	"polylens/app/setup"
	"polylens/indexer/decode/openjpeg"
	"polylens/indexer/decode/turbo"
)

// libraries open those that decode pictures; "" is the one that the system has. They
// return what they have opened.
var libraries = map[string]func(path string) (name string, err error){
	setup.TurboJPEG: func(path string) (string, error) {
		library, err := turbo.Open(path)
		if err != nil {
			return "", err
		}
		return library.Name(), nil
	},
	setup.OpenJPEG: func(path string) (string, error) {
		library, err := openjpeg.Open(path)
		if err != nil {
			return "", err
		}
		return library.Name() + ", version " + library.Version(), nil
	},
}

// checkLibrary loads what setup has, or else what the system has.
func checkLibrary(name string, ready setup.Ready, missing error, open func(string) (string, error)) Finding {
	opened, err := open(ready.Path)
	switch {
	case err != nil && missing != nil:
		return trouble(name, runSetup, missing)
	case err != nil:
		return trouble(name, runSetup+" again, or install the library of the system", err)
	case missing != nil:
		return good(name, "%s, which the system has", opened)
	}
	return good(name, "%s in %s (%s)", ready.Version, opened, ready.Source)
}
