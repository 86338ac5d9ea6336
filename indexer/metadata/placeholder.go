package metadata

import (
	"regexp"
	"strings"
)

// placeholders are what cameras and programs write where a person writes a caption.
var placeholders = map[string]bool{
	"OLYMPUS DIGITAL CAMERA": true, "MINOLTA DIGITAL CAMERA": true, "KONICA MINOLTA DIGITAL CAMERA": true,
	"SONY DSC": true, "SAMSUNG DIGITAL CAMERA": true, "SAMSUNG CAMERA PICTURES": true, "DIGITAL CAMERA": true,
	"CASIO COMPUTER CO.,LTD.": true, "EXIF_JPEG_PICTURE": true, "JPEG IMAGE": true, "DEFAULT": true,
	"UNTITLED": true, "SCREENSHOT": true, "CREATED BY DPE, IRFANVIEW": true, "CREATED WITH GIMP": true,
	"PHOTO BY PHOTOGRAPHER": true, "USER COMMENTS": true, "SAMSUNG": true, "PROCESSED WITH VSCO": true,
}

// fileName is the look of a name that a camera gave to a file.
var fileName = regexp.MustCompile(`(?i)^((img|dsc|dscn|dscf|dcim|pict?|imgp|sam|mvi|gopr|pxl|p|_dsc|_mg)[-_ ]?[0-9][0-9_\-.~]*|.+\.(jpe?g|png|gif|webp|tiff?|hei[cf]|avif|bmp|dng|cr2|nef|arw|mp4|mov)|[0-9_\-. ]+)$`)

// IsPlaceholder reports whether a text is what a camera writes into the field of a
// caption, or the name of a file: it says nothing about the picture.
func IsPlaceholder(text string) bool {
	return placeholders[strings.ToUpper(text)] || strings.HasPrefix(text, "DCIM\\") || fileName.MatchString(text)
}
