// Package fresh writes models to start from: randomly initialized ones of any SigLIP
// 2 architecture, copies of a model whose vocabulary is smaller or larger, and copies
// whose weights are stored in another type. It trains nothing, and it makes no
// vocabulary out of texts: tokens are chosen among those that there are, or named.
package fresh
