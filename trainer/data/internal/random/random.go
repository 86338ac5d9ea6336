// Package random gives streams of random numbers that depend only on what they are
// for, so that any step of a run can be repeated by itself.
package random

import "math/rand/v2"

// New gives the stream of random numbers for a purpose, which the numbers describe:
// streams for different numbers, or the same in another order, are independent. The
// same numbers give the same stream forever.
func New(purpose ...uint64) *rand.Rand {
	a, b := uint64(0x6a09e667f3bcc909), uint64(0xbb67ae8584caa73b) // of SHA-512: nothing up the sleeve
	for _, p := range purpose {
		a = mix(a ^ p)
		b = mix(b + a)
	}
	return rand.New(rand.NewPCG(a, b))
}

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood, "Fast splittable
// pseudorandom number generators", 2014), a bijection whose every output bit
// depends on every input bit.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
