// Package search answers queries: it plans, asks the index, joins the
// catalogue and pages. It declares the interfaces of the index, the catalogue
// and the encoder that it needs and imports none of them.
package search
