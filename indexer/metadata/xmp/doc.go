// Package xmp reads what an XMP packet (ISO 16684-1) says about a picture, whether it
// was embedded or lies beside the picture as a file: text in languages, keywords,
// rating, people, place, dates and what the camera noted. It is no general reader of
// RDF: it knows the forms that XMP allows.
package xmp
