/* simd.h - sixteen float lanes, three ways: AVX-512 VNNI, AVX2 + FMA, portable C.
 *
 * The kernels (kernels_body.h) are written once over these few operations. Every operation
 * rounds as IEEE 754 says and every reduction has a fixed order, so the three give the same
 * bits: what a machine prints does not depend on its instruction set. The file that
 * includes this one chooses by SIMD_AVX512 or SIMD_AVX2 (neither: portable).
 *
 *   v16   sixteen floats        v16_sum: halves folded, 16 -> 8 -> 4 -> 2 -> 1
 *   i16   sixteen int32         w64: sixty-four bytes of weights, four per lane */
#ifndef CORE_SIMD_H
#define CORE_SIMD_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined __SANITIZE_ADDRESS__ && !defined SIMD_AVX512 && !defined SIMD_AVX2
#define SIMD_INLINE static inline // every lane is instrumented: inlined everywhere, they would take minutes to compile
#else
#define SIMD_INLINE static inline __attribute__((always_inline))
#endif

#if defined SIMD_AVX512
#include <immintrin.h>
#define SIMD_NAME "avx512-vnni"

typedef __m512 v16;
typedef __m512i i16;
typedef __m512i w64;

SIMD_INLINE v16 v16_load(const float *p) { return _mm512_loadu_ps(p); }
SIMD_INLINE void v16_store(float *p, v16 a) { _mm512_storeu_ps(p, a); }
SIMD_INLINE v16 v16_set(float a) { return _mm512_set1_ps(a); }
SIMD_INLINE v16 v16_add(v16 a, v16 b) { return _mm512_add_ps(a, b); }
SIMD_INLINE v16 v16_sub(v16 a, v16 b) { return _mm512_sub_ps(a, b); }
SIMD_INLINE v16 v16_mul(v16 a, v16 b) { return _mm512_mul_ps(a, b); }
SIMD_INLINE v16 v16_div(v16 a, v16 b) { return _mm512_div_ps(a, b); }
SIMD_INLINE v16 v16_max(v16 a, v16 b) { return _mm512_max_ps(a, b); }
SIMD_INLINE v16 v16_fma(v16 a, v16 b, v16 c) { return _mm512_fmadd_ps(a, b, c); }
SIMD_INLINE v16 v16_abs(v16 a) { return _mm512_abs_ps(a); }
SIMD_INLINE v16 v16_f16(const uint16_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }
SIMD_INLINE v16 v16_bf16(const uint16_t *p) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)), 16));
}
SIMD_INLINE float v16_sum(v16 a) {
    __m256 b = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 c = _mm_add_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
    c = _mm_add_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
}
SIMD_INLINE i16 i16_set(int32_t a) { return _mm512_set1_epi32(a); }
SIMD_INLINE i16 i16_add(i16 a, i16 b) { return _mm512_add_epi32(a, b); }
SIMD_INLINE i16 i16_mul(i16 a, i16 b) { return _mm512_mullo_epi32(a, b); }
SIMD_INLINE i16 i16_u8(const uint8_t *p) { return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p)); }
SIMD_INLINE i16 i16_s8(const uint8_t *p) { return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)); }
SIMD_INLINE i16 i16_shl23(i16 a) { return _mm512_slli_epi32(a, 23); }
SIMD_INLINE v16 i16_float(i16 a) { return _mm512_cvtepi32_ps(a); }
SIMD_INLINE i16 v16_bits(v16 a) { return _mm512_castps_si512(a); }
SIMD_INLINE v16 i16_bits(i16 a) { return _mm512_castsi512_ps(a); }
SIMD_INLINE void i16_store8(int8_t *p, i16 a) { _mm_storeu_si128((__m128i *)p, _mm512_cvtepi32_epi8(a)); }
SIMD_INLINE int32_t i16_sum(i16 a) { return _mm512_reduce_add_epi32(a); }
SIMD_INLINE int32_t i16_top(i16 a, i16 b) { return _mm512_reduce_max_epi32(_mm512_max_epi32(a, b)); }
SIMD_INLINE w64 w64_load(const uint8_t *p) { return _mm512_loadu_si512(p); }
SIMD_INLINE w64 w64_low(w64 a) { return _mm512_and_si512(a, _mm512_set1_epi8(15)); }
SIMD_INLINE w64 w64_high(w64 a) { return _mm512_and_si512(_mm512_srli_epi16(a, 4), _mm512_set1_epi8(15)); }
SIMD_INLINE w64 w64_or(w64 a, w64 b) { return _mm512_or_si512(a, b); }
/* every byte shifted left by n (right by -n), then masked; the mask holds no bit that comes from a neighbour */
SIMD_INLINE w64 w64_pick(w64 a, int n, int mask) {
    a = n < 0 ? _mm512_srl_epi16(a, _mm_cvtsi32_si128(-n)) : _mm512_sll_epi16(a, _mm_cvtsi32_si128(n));
    return _mm512_and_si512(a, _mm512_set1_epi8((char)mask));
}
/* acc + four unsigned weights a lane times four signed activations; weights below 128 */
SIMD_INLINE i16 i16_dot4(i16 acc, w64 w, int32_t x) { return _mm512_dpbusd_epi32(acc, w, _mm512_set1_epi32(x)); }
/* the same for weights of any value, stored with 128 added: the caller takes 128 * sum(x) off */
SIMD_INLINE i16 i16_dot8(i16 acc, w64 w, int32_t x) { return _mm512_dpbusd_epi32(acc, w, _mm512_set1_epi32(x)); }
#define SIMD_DOT8_BIAS 128 // what i16_dot8 leaves in the sum, times sum(x)

