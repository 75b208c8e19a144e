/* rng.c - see rng.h. */
#include "core/rng.h"

#include <Random123/philox.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif
#include <math.h>
#include <string.h>

#include "core/elementary.h"
#include "core/ziggurat.h"

uint32_t rng_stream(const char *text) {
    uint32_t hash = 2166136261u; // FNV-1a, 32 bits: offset basis and prime
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash;
}

/* Four words: number `block` of the stream. */
static inline __attribute__((always_inline)) philox4x32_ctr_t block_at(const struct rng *r, uint32_t block) {
    philox4x32_ctr_t at = {{block, r->round, r->sequence, r->stream}};
    philox4x32_key_t key = {{(uint32_t)r->seed, (uint32_t)(r->seed >> 32)}};
    return philox4x32(at, key);
}

static __attribute__((noinline)) void fill(struct rng *r) {
    philox4x32_ctr_t out = block_at(r, r->draw / 4);
    for (int i = 0; i < 4; i++) r->block[i] = out.v[i];
}

uint32_t rng_u32(struct rng *r) {
    if (r->draw % 4 == 0) fill(r);
    return r->block[r->draw++ % 4];
}

static inline uint64_t word_pair(struct rng *r) {
    if (r->draw % 4 == 0) {
        philox4x32_ctr_t out = block_at(r, r->draw / 4);
        r->block[2] = out.v[2], r->block[3] = out.v[3]; // the first two are taken at once
        r->draw += 2;
        return (uint64_t)out.v[0] << 32 | out.v[1];
    }
    uint64_t high = rng_u32(r);
    return high << 32 | rng_u32(r);
}

static double given(struct rng *r) { return r->given_at < r->given_n ? r->given[r->given_at++] : 0; }

uint64_t rng_u64(struct rng *r) { return r->given ? (uint64_t)(given(r) * 0x1p53) << 11 : word_pair(r); }

static inline double uniform(struct rng *r) { return r->given ? given(r) : (double)(int64_t)(word_pair(r) >> 11) * 0x1p-53; }

double rng_uniform(struct rng *r) { return uniform(r); }

int rng_below(struct rng *r, int n) {
    int i = (int)(rng_uniform(r) * n);
    return i < n ? i : n - 1;
}

int rng_pick(struct rng *r, const double *p, int n) {
    double u = rng_uniform(r), sum = 0;
    int last = n - 1;
    while (last > 0 && !(p[last] > 0)) last--; // rounding never selects what has no mass
    for (int i = 0; i < last; i++) {
        sum += p[i];
        if (u < sum) return i;
    }
    return last;
}

int rng_pick_upto(struct rng *r, const double *upto, int n) {
    double u = uniform(r) * upto[n - 1];
    int i = 0;
    for (int k = 0; k < n - 1; k++) i += u >= upto[k]; // what has no mass adds nothing, so it is passed over
    if (u < upto[n - 1]) return i;
    while (i > 0 && upto[i - 1] == upto[n - 1]) i--;   // u rounded up to the whole
    return i;
}

/* -ln(1 - u), u in [0, 1). */
static double exponential(double u) { return -elementary_log(1 - u); }

static double bell(double x) { return elementary_exp(-0.5 * x * x); }

/* Marsaglia & Tsang 2000, "The ziggurat method": beyond the last edge. */
static double tail(struct rng *r) {
    const double R = ziggurat_edge[1];
    for (;;) {
        double x = exponential(rng_uniform(r)) / R, y = exponential(rng_uniform(r));
        if (2 * y >= x * x) return R + x;
    }
}

/* What the rectangles leave open, 1.2 % of the draws: x > 0 in the tail of layer 0 or between two edges. */
static __attribute__((noinline)) double normal_outside(struct rng *r, int layer, double x, double sign) {
    const double *edge = &ziggurat_edge[layer];
    if (layer == 0) return sign * tail(r);
    if (bell(edge[0]) + rng_uniform(r) * (bell(edge[1]) - bell(edge[0])) < bell(x)) return sign * x;
    return rng_normal(r);
}

