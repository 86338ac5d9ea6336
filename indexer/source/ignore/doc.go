// Package ignore matches paths with patterns as .gitignore has them. It reads no files and
// walks no folders.
package ignore