#elif defined SIMD_AVX2
#include <immintrin.h>
#if defined SIMD_AVXVNNI
#define SIMD_NAME "avx-vnni"
#else
#define SIMD_NAME "avx2"
#endif

typedef struct { __m256 a, b; } v16;
typedef struct { __m256i a, b; } i16;
typedef struct { __m256i a, b; } w64;

SIMD_INLINE v16 v16_load(const float *p) { return (v16){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
SIMD_INLINE void v16_store(float *p, v16 x) { _mm256_storeu_ps(p, x.a); _mm256_storeu_ps(p + 8, x.b); }
SIMD_INLINE v16 v16_set(float x) { return (v16){_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
SIMD_INLINE v16 v16_add(v16 x, v16 y) { return (v16){_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
SIMD_INLINE v16 v16_sub(v16 x, v16 y) { return (v16){_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
SIMD_INLINE v16 v16_mul(v16 x, v16 y) { return (v16){_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
SIMD_INLINE v16 v16_div(v16 x, v16 y) { return (v16){_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
SIMD_INLINE v16 v16_max(v16 x, v16 y) { return (v16){_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
SIMD_INLINE v16 v16_fma(v16 x, v16 y, v16 z) { return (v16){_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)}; }
SIMD_INLINE v16 v16_abs(v16 x) {
    __m256 mask = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
    return (v16){_mm256_and_ps(x.a, mask), _mm256_and_ps(x.b, mask)};
}
SIMD_INLINE v16 v16_f16(const uint16_t *p) {
    return (v16){_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)), _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(p + 8)))};
}
SIMD_INLINE __m256 avx2_bf16(const uint16_t *p) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)), 16));
}
SIMD_INLINE v16 v16_bf16(const uint16_t *p) { return (v16){avx2_bf16(p), avx2_bf16(p + 8)}; }
SIMD_INLINE float v16_sum(v16 x) {
    __m256 b = _mm256_add_ps(x.a, x.b);
    __m128 c = _mm_add_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
    c = _mm_add_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
}
SIMD_INLINE i16 i16_set(int32_t x) { return (i16){_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
SIMD_INLINE i16 i16_add(i16 x, i16 y) { return (i16){_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b)}; }
SIMD_INLINE i16 i16_mul(i16 x, i16 y) { return (i16){_mm256_mullo_epi32(x.a, y.a), _mm256_mullo_epi32(x.b, y.b)}; }
SIMD_INLINE i16 i16_u8(const uint8_t *p) {
    __m128i x = _mm_loadu_si128((const __m128i *)p);
    return (i16){_mm256_cvtepu8_epi32(x), _mm256_cvtepu8_epi32(_mm_srli_si128(x, 8))};
}
SIMD_INLINE i16 i16_s8(const uint8_t *p) {
    __m128i x = _mm_loadu_si128((const __m128i *)p);
    return (i16){_mm256_cvtepi8_epi32(x), _mm256_cvtepi8_epi32(_mm_srli_si128(x, 8))};
}
SIMD_INLINE i16 i16_shl23(i16 x) { return (i16){_mm256_slli_epi32(x.a, 23), _mm256_slli_epi32(x.b, 23)}; }
SIMD_INLINE v16 i16_float(i16 x) { return (v16){_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)}; }
SIMD_INLINE i16 v16_bits(v16 x) { return (i16){_mm256_castps_si256(x.a), _mm256_castps_si256(x.b)}; }
SIMD_INLINE v16 i16_bits(i16 x) { return (v16){_mm256_castsi256_ps(x.a), _mm256_castsi256_ps(x.b)}; }
SIMD_INLINE void i16_store8(int8_t *p, i16 x) { // values fit int8, so saturation never acts
    __m256i w = _mm256_permute4x64_epi64(_mm256_packs_epi32(x.a, x.b), 0xd8);
    _mm_storeu_si128((__m128i *)p, _mm_packs_epi16(_mm256_castsi256_si128(w), _mm256_extracti128_si256(w, 1)));
}
SIMD_INLINE int32_t i16_sum(i16 x) {
    __m256i b = _mm256_add_epi32(x.a, x.b);
    __m128i c = _mm_add_epi32(_mm256_castsi256_si128(b), _mm256_extracti128_si256(b, 1));
    c = _mm_add_epi32(c, _mm_shuffle_epi32(c, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(c, _mm_shuffle_epi32(c, 0xb1)));
}
SIMD_INLINE int32_t i16_top(i16 x, i16 y) {
    __m256i b = _mm256_max_epi32(_mm256_max_epi32(x.a, x.b), _mm256_max_epi32(y.a, y.b));
    __m128i c = _mm_max_epi32(_mm256_castsi256_si128(b), _mm256_extracti128_si256(b, 1));
    c = _mm_max_epi32(c, _mm_shuffle_epi32(c, 0x4e));
    return _mm_cvtsi128_si32(_mm_max_epi32(c, _mm_shuffle_epi32(c, 0xb1)));
}
SIMD_INLINE w64 w64_load(const uint8_t *p) {
    return (w64){_mm256_loadu_si256((const __m256i *)p), _mm256_loadu_si256((const __m256i *)(p + 32))};
}
SIMD_INLINE w64 w64_low(w64 x) {
    __m256i mask = _mm256_set1_epi8(15);
    return (w64){_mm256_and_si256(x.a, mask), _mm256_and_si256(x.b, mask)};
}
SIMD_INLINE w64 w64_high(w64 x) {
    __m256i mask = _mm256_set1_epi8(15);
    return (w64){_mm256_and_si256(_mm256_srli_epi16(x.a, 4), mask), _mm256_and_si256(_mm256_srli_epi16(x.b, 4), mask)};
}
SIMD_INLINE w64 w64_or(w64 x, w64 y) { return (w64){_mm256_or_si256(x.a, y.a), _mm256_or_si256(x.b, y.b)}; }
SIMD_INLINE w64 w64_pick(w64 x, int n, int mask) {
    __m128i by = _mm_cvtsi32_si128(n < 0 ? -n : n);
    __m256i m = _mm256_set1_epi8((char)mask);
    x = n < 0 ? (w64){_mm256_srl_epi16(x.a, by), _mm256_srl_epi16(x.b, by)} : (w64){_mm256_sll_epi16(x.a, by), _mm256_sll_epi16(x.b, by)};
    return (w64){_mm256_and_si256(x.a, m), _mm256_and_si256(x.b, m)};
}
#if defined SIMD_AVXVNNI
SIMD_INLINE i16 i16_dot4(i16 acc, w64 w, int32_t x) {
    __m256i s = _mm256_set1_epi32(x);
    return (i16){_mm256_dpbusd_avx_epi32(acc.a, w.a, s), _mm256_dpbusd_avx_epi32(acc.b, w.b, s)};
}
SIMD_INLINE i16 i16_dot8(i16 acc, w64 w, int32_t x) { return i16_dot4(acc, w, x); }
#define SIMD_DOT8_BIAS 128
#else
SIMD_INLINE __m256i avx2_dot(__m256i acc, __m256i u, __m256i s) { // pairs of u * s must fit int16
    return _mm256_add_epi32(acc, _mm256_madd_epi16(_mm256_maddubs_epi16(u, s), _mm256_set1_epi16(1)));
}
SIMD_INLINE i16 i16_dot4(i16 acc, w64 w, int32_t x) { // 2 * 127 * 127 fits
    __m256i s = _mm256_set1_epi32(x);
    return (i16){avx2_dot(acc.a, w.a, s), avx2_dot(acc.b, w.b, s)};
}
SIMD_INLINE __m256i avx2_dot_signed(__m256i acc, __m256i w, __m256i s) { // |w| <= 128, |s| <= 127: 32512 fits
    w = _mm256_xor_si256(w, _mm256_set1_epi8((char)0x80));
    return avx2_dot(acc, _mm256_abs_epi8(w), _mm256_sign_epi8(s, w));
}
SIMD_INLINE i16 i16_dot8(i16 acc, w64 w, int32_t x) {
    __m256i s = _mm256_set1_epi32(x);
    return (i16){avx2_dot_signed(acc.a, w.a, s), avx2_dot_signed(acc.b, w.b, s)};
}
#define SIMD_DOT8_BIAS 0
#endif

#elif defined SIMD_NEON
#include <arm_neon.h>
#if defined SIMD_DOTPROD
#define SIMD_NAME "neon-dotprod"
#else
#define SIMD_NAME "neon"
#endif

typedef struct { float32x4_t at[4]; } v16;
typedef struct { int32x4_t at[4]; } i16;
typedef struct { uint8x16_t at[4]; } w64; // four lanes of four bytes each
#define QUARTERS for (int l = 0; l < 4; l++)

SIMD_INLINE v16 v16_load(const float *p) { v16 r; QUARTERS r.at[l] = vld1q_f32(p + 4 * l); return r; }
SIMD_INLINE void v16_store(float *p, v16 a) { QUARTERS vst1q_f32(p + 4 * l, a.at[l]); }
SIMD_INLINE v16 v16_set(float a) { v16 r; QUARTERS r.at[l] = vdupq_n_f32(a); return r; }
SIMD_INLINE v16 v16_add(v16 a, v16 b) { QUARTERS a.at[l] = vaddq_f32(a.at[l], b.at[l]); return a; }
SIMD_INLINE v16 v16_sub(v16 a, v16 b) { QUARTERS a.at[l] = vsubq_f32(a.at[l], b.at[l]); return a; }
SIMD_INLINE v16 v16_mul(v16 a, v16 b) { QUARTERS a.at[l] = vmulq_f32(a.at[l], b.at[l]); return a; }
SIMD_INLINE v16 v16_div(v16 a, v16 b) { QUARTERS a.at[l] = vdivq_f32(a.at[l], b.at[l]); return a; }
SIMD_INLINE v16 v16_max(v16 a, v16 b) { QUARTERS a.at[l] = vbslq_f32(vcgtq_f32(a.at[l], b.at[l]), a.at[l], b.at[l]); return a; } // as maxps: b on NaN
SIMD_INLINE v16 v16_fma(v16 a, v16 b, v16 c) { QUARTERS c.at[l] = vfmaq_f32(c.at[l], a.at[l], b.at[l]); return c; }
SIMD_INLINE v16 v16_abs(v16 a) { QUARTERS a.at[l] = vabsq_f32(a.at[l]); return a; }
SIMD_INLINE v16 v16_f16(const uint16_t *p) { v16 r; QUARTERS r.at[l] = vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p + 4 * l))); return r; }
SIMD_INLINE v16 v16_bf16(const uint16_t *p) { v16 r; QUARTERS r.at[l] = vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p + 4 * l), 16)); return r; }
SIMD_INLINE float v16_sum(v16 a) {
    float32x4_t c = vaddq_f32(vaddq_f32(a.at[0], a.at[2]), vaddq_f32(a.at[1], a.at[3]));
    float32x2_t d = vadd_f32(vget_low_f32(c), vget_high_f32(c));
    return vget_lane_f32(d, 0) + vget_lane_f32(d, 1);
}
SIMD_INLINE i16 i16_set(int32_t a) { i16 r; QUARTERS r.at[l] = vdupq_n_s32(a); return r; }
SIMD_INLINE i16 i16_add(i16 a, i16 b) { QUARTERS a.at[l] = vaddq_s32(a.at[l], b.at[l]); return a; }
SIMD_INLINE i16 i16_mul(i16 a, i16 b) { QUARTERS a.at[l] = vmulq_s32(a.at[l], b.at[l]); return a; }
SIMD_INLINE i16 i16_u8(const uint8_t *p) {
    uint8x16_t x = vld1q_u8(p);
    uint16x8_t low = vmovl_u8(vget_low_u8(x)), high = vmovl_u8(vget_high_u8(x));
    return (i16){{vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(low))), vreinterpretq_s32_u32(vmovl_u16(vget_high_u16(low))),
                  vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(high))), vreinterpretq_s32_u32(vmovl_u16(vget_high_u16(high)))}};
}
SIMD_INLINE i16 i16_s8(const uint8_t *p) {
    int8x16_t x = vreinterpretq_s8_u8(vld1q_u8(p));
    int16x8_t low = vmovl_s8(vget_low_s8(x)), high = vmovl_s8(vget_high_s8(x));
    return (i16){{vmovl_s16(vget_low_s16(low)), vmovl_s16(vget_high_s16(low)), vmovl_s16(vget_low_s16(high)), vmovl_s16(vget_high_s16(high))}};
}
SIMD_INLINE i16 i16_shl23(i16 a) { QUARTERS a.at[l] = vshlq_n_s32(a.at[l], 23); return a; }
SIMD_INLINE v16 i16_float(i16 a) { v16 r; QUARTERS r.at[l] = vcvtq_f32_s32(a.at[l]); return r; }
SIMD_INLINE i16 v16_bits(v16 a) { i16 r; QUARTERS r.at[l] = vreinterpretq_s32_f32(a.at[l]); return r; }
SIMD_INLINE v16 i16_bits(i16 a) { v16 r; QUARTERS r.at[l] = vreinterpretq_f32_s32(a.at[l]); return r; }
SIMD_INLINE void i16_store8(int8_t *p, i16 a) {
    int16x8_t low = vcombine_s16(vmovn_s32(a.at[0]), vmovn_s32(a.at[1])), high = vcombine_s16(vmovn_s32(a.at[2]), vmovn_s32(a.at[3]));
    vst1q_s8(p, vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
}
SIMD_INLINE int32_t i16_top(i16 a, i16 b) {
    QUARTERS a.at[l] = vmaxq_s32(a.at[l], b.at[l]);
    return vmaxvq_s32(vmaxq_s32(vmaxq_s32(a.at[0], a.at[1]), vmaxq_s32(a.at[2], a.at[3])));
}
SIMD_INLINE int32_t i16_sum(i16 a) { return vaddvq_s32(vaddq_s32(vaddq_s32(a.at[0], a.at[1]), vaddq_s32(a.at[2], a.at[3]))); }
SIMD_INLINE w64 w64_load(const uint8_t *p) { w64 r; QUARTERS r.at[l] = vld1q_u8(p + 16 * l); return r; }
SIMD_INLINE w64 w64_low(w64 a) { QUARTERS a.at[l] = vandq_u8(a.at[l], vdupq_n_u8(15)); return a; }
SIMD_INLINE w64 w64_high(w64 a) { QUARTERS a.at[l] = vshrq_n_u8(a.at[l], 4); return a; }
SIMD_INLINE w64 w64_or(w64 a, w64 b) { QUARTERS a.at[l] = vorrq_u8(a.at[l], b.at[l]); return a; }
SIMD_INLINE w64 w64_pick(w64 a, int n, int mask) {
    QUARTERS a.at[l] = vandq_u8(vshlq_u8(a.at[l], vdupq_n_s8((int8_t)n)), vdupq_n_u8((uint8_t)mask));
    return a;
}
SIMD_INLINE int32_t sum_16(const int8_t *x) { return vaddlvq_s8(vld1q_s8(x)); }
SIMD_INLINE int32x4_t neon_dot(int32x4_t acc, int8x16_t w, int8x16_t x) {
#if defined SIMD_DOTPROD
    return vdotq_s32(acc, w, x);
#else
    int16x8_t low = vmull_s8(vget_low_s8(w), vget_low_s8(x)), high = vmull_s8(vget_high_s8(w), vget_high_s8(x)); // 128 * 127 fits
    return vaddq_s32(acc, vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high)));