/* From 44 bits: 7 for the layer, one for the sign, 36 for the place in the layer. */
static inline double normal_from(struct rng *r, uint64_t bits) {
    int layer = bits & (ZIGGURAT - 1);
    double x = ((double)(int64_t)(bits >> 8 & 0xfffffffff) + 0.5) * 0x1p-36 * ziggurat_edge[layer];
    uint64_t sign = bits >> 7 & 1;
    if (x < ziggurat_edge[layer + 1]) return elementary_double(elementary_bits(x) | sign << 63);
    return normal_outside(r, layer, x, sign ? -1 : 1);
}

double rng_normal(struct rng *r) { return normal_from(r, rng_u64(r)); }

struct rng_shape rng_shape(double shape) {
    double below = shape < 1 ? shape : 0, d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3;
    return (struct rng_shape){d, 1 / sqrt(9 * d), below};
}

/* What the squeeze leaves open: the exact test, with as many more bits of u as it wants, and where it fails the next try. */
static __attribute__((noinline)) double gamma_outside(struct rng *r, const struct rng_shape *s, double x, double u) {
    for (;;) {
        double v = 1 + s->c * x, d = s->d;
        u += rng_uniform(r) * 0x1p-20;
        if (v > 0x1p-300 && elementary_log(u) < 0.5 * x * x + d - d * v * v * v + 3 * d * elementary_log(v)) return d * (v * v * v);
        x = rng_normal(r);
        u = (double)(rng_u32(r) >> 12) * 0x1p-20;
    }
}

/* Marsaglia & Tsang 2000, "A simple method for generating gamma variables", section 4: 64 bits are a normal x and the first
 * 20 bits of a uniform u. The squeeze u < 1 - 0.1986 c^2 x^4 decides all but a few and implies v > 0: it is theirs, 1 - 0.0331 x^4,
 * for the least shape, where c^2 = 1/6, and closes on the exact test as that does for larger ones, 1 - c^2 x^4 / 12 + ... */
static inline double gamma_from(struct rng *r, const struct rng_shape *s, uint64_t bits) {
    double x = normal_from(r, bits >> 20), u = (double)(int64_t)(bits & 0xfffff) * 0x1p-20, z = s->c * x, v = 1 + z;
    if (u + 0x1p-20 <= 1 - GAMMA_SQUEEZE * (z * z) * (x * x)) return s->d * (v * v * v);
    return gamma_outside(r, s, x, u);
}

/* Ibid., section 6: Gamma(a) = Gamma(a + 1) U^(1/a) for a < 1. */
static double boost(struct rng *r, double a) { return elementary_exp(-exponential(rng_uniform(r)) / a); }

static inline double gamma_of(struct rng *r, const struct rng_shape *s, uint64_t bits) {
    double x = gamma_from(r, s, bits);
    return s->below > 0 ? x * boost(r, s->below) : x;
}

double rng_gamma_of(struct rng *r, const struct rng_shape *s) { return gamma_of(r, s, rng_u64(r)); }

double rng_beta_of(struct rng *r, const struct rng_shape *a, const struct rng_shape *b) {
    double x = rng_gamma_of(r, a), y = rng_gamma_of(r, b);
    return x + y > 0 ? x / (x + y) : 0.5;
}

enum { AT_ONCE = 4 };

/* AT_ONCE blocks from number `block` on, each as two pairs of words. */
static void blocks_plain(const struct rng *r, uint32_t block, int n, uint64_t bits[AT_ONCE][2]) {
    for (int i = 0; i < n; i++) {
        philox4x32_ctr_t out = block_at(r, block + (uint32_t)i);
        bits[i][0] = (uint64_t)out.v[0] << 32 | out.v[1];
        bits[i][1] = (uint64_t)out.v[2] << 32 | out.v[3];
    }
}

#ifdef __x86_64__
/* Philox4x32-10 in the four lanes of a register: a lane holds a word in its low half and what is left of a product in its high
 * half, which the next product does not look at. Constants as in Random123/philox.h. The words of each lane come in pairs. */
