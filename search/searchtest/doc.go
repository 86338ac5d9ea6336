// Package searchtest is the conformance suite of search.Index. An
// implementation passes it in three lines:
//
//	func TestConformance(t *testing.T) {
//		searchtest.Run(t, func(t *testing.T) search.Index { return open(t) })
//	}
//
// The index may be shared with other tests and may already hold collections:
// every test takes names of its own and drops them again. Approximate indexes
// pass as well: the suite's collections are small enough for exact answers. Relay is for
// tests of indexes that lie elsewhere.
package searchtest
