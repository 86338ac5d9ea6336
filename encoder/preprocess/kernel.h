// Inner loops of the package, on planes of 16-bit samples from 0 to 255.
// Every function gives the same result whether wide is set or not; wide asks
// for AVX2, which the processor must have.

#ifndef POLYLENS_PREPROCESS_KERNEL_H
#define POLYLENS_PREPROCESS_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

// Weights are cut into high * 2^LOW_BITS + low, each of which fits 16 bits.
#define PRECISION 22
#define LOW_BITS 15

// The number of taps of across is a multiple of this.
#define TAP_STEP 16

// nrgba and rgba read n pixels of four bytes and composite them onto white;
// the colours of rgba are premultiplied. Plane c begins at out + c * stride.
void pixels_nrgba(bool wide, int16_t *out, int64_t stride, const uint8_t *pixels, int64_t n);
void pixels_rgba(bool wide, int16_t *out, int64_t stride, const uint8_t *pixels, int64_t n);

// ycbcr converts n pixels as jdcolor.c of libjpeg-turbo does.
void pixels_ycbcr(bool wide, int16_t *out, int64_t stride, const uint8_t *luma, const uint8_t *cb, const uint8_t *cr,
           int64_t n);

// spread doubles a row of n chroma samples as h2v1_fancy_upsample of
// jdsample.c does, spread_both two rows at once as h2v2_fancy_upsample does
// (near counts three times far). out has room for 2n, sums for n.
void pixels_spread(bool wide, uint8_t *out, const uint8_t *in, int64_t n);
void pixels_spread_both(bool wide, uint8_t *out, int16_t *sums, const uint8_t *near, const uint8_t *far, int64_t n);

// across makes n samples of each of three planes; sample i is made of the taps
// samples from in + first[i] on, which must be readable, with the weights
// high[i * taps ...] and low[i * taps ...].
void pixels_across(bool wide, int16_t *out, int64_t out_stride, const int16_t *in, int64_t in_stride, const int32_t *first,
            const int16_t *high, const int16_t *low, int64_t taps, int64_t n);

// start sets n sums to one half and the weighted samples, add adds to them,
// finish rounds them to samples.
void pixels_start(bool wide, int32_t *sums, const int16_t *in, int32_t weight, int64_t n);
void pixels_add(bool wide, int32_t *sums, const int16_t *in, int32_t weight, int64_t n);
void pixels_finish(bool wide, int16_t *out, const int32_t *sums, int64_t n);

#endif