static inline __attribute__((target("avx2"), always_inline)) void philox_avx2(__m256i a, __m256i b, __m256i c, __m256i d, __m256i seed, __m256i *first, __m256i *second) {
    const __m256i low = _mm256_set1_epi64x(0xffffffff), m0 = _mm256_set1_epi64x(PHILOX_M4x32_0), m1 = _mm256_set1_epi64x(PHILOX_M4x32_1);
    __m256i k0 = seed, k1 = _mm256_srli_epi64(seed, 32);
    for (int i = 0; i < 10; i++) {
        __m256i x = _mm256_mul_epu32(a, m0), y = _mm256_mul_epu32(c, m1);
        a = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(y, 32), b), k0);
        c = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(x, 32), d), k1);
        b = y, d = x;
        k0 = _mm256_add_epi32(k0, _mm256_set1_epi64x(PHILOX_W32_0)), k1 = _mm256_add_epi32(k1, _mm256_set1_epi64x(PHILOX_W32_1));
    }
    *first = _mm256_or_si256(_mm256_slli_epi64(a, 32), _mm256_and_si256(b, low));
    *second = _mm256_or_si256(_mm256_slli_epi64(c, 32), _mm256_and_si256(d, low));
}

/* blocks_plain of AT_ONCE blocks. */
static __attribute__((target("avx2"))) void blocks_avx2(const struct rng *r, uint32_t block, uint64_t bits[AT_ONCE][2]) {
    __m256i a = _mm256_add_epi32(_mm256_set1_epi64x(block), _mm256_set_epi64x(3, 2, 1, 0)), first, second;
    philox_avx2(a, _mm256_set1_epi64x(r->round), _mm256_set1_epi64x(r->sequence), _mm256_set1_epi64x(r->stream), _mm256_set1_epi64x((int64_t)r->seed), &first, &second);
    __m256i even = _mm256_unpacklo_epi64(first, second), odd = _mm256_unpackhi_epi64(first, second);
    _mm256_storeu_si256((__m256i *)bits[0], _mm256_permute2x128_si256(even, odd, 0x20));
    _mm256_storeu_si256((__m256i *)bits[2], _mm256_permute2x128_si256(even, odd, 0x31));
}

/* 53 bits of each as a double: the upper 21 and the lower 32 in the fractions of 2^84 and 2^52. */
static __attribute__((target("avx2"))) void uniform_four_avx2(const struct rng_four *r, double u[4]) {
    __m256i first, second, seed = _mm256_loadu_si256((const __m256i *)r->seed);
    philox_avx2(_mm256_setzero_si256(), _mm256_loadu_si256((const __m256i *)r->round), _mm256_loadu_si256((const __m256i *)r->sequence),
                _mm256_set1_epi64x(r->stream), seed, &first, &second);
    __m256i bits = _mm256_srli_epi64(first, 11);
    __m256i upper = _mm256_or_si256(_mm256_srli_epi64(bits, 32), _mm256_set1_epi64x(0x4530000000000000));
    __m256i lower = _mm256_blend_epi32(bits, _mm256_set1_epi64x(0x4330000000000000), 0xaa);
    __m256d x = _mm256_add_pd(_mm256_sub_pd(_mm256_castsi256_pd(upper), _mm256_set1_pd(0x1p84)), _mm256_sub_pd(_mm256_castsi256_pd(lower), _mm256_set1_pd(0x1p52)));
    _mm256_storeu_pd(u, _mm256_mul_pd(x, _mm256_set1_pd(0x1p-53)));
}

/* gamma_from of four words where the first tries settle it, that is nearly always: the same operations in the same order, so the same
 * bits. Returns a bit for each lane that is settled. */
