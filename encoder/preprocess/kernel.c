#include "kernel.h"

// KERNEL defines a function of kernel.h from its body, which the compiler
// vectorises once for every processor of the architecture (on arm64 that is
// NEON) and on amd64 once more for AVX2. DISPATCH is the half of it for a body
// that is written for AVX2 by hand. Sums may wrap around on the way: they are
// unsigned, where that is defined.
#if defined(__x86_64__)
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2"))) static void
#define DISPATCH(name, parameters, arguments)                                                                         \
    void pixels_##name(bool wide, UNWRAP parameters)                                                                  \
    {                                                                                                                 \
        if (wide)                                                                                                     \
            name##_avx2 arguments;                                                                                    \
        else                                                                                                          \
            name##_body arguments;                                                                                    \
    }
#define KERNEL(name, parameters, arguments)                                                                           \
    AVX2 name##_avx2 parameters { name##_body arguments; }                                                            \
    DISPATCH(name, parameters, arguments)
#else
#define DISPATCH(name, parameters, arguments)                                                                         \
    void pixels_##name(bool wide, UNWRAP parameters)                                                                  \
    {                                                                                                                 \
        (void)wide;                                                                                                   \
        name##_body arguments;                                                                                        \
    }
#define KERNEL DISPATCH
#endif
#define UNWRAP(...) __VA_ARGS__
#define BODY static inline __attribute__((always_inline)) void

static inline int16_t clamp(int16_t v)
{
    v = v < 0 ? 0 : v;
    return v > 255 ? 255 : v;
}

// on_white composites a sample that is not premultiplied onto white; it is
// ImagingAlphaComposite of Pillow for an opaque white background. The sum is
// below 65535, where the last line divides by 255 exactly.
static inline int16_t on_white(uint16_t v, uint16_t alpha)
{
    uint16_t sum = v * alpha + 255 * (255 - alpha) + 127;
    return (uint16_t)(sum + 1 + (sum >> 8)) >> 8;
}

BODY nrgba_body(int16_t *restrict out, int64_t stride, const uint8_t *restrict pixels, int64_t n)
{
    int16_t *restrict r = out, *restrict g = out + stride, *restrict b = out + 2 * stride;
    for (int64_t i = 0; i < n; i++) {
        uint8_t alpha = pixels[4 * i + 3];
        r[i] = on_white(pixels[4 * i], alpha);
        g[i] = on_white(pixels[4 * i + 1], alpha);
        b[i] = on_white(pixels[4 * i + 2], alpha);
    }
}

KERNEL(nrgba, (int16_t *out, int64_t stride, const uint8_t *pixels, int64_t n), (out, stride, pixels, n))

// under puts white under a premultiplied sample, which may be more than its
// alpha allows.
static inline int16_t under(uint16_t v, uint16_t alpha)
{
    uint16_t sum = v + 255 - alpha;
    return sum > 255 ? 255 : sum;
}

BODY rgba_body(int16_t *restrict out, int64_t stride, const uint8_t *restrict pixels, int64_t n)
{
    int16_t *restrict r = out, *restrict g = out + stride, *restrict b = out + 2 * stride;
    for (int64_t i = 0; i < n; i++) {
        uint8_t alpha = pixels[4 * i + 3];
        r[i] = under(pixels[4 * i], alpha);
        g[i] = under(pixels[4 * i + 1], alpha);
        b[i] = under(pixels[4 * i + 2], alpha);
    }
}

KERNEL(rgba, (int16_t *out, int64_t stride, const uint8_t *pixels, int64_t n), (out, stride, pixels, n))

// times returns v * factor / 65536 rounded to nearest, as (v * factor + 32768)
// >> 16, without leaving 16 bits.
static inline int16_t times(int16_t v, int16_t factor)
{
    int16_t twice = (2 * v * factor) >> 16;
    return (int16_t)(twice + 1) >> 1;
}

// The factors of jdcolor.c are 1.402, -0.344136, -0.714136 and 1.772 times
// 65536; what exceeds 16 bits of them is added as a whole multiple of chroma,
// which leaves the rounding as it is.
BODY ycbcr_body(int16_t *restrict out, int64_t stride, const uint8_t *restrict luma, const uint8_t *restrict cb,
                const uint8_t *restrict cr, int64_t n)
{
    int16_t *restrict r = out, *restrict g = out + stride, *restrict b = out + 2 * stride;
    for (int64_t i = 0; i < n; i++) {
        int16_t y = luma[i], u = cb[i] - 128, v = cr[i] - 128;
        int16_t both = (18734 * v - 22554 * u + (1 << 15)) >> 16;
        r[i] = clamp(y + v + times(v, 26345));
        g[i] = clamp(y - v + both);
        b[i] = clamp(y + 2 * u + times(u, -14942));
    }
}

KERNEL(ycbcr,
       (int16_t *out, int64_t stride, const uint8_t *luma, const uint8_t *cb, const uint8_t *cr, int64_t n),
       (out, stride, luma, cb, cr, n))

BODY spread_body(uint8_t *restrict out, const uint8_t *restrict in, int64_t n)
{
    out[0] = in[0];
    for (int64_t i = 0; i < n - 1; i++) {
        out[2 * i + 1] = (3 * in[i] + in[i + 1] + 2) >> 2;
        out[2 * i + 2] = (3 * in[i + 1] + in[i] + 1) >> 2;
    }
    out[2 * n - 1] = in[n - 1];
}

