// Package tune finds by measurement how many threads run a model fastest on
// this machine, and remembers the answer. It measures what it is given to
// measure and knows nothing of models.
package tune