static inline __attribute__((target("avx2"), always_inline)) int gammas_avx2(__m256i bits, __m256d d, __m256d c, __m256d *x) {
    const __m256i whole = _mm256_set1_epi64x(0x4330000000000000); // 2^52: with whole numbers below it in its fraction
    __m256i from = _mm256_srli_epi64(bits, 20), layer = _mm256_and_si256(from, _mm256_set1_epi64x(ZIGGURAT - 1));
    __m256i sign = _mm256_slli_epi64(_mm256_srli_epi64(from, 7), 63), low = _mm256_and_si256(bits, _mm256_set1_epi64x(0xfffff));
    __m256d place = _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(_mm256_srli_epi64(bits, 28), whole)), _mm256_castsi256_pd(whole));
    __m256d u = _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(low, whole)), _mm256_castsi256_pd(whole));
    place = _mm256_mul_pd(_mm256_add_pd(place, _mm256_set1_pd(0.5)), _mm256_set1_pd(0x1p-36));
    __m256d n = _mm256_mul_pd(place, _mm256_i64gather_pd(ziggurat_edge, layer, 8));
    __m256d inside = _mm256_cmp_pd(n, _mm256_i64gather_pd(ziggurat_edge + 1, layer, 8), _CMP_LT_OQ);
    __m256d z = _mm256_mul_pd(c, n = _mm256_xor_pd(n, _mm256_castsi256_pd(sign))), v = _mm256_add_pd(_mm256_set1_pd(1), z);
    __m256d left = _mm256_mul_pd(_mm256_mul_pd(_mm256_set1_pd(GAMMA_SQUEEZE), _mm256_mul_pd(z, z)), _mm256_mul_pd(n, n));
    u = _mm256_add_pd(_mm256_mul_pd(u, _mm256_set1_pd(0x1p-20)), _mm256_set1_pd(0x1p-20));
    __m256d below = _mm256_cmp_pd(u, _mm256_sub_pd(_mm256_set1_pd(1), left), _CMP_LE_OQ);
    *x = _mm256_mul_pd(d, _mm256_mul_pd(_mm256_mul_pd(v, v), v));
    return _mm256_movemask_pd(_mm256_and_pd(inside, below));
}

/* Four betas from their words; returns a bit for each that is settled. */
static __attribute__((target("avx2"))) int betas_avx2(uint64_t bits[AT_ONCE][2], const struct rng_shape *s, double *x) {
    __m256i one = _mm256_set_epi64x((int64_t)bits[3][0], (int64_t)bits[2][0], (int64_t)bits[1][0], (int64_t)bits[0][0]);
    __m256i two = _mm256_set_epi64x((int64_t)bits[3][1], (int64_t)bits[2][1], (int64_t)bits[1][1], (int64_t)bits[0][1]);
    __m256d left, right;
    int settled = gammas_avx2(one, _mm256_set_pd(s[6].d, s[4].d, s[2].d, s[0].d), _mm256_set_pd(s[6].c, s[4].c, s[2].c, s[0].c), &left);
    settled &= gammas_avx2(two, _mm256_set_pd(s[7].d, s[5].d, s[3].d, s[1].d), _mm256_set_pd(s[7].c, s[5].c, s[3].c, s[1].c), &right);
    for (int i = 0; i < 2 * AT_ONCE; i++) settled &= ~((s[i].below > 0) << i / 2);
    _mm256_storeu_pd(x, _mm256_div_pd(left, _mm256_add_pd(left, right)));
    return settled;
}

/* Of fewer than four: what fills up is not looked at. */
static int fewer_betas_avx2(uint64_t bits[AT_ONCE][2], const struct rng_shape *s, double *x, int m) {
    struct rng_shape shape[2 * AT_ONCE];
    double all[AT_ONCE];
    for (int i = 0; i < 2 * AT_ONCE; i++) shape[i] = s[i < 2 * m ? i : 0];
    for (int i = m; i < AT_ONCE; i++) bits[i][0] = bits[i][1] = 0;
    int settled = betas_avx2(bits, shape, all);
    memcpy(x, all, (size_t)m * sizeof *x);
    return settled;
}
#endif

static inline void blocks(const struct rng *r, uint32_t block, int n, uint64_t bits[AT_ONCE][2]) {
#ifdef __x86_64__
    if (n > 1 && __builtin_cpu_supports("avx2")) {
        blocks_avx2(r, block, bits);
        return;
    }
#endif
    blocks_plain(r, block, n, bits);
}

void rng_betas(struct rng *r, const struct rng_shape *s, double *x, int n) {
    for (int from = 0; from < n; from += AT_ONCE) {
        int m = n - from < AT_ONCE ? n - from : AT_ONCE;
        uint64_t bits[AT_ONCE][2];
        if (r->given) {
            for (int i = 0; i < m; i++) bits[i][0] = rng_u64(r), bits[i][1] = rng_u64(r);
        } else {
            r->draw = (r->draw + 3) & ~3u;
            blocks(r, r->draw / 4, m, bits);
            r->draw += 4 * (uint32_t)m;
        }
        int settled = 0;
#ifdef __x86_64__
        if (m > 1 && __builtin_cpu_supports("avx2")) settled = m == AT_ONCE ? betas_avx2(bits, &s[2 * from], &x[from]) : fewer_betas_avx2(bits, &s[2 * from], &x[from], m);
#endif
        for (int i = 0; i < m; i++) {
            if (settled >> i & 1) continue;
            double left = gamma_of(r, &s[2 * (from + i)], bits[i][0]), right = gamma_of(r, &s[2 * (from + i) + 1], bits[i][1]);
            x[from + i] = left + right > 0 ? left / (left + right) : 0.5;
        }
    }
}

