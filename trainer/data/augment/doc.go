// Package augment changes pictures at random, so that a model learns what they
// show and not how they look. The changes are those of common practice; each
// preset says for what domain they leave the meaning alone. It neither decodes
// nor scales pictures to the size of a model.
//
// Working pictures are *image.RGBA that begin at 0, 0, with premultiplied
// transparency, until a background is laid under them.
package augment
