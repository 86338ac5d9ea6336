package tiff

import "fmt"

// FormatError says in what way a file contradicts the format.
type FormatError string

func (e FormatError) Error() string { return "tiff: " + string(e) }

// UnsupportedError names what a valid file uses and this package does not read.
type UnsupportedError string

func (e UnsupportedError) Error() string { return "tiff: " + string(e) + " is not supported" }

func malformed(format string, args ...any) error {
	return FormatError(fmt.Sprintf(format, args...))
}

func unsupported(format string, args ...any) error {
	return UnsupportedError(fmt.Sprintf(format, args...))
}