double rng_gamma(struct rng *r, double shape) {
    struct rng_shape s = rng_shape(shape);
    return rng_gamma_of(r, &s);
}

double rng_beta(struct rng *r, double a, double b) {
    struct rng_shape x = rng_shape(a), y = rng_shape(b);
    return rng_beta_of(r, &x, &y);
}

#ifdef __x86_64__
/* rng_shape of each, and a bit for each that is under 1. */
static inline __attribute__((target("avx2"), always_inline)) int shapes_avx2(__m256d shape, __m256d *d, __m256d *c) {
    __m256d one = _mm256_set1_pd(1), under = _mm256_cmp_pd(shape, one, _CMP_LT_OQ);
    *d = _mm256_sub_pd(_mm256_blendv_pd(shape, _mm256_add_pd(shape, one), under), _mm256_set1_pd(1.0 / 3));
    *c = _mm256_div_pd(one, _mm256_sqrt_pd(_mm256_mul_pd(_mm256_set1_pd(9), *d)));
    return _mm256_movemask_pd(under);
}

/* Betas of four pairs of shapes from as many blocks; returns a bit for each that is settled. */
static __attribute__((target("avx2"))) int beta_each_avx2(const struct rng *r, const double *a, const double *b, double *x) {
    uint64_t bits[AT_ONCE][2];
    __m256d d[2], c[2], left, right;
    blocks_avx2(r, r->draw / 4, bits);
    int under = shapes_avx2(_mm256_loadu_pd(a), &d[0], &c[0]) | shapes_avx2(_mm256_loadu_pd(b), &d[1], &c[1]);
    int settled = gammas_avx2(_mm256_set_epi64x((int64_t)bits[3][0], (int64_t)bits[2][0], (int64_t)bits[1][0], (int64_t)bits[0][0]), d[0], c[0], &left)
                & gammas_avx2(_mm256_set_epi64x((int64_t)bits[3][1], (int64_t)bits[2][1], (int64_t)bits[1][1], (int64_t)bits[0][1]), d[1], c[1], &right);
    _mm256_storeu_pd(x, _mm256_div_pd(left, _mm256_add_pd(left, right)));
    return settled & ~under;
}
#endif

/* Those settled by a block each, up to the first that wants more; that one alone, and on from where it left off. */
void rng_beta_each(struct rng *r, const double *a, const double *b, double *x, int n) {
    for (int i = 0; i < n;) {
#ifdef __x86_64__
        if (n - i > 1 && !r->given && r->draw % 4 == 0 && __builtin_cpu_supports("avx2")) {
            double left[AT_ONCE], right[AT_ONCE], some[AT_ONCE];
            const int m = n - i < AT_ONCE ? n - i : AT_ONCE;
            for (int k = 0; k < AT_ONCE; k++) left[k] = a[k < m ? i + k : i], right[k] = b[k < m ? i + k : i];
            int settled = beta_each_avx2(r, left, right, some), run = 0;
            for (; run < m && settled >> run & 1; run++) x[i++] = some[run];
            r->draw += 4 * (uint32_t)run;
            if (run == m) continue;
        }
#endif
        x[i] = rng_beta(r, a[i], b[i]);
        i++;
    }
}

static struct rng one_of(const struct rng_four *r, int l) { return rng_at(r->seed[l], r->stream, (uint32_t)r->sequence[l], (uint32_t)r->round[l]); }

static struct rng_shape shape_of(const struct rng_shape_four *s, int l) { return (struct rng_shape){s->d[l], s->c[l], s->below[l]}; }