#endif
}
SIMD_INLINE i16 i16_dot4(i16 acc, w64 w, int32_t x) { // weights below 128: signed is unsigned
    int8x16_t s = vreinterpretq_s8_s32(vdupq_n_s32(x));
    QUARTERS acc.at[l] = neon_dot(acc.at[l], vreinterpretq_s8_u8(w.at[l]), s);
    return acc;
}
SIMD_INLINE i16 i16_dot8(i16 acc, w64 w, int32_t x) {
    int8x16_t s = vreinterpretq_s8_s32(vdupq_n_s32(x));
    QUARTERS acc.at[l] = neon_dot(acc.at[l], vreinterpretq_s8_u8(veorq_u8(w.at[l], vdupq_n_u8(0x80))), s);
    return acc;
}
#define SIMD_DOT8_BIAS 0
#undef QUARTERS

#else
#define SIMD_PORTABLE
#define SIMD_NAME "portable"

typedef struct { float at[16]; } v16;
typedef struct { int32_t at[16]; } i16;
typedef struct { uint8_t at[64]; } w64;
#define LANES for (int l = 0; l < 16; l++)

SIMD_INLINE v16 v16_load(const float *p) { v16 r; memcpy(r.at, p, sizeof r); return r; }
SIMD_INLINE void v16_store(float *p, v16 a) { memcpy(p, a.at, sizeof a); }
SIMD_INLINE v16 v16_set(float a) { v16 r; LANES r.at[l] = a; return r; }
SIMD_INLINE v16 v16_add(v16 a, v16 b) { LANES a.at[l] += b.at[l]; return a; }
SIMD_INLINE v16 v16_sub(v16 a, v16 b) { LANES a.at[l] -= b.at[l]; return a; }
SIMD_INLINE v16 v16_mul(v16 a, v16 b) { LANES a.at[l] *= b.at[l]; return a; }
SIMD_INLINE v16 v16_div(v16 a, v16 b) { LANES a.at[l] /= b.at[l]; return a; }
SIMD_INLINE v16 v16_max(v16 a, v16 b) { LANES a.at[l] = a.at[l] > b.at[l] ? a.at[l] : b.at[l]; return a; } // as maxps: b on NaN
SIMD_INLINE v16 v16_fma(v16 a, v16 b, v16 c) { LANES a.at[l] = fmaf(a.at[l], b.at[l], c.at[l]); return a; }
SIMD_INLINE v16 v16_abs(v16 a) { LANES a.at[l] = fabsf(a.at[l]); return a; }
SIMD_INLINE float plain_f32(uint32_t bits) { float f; memcpy(&f, &bits, 4); return f; }
SIMD_INLINE float plain_f16(uint16_t h) { // exact: subnormals are value * 2^-24
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, rest = h & 0x7fff;
    if (rest < 0x400) { float f = (float)rest * 0x1p-24f; return sign ? -f : f; }
    if (rest >= 0x7c00) return plain_f32(sign | 0x7f800000 | (rest & 0x3ff) << 13);
    return plain_f32(sign | ((rest << 13) + (112u << 23)));
}
SIMD_INLINE v16 v16_f16(const uint16_t *p) { v16 r; LANES r.at[l] = plain_f16(p[l]); return r; }
SIMD_INLINE v16 v16_bf16(const uint16_t *p) { v16 r; LANES r.at[l] = plain_f32((uint32_t)p[l] << 16); return r; }
SIMD_INLINE float v16_sum(v16 a) {
    for (int n = 8; n; n /= 2)
        for (int l = 0; l < n; l++) a.at[l] += a.at[l + n];
    return a.at[0];
}
SIMD_INLINE i16 i16_set(int32_t a) { i16 r; LANES r.at[l] = a; return r; }
SIMD_INLINE i16 i16_add(i16 a, i16 b) { LANES a.at[l] = (int32_t)((uint32_t)a.at[l] + (uint32_t)b.at[l]); return a; }
SIMD_INLINE i16 i16_mul(i16 a, i16 b) { LANES a.at[l] *= b.at[l]; return a; }
SIMD_INLINE i16 i16_u8(const uint8_t *p) { i16 r; LANES r.at[l] = p[l]; return r; }
SIMD_INLINE i16 i16_s8(const uint8_t *p) { i16 r; LANES r.at[l] = (int8_t)p[l]; return r; }
SIMD_INLINE i16 i16_shl23(i16 a) { LANES a.at[l] = (int32_t)((uint32_t)a.at[l] << 23); return a; }
SIMD_INLINE v16 i16_float(i16 a) { v16 r; LANES r.at[l] = (float)a.at[l]; return r; }
SIMD_INLINE i16 v16_bits(v16 a) { i16 r; memcpy(&r, &a, sizeof r); return r; }
SIMD_INLINE v16 i16_bits(i16 a) { v16 r; memcpy(&r, &a, sizeof r); return r; }
SIMD_INLINE void i16_store8(int8_t *p, i16 a) { LANES p[l] = (int8_t)a.at[l]; }
SIMD_INLINE int32_t i16_top(i16 a, i16 b) {
    int32_t top = a.at[0];
    LANES top = a.at[l] > top ? a.at[l] : top;
    LANES top = b.at[l] > top ? b.at[l] : top;
    return top;
}
SIMD_INLINE int32_t i16_sum(i16 a) { int32_t s = 0; LANES s += a.at[l]; return s; }
SIMD_INLINE w64 w64_load(const uint8_t *p) { w64 r; memcpy(r.at, p, 64); return r; }
SIMD_INLINE w64 w64_low(w64 a) { for (int i = 0; i < 64; i++) a.at[i] &= 15; return a; }
SIMD_INLINE w64 w64_high(w64 a) { for (int i = 0; i < 64; i++) a.at[i] >>= 4; return a; }
SIMD_INLINE w64 w64_or(w64 a, w64 b) { for (int i = 0; i < 64; i++) a.at[i] |= b.at[i]; return a; }
SIMD_INLINE w64 w64_pick(w64 a, int n, int mask) {
    for (int i = 0; i < 64; i++) a.at[i] = (uint8_t)((n < 0 ? a.at[i] >> -n : a.at[i] << n) & mask);
    return a;
}
SIMD_INLINE int32_t sum_16(const int8_t *x) { int32_t s = 0; LANES s += x[l]; return s; }
SIMD_INLINE i16 i16_dot4(i16 acc, w64 w, int32_t x) {
    int8_t s[4];
    memcpy(s, &x, 4);
    LANES for (int i = 0; i < 4; i++) acc.at[l] += w.at[4 * l + i] * s[i];
    return acc;
}
SIMD_INLINE i16 i16_dot8(i16 acc, w64 w, int32_t x) { return i16_dot4(acc, w, x); }
#define SIMD_DOT8_BIAS 128
#undef LANES
#endif

