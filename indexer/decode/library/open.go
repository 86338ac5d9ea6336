package library

import "errors"

// Open returns what load gives for path or, where that is "", for the first of the usual
// names that it takes. The error joins those of all names that were tried.
func Open[T any](path string, usual []string, load func(name string) (T, error)) (T, error) {
	names := usual
	if path != "" {
		names = []string{path}
	}
	var failures []error
	for _, name := range names {
		opened, err := load(name)
		if err == nil {
			return opened, nil
		}
		failures = append(failures, err)
	}
	var none T
	return none, errors.Join(failures...)
}