#ifdef __x86_64__
/* A beta for each lane from its block number block[l]; returns a bit for each that is settled, and the words of all. */
static __attribute__((target("avx2"))) int beta_four_avx2(const struct rng_four *r, __m256i block, const struct rng_shape_four *s, double *x, uint64_t bits[2][4]) {
    __m256i one, two;
    __m256d left, right, zero = _mm256_setzero_pd();
    philox_avx2(block, _mm256_loadu_si256((const __m256i *)r->round), _mm256_loadu_si256((const __m256i *)r->sequence), _mm256_set1_epi64x(r->stream),
                _mm256_loadu_si256((const __m256i *)r->seed), &one, &two);
    _mm256_storeu_si256((__m256i *)bits[0], one);
    _mm256_storeu_si256((__m256i *)bits[1], two);
    int settled = gammas_avx2(one, _mm256_loadu_pd(s[0].d), _mm256_loadu_pd(s[0].c), &left) & gammas_avx2(two, _mm256_loadu_pd(s[1].d), _mm256_loadu_pd(s[1].c), &right);
    __m256d below = _mm256_or_pd(_mm256_cmp_pd(_mm256_loadu_pd(s[0].below), zero, _CMP_GT_OQ), _mm256_cmp_pd(_mm256_loadu_pd(s[1].below), zero, _CMP_GT_OQ));
    _mm256_storeu_pd(x, _mm256_div_pd(left, _mm256_add_pd(left, right)));
    return settled & ~_mm256_movemask_pd(below);
}

static __attribute__((target("avx2"))) void betas_four_avx2(const struct rng_four *r, const struct rng_shape_four *s, double (*x)[4], int n) {
    struct rng one[4]; // of lanes that need more than their blocks
    uint64_t at[4] = {0}, bits[2][4]; // words taken
    int opened = 0;
    for (int from = 0; from < n; from += AT_ONCE) {
        int m = n - from < AT_ONCE ? n - from : AT_ONCE;
        __m256i block = _mm256_srli_epi64(_mm256_add_epi64(_mm256_loadu_si256((const __m256i *)at), _mm256_set1_epi64x(3)), 2);
        _mm256_storeu_si256((__m256i *)at, _mm256_slli_epi64(_mm256_add_epi64(block, _mm256_set1_epi64x(m)), 2));
        for (int i = from; i < from + m; i++, block = _mm256_add_epi64(block, _mm256_set1_epi64x(1))) {
            int open = 15 & ~beta_four_avx2(r, block, &s[2 * i], x[i], bits);
            for (int l = 0; open; l++, open >>= 1) {
                if (!(open & 1)) continue;
                if (!(opened >> l & 1)) one[l] = one_of(r, l), opened |= 1 << l;
                if (one[l].draw < at[l]) one[l].draw = (uint32_t)at[l];
                struct rng_shape a = shape_of(&s[2 * i], l), b = shape_of(&s[2 * i + 1], l);
                double left = gamma_of(&one[l], &a, bits[0][l]), right = gamma_of(&one[l], &b, bits[1][l]);
                x[i][l] = left + right > 0 ? left / (left + right) : 0.5;
                at[l] = one[l].draw;
            }
        }
    }
}
#endif

void rng_betas_four(const struct rng_four *r, const struct rng_shape_four *s, double (*x)[4], int n) {
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2")) {
        betas_four_avx2(r, s, x, n);
        return;
    }
#endif
    for (int l = 0; l < 4; l++) {
        struct rng one = one_of(r, l);
        for (int from = 0; from < n; from += AT_ONCE) {
            struct rng_shape shape[2 * AT_ONCE];
            double some[AT_ONCE];
            int m = n - from < AT_ONCE ? n - from : AT_ONCE;
            for (int i = 0; i < 2 * m; i++) shape[i] = shape_of(&s[2 * from + i], l);
            rng_betas(&one, shape, some, m);
            for (int i = 0; i < m; i++) x[from + i][l] = some[i];
        }
    }
}

void rng_uniform_four(const struct rng_four *r, double u[4]) {
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2")) {
        uniform_four_avx2(r, u);
        return;
    }
#endif
    for (int i = 0; i < 4; i++) {
        struct rng one = one_of(r, i);
        u[i] = rng_uniform(&one);
    }
}