#if defined SIMD_AVX512 || defined SIMD_AVX2
/* Sum of sixteen int8. */
SIMD_INLINE int32_t sum_16(const int8_t *x) {
    __m128i unsigned_x = _mm_xor_si128(_mm_loadu_si128((const __m128i *)x), _mm_set1_epi8((char)0x80)); // 128 more, each
    __m128i halves = _mm_sad_epu8(unsigned_x, _mm_setzero_si128());
    return _mm_cvtsi128_si32(_mm_add_epi32(halves, _mm_shuffle_epi32(halves, 0x4e))) - 16 * 128;
}
#endif

/* e^x, relative error below 2e-7 for x in [-87, 87]; clamped outside. Cody-Waite reduction
 * by ln 2 and the degree-6 polynomial of Cephes expf (S. Moshier). */
SIMD_INLINE v16 v16_exp(v16 x) {
    x = v16_max(x, v16_set(-87.0f));
    x = v16_sub(v16_set(0), v16_max(v16_sub(v16_set(0), x), v16_set(-87.0f)));
    const v16 magic = v16_set(0x1.8p23f); // adding it rounds to the nearest integer, kept in the low bits
    v16 t = v16_fma(x, v16_set(1.44269504088896341f), magic), n = v16_sub(t, magic);
    v16 r = v16_fma(n, v16_set(-0.693359375f), x);
    r = v16_fma(n, v16_set(2.12194440e-4f), r);
    v16 p = v16_set(1.9875691500e-4f);
    p = v16_fma(p, r, v16_set(1.3981999507e-3f));
    p = v16_fma(p, r, v16_set(8.3334519073e-3f));
    p = v16_fma(p, r, v16_set(4.1665795894e-2f));
    p = v16_fma(p, r, v16_set(1.6666665459e-1f));
    p = v16_fma(p, r, v16_set(5.0000001201e-1f));
    p = v16_add(v16_fma(p, v16_mul(r, r), r), v16_set(1));
    return v16_mul(p, i16_bits(i16_shl23(i16_add(v16_bits(t), i16_set(127)))));
}

/* x within [-limit, limit]; an infinity becomes the limit, NaN -limit. */
SIMD_INLINE v16 v16_clamp(v16 x, float limit) {
    const v16 least = v16_set(-limit), zero = v16_set(0);
    return v16_sub(zero, v16_max(v16_sub(zero, v16_max(x, least)), least));
}

/* Rounds to the nearest integer, ties to even; |x| < 2^22. */
SIMD_INLINE i16 v16_round(v16 x) {
    v16 t = v16_add(x, v16_set(0x1.8p23f));
    return i16_add(v16_bits(t), i16_set(-0x4b400000)); // the bits of 1.5 * 2^23
}

#endif
