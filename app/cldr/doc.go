// Package cldr reads the Unicode CLDR annotations: what people call an emoji
// in more than a hundred languages. It reads the unpacked npm package
// "cldr-annotations-full" and nothing else.
package cldr
