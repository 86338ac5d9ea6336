// Package batch puts the pairs of a set into batches and loads them. What a batch
// holds depends only on the seed and the number of the step: a run that goes on from
// any step meets the same bytes, whatever the number of workers.
package batch