KERNEL(spread, (uint8_t *out, const uint8_t *in, int64_t n), (out, in, n))

BODY spread_both_body(uint8_t *restrict out, int16_t *restrict sums, const uint8_t *restrict near,
                      const uint8_t *restrict far, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        sums[i] = 3 * near[i] + far[i];
    out[0] = (4 * sums[0] + 8) >> 4;
    for (int64_t i = 0; i < n - 1; i++) {
        uint16_t left = sums[i], right = sums[i + 1];
        out[2 * i + 1] = (uint16_t)(3 * left + right + 7) >> 4;
        out[2 * i + 2] = (uint16_t)(3 * right + left + 8) >> 4;
    }
    out[2 * n - 1] = (4 * sums[n - 1] + 7) >> 4;
}

KERNEL(spread_both, (uint8_t *out, int16_t *sums, const uint8_t *near, const uint8_t *far, int64_t n),
       (out, sums, near, far, n))

// sample takes a sum back to a sample.
static inline int16_t sample(uint32_t sum) { return clamp((int16_t)((int32_t)sum >> PRECISION)); }

#define HALF (1u << (PRECISION - 1)) // for rounding to nearest

BODY across_body(int16_t *restrict out, int64_t out_stride, const int16_t *restrict in, int64_t in_stride,
                 const int32_t *restrict first, const int16_t *restrict high, const int16_t *restrict low,
                 int64_t taps, int64_t n)
{
    for (int plane = 0; plane < 3; plane++, in += in_stride, out += out_stride) {
        for (int64_t i = 0; i < n; i++) {
            const int16_t *from = in + first[i], *h = high + i * taps, *l = low + i * taps;
            uint32_t sum = 0, rest = 0;
            for (int64_t j = 0; j < taps / TAP_STEP * TAP_STEP; j++) {
                sum += from[j] * h[j];
                rest += from[j] * l[j];
            }
            out[i] = sample((sum << LOW_BITS) + rest + HALF);
        }
    }
}

#if defined(__x86_64__)
// add_lanes adds up the lanes of each of three vectors.
__attribute__((target("avx2"))) static inline __m128i add_lanes(__m256i a, __m256i b, __m256i c)
{
    __m256i all = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, c));
    return _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
}

// across_avx2 makes the three samples of a pixel at once.
AVX2 across_avx2(int16_t *out, int64_t out_stride, const int16_t *in, int64_t in_stride, const int32_t *first,
                 const int16_t *high, const int16_t *low, int64_t taps, int64_t n)
{
    const __m128i half = _mm_set1_epi32(HALF);
    for (int64_t i = 0; i < n; i++) {
        const int16_t *from = in + first[i];
        __m256i sum[3] = {0}, rest[3] = {0};
        for (int64_t j = 0; j < taps; j += TAP_STEP, high += TAP_STEP, low += TAP_STEP) {
            __m256i h = _mm256_loadu_si256((const void *)high), l = _mm256_loadu_si256((const void *)low);
            for (int plane = 0; plane < 3; plane++) {
                __m256i v = _mm256_loadu_si256((const void *)(from + plane * in_stride + j));
                sum[plane] = _mm256_add_epi32(sum[plane], _mm256_madd_epi16(v, h));
                rest[plane] = _mm256_add_epi32(rest[plane], _mm256_madd_epi16(v, l));
            }
        }
        for (int plane = 0; plane < 3; plane++)
            sum[plane] = _mm256_add_epi32(_mm256_slli_epi32(sum[plane], LOW_BITS), rest[plane]);
        __m128i pixel = _mm_add_epi32(add_lanes(sum[0], sum[1], sum[2]), half);
        pixel = _mm_srai_epi32(pixel, PRECISION);
        pixel = _mm_packus_epi32(pixel, pixel);
        pixel = _mm_min_epu16(pixel, _mm_set1_epi16(255));
        out[i] = _mm_extract_epi16(pixel, 0);
        out[i + out_stride] = _mm_extract_epi16(pixel, 1);
        out[i + 2 * out_stride] = _mm_extract_epi16(pixel, 2);
    }
}
#endif

DISPATCH(across,
       (int16_t *out, int64_t out_stride, const int16_t *in, int64_t in_stride, const int32_t *first,
        const int16_t *high, const int16_t *low, int64_t taps, int64_t n),
       (out, out_stride, in, in_stride, first, high, low, taps, n))

BODY start_body(int32_t *restrict sums, const int16_t *restrict in, int32_t weight, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        sums[i] = HALF + (uint32_t)in[i] * (uint32_t)weight;
}

KERNEL(start, (int32_t *sums, const int16_t *in, int32_t weight, int64_t n), (sums, in, weight, n))

BODY add_body(int32_t *restrict sums, const int16_t *restrict in, int32_t weight, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        sums[i] = (uint32_t)sums[i] + (uint32_t)in[i] * (uint32_t)weight;
}

KERNEL(add, (int32_t *sums, const int16_t *in, int32_t weight, int64_t n), (sums, in, weight, n))

BODY finish_body(int16_t *restrict out, const int32_t *restrict sums, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = sample(sums[i]);
}

KERNEL(finish, (int16_t *out, const int32_t *sums, int64_t n), (out, sums, n))
