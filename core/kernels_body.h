/* kernels_body.h - the kernels themselves, over simd.h; included once per instruction set. */
#include "core/kernels.h"
#include "core/simd.h"

/* Loops over rows, heads and vectors have constant bounds: unrolled, their arrays become registers.
 * Portable lanes stay in memory: unrolled they run no faster, and gcc 12 takes 100 s over the file instead of 4;
 * under the sanitizers every set takes that long. */
#if defined SIMD_PORTABLE || defined __SANITIZE_ADDRESS__
#define SHORT_FORM
#endif
#if defined SHORT_FORM
#define UNROLL
#elif defined __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 12")
#endif

/* A loop over the rows of a pass. Only AVX-512 has the registers to hold twelve accumulators; elsewhere those of more than four rows
 * live in the first-level cache whatever the form, and unrolled twelve times gcc 12 takes 68 s and 1 GB over the AVX2 file. */
#if defined SIMD_AVX512 || defined SHORT_FORM
#define UNROLL_ROWS UNROLL
#elif defined __clang__
#define UNROLL_ROWS _Pragma("clang loop unroll_count(4)")
#else
#define UNROLL_ROWS _Pragma("GCC unroll 4")
#endif

/* How far ahead of the quants the stream is fetched: hardware prefetchers stop at each 4 KiB page, and
 * a loop over Q4_1 tiles past any cache took 349 ns a tile of 576 inputs for five rows with this, 498 without
 * (one run each; 1, 2 and 4 KiB were within its noise of 8). */
enum { AHEAD = 8192 };

/* Four activations as the 32 bits that every lane multiplies. */
SIMD_INLINE int32_t four(const int8_t *x) {
    int32_t bits;
    memcpy(&bits, x, sizeof bits);
    return bits;
}

/* What the stored quants exceed the true ones by; Q6_K: see block_term. */
SIMD_INLINE int tile_bias(enum tile_kind kind) {
    return kind == TILE_Q4_0 ? 8 : kind == TILE_Q5_0 ? 16 : kind == TILE_Q8_0 ? SIMD_DOT8_BIAS : 0;
}

/* One block's weights for all rows: `low` and `high` hold inputs 0..15 and 16..31. */
SIMD_INLINE void load_quants(const uint8_t *quants, enum tile_kind kind, w64 *low, w64 *high) {
    const size_t bytes = tile_quants(kind);
    const w64 up = w64_load(quants + (bytes > TILE_4BIT ? 256 : 0)), up2 = w64_load(quants + (bytes == TILE_6BIT ? 320 : 0));
    UNROLL for (int j = 0; j < 4; j++) {
        w64 w = w64_load(quants + 64 * j);
        low[j] = bytes == TILE_8BIT ? w : w64_low(w);
        high[j] = bytes == TILE_8BIT ? w64_load(quants + 64 * j + 256) : w64_high(w);
        if (bytes == TILE_5BIT) low[j] = w64_or(low[j], w64_pick(up, 4 - j, 0x10)), high[j] = w64_or(high[j], w64_pick(up, -j, 0x10));
        if (bytes == TILE_6BIT) low[j] = w64_or(low[j], w64_pick(up, 4 - 2 * j, 0x30)), high[j] = w64_or(high[j], w64_pick(up2, 4 - 2 * j, 0x30));
    }
}

/* Scales of block i of a group, as weights are d q + m; `part`: what Q6_K multiplies the two halves by. */
SIMD_INLINE void load_scales(const uint8_t *group, int i, enum tile_kind kind, v16 *d, v16 *m, i16 *part) {
    const uint8_t *scales = group + (size_t)tile_blocks(kind) * tile_quants(kind), *bytes = scales + i * 2 * TILE;
    *m = v16_set(0);
    part[0] = part[1] = i16_set(0);
    if (kind < TILE_Q4_K) {
        *d = v16_f16((const uint16_t *)scales + i * TILE);
        if (tile_minima(kind)) *m = v16_f16((const uint16_t *)scales + (2 + i) * TILE);
        return;
    }
    const uint16_t *super = (const uint16_t *)(scales + 8 * 2 * TILE);
    *d = v16_f16(super);
    if (kind == TILE_Q6_K) {
        part[0] = i16_s8(bytes), part[1] = i16_s8(bytes + TILE);
        return;
    }
    *d = v16_mul(*d, i16_float(i16_u8(bytes))); // exact: 11 bits times 6
    *m = v16_sub(*m, v16_mul(v16_f16(super + TILE), i16_float(i16_u8(bytes + TILE))));
}

/* One block of one row: acc + d dx (quants . q) + m dx sum. One or two rows wait for each dot product, so theirs run in
 * two chains; with more, other rows fill the wait, and `one_chain` saves the sum of the two (integers: the same bits). In Q6_K both halves take 32 a quant off and are multiplied
 * by their scales before they meet: below 2^24, so still exact as a float. */
SIMD_INLINE v16 block_term(v16 acc, const w64 *low, const w64 *high, enum tile_kind kind, v16 d, v16 m, const i16 *part,
                           const int8_t *x, float dx, int32_t sum, float dx_sum, int one_chain) {
    const int wide = kind == TILE_Q8_0, halves = kind == TILE_Q6_K;
    int32_t first = halves ? sum_16(x) : 0;
    i16 s = i16_set(halves ? -32 * first : -tile_bias(kind) * sum), t = i16_set(halves ? -32 * (sum - first) : 0);
    if (one_chain && !halves) {
        UNROLL for (int j = 0; j < 4; j++) s = wide ? i16_dot8(s, low[j], four(x + 4 * j)) : i16_dot4(s, low[j], four(x + 4 * j));
        UNROLL for (int j = 0; j < 4; j++) s = wide ? i16_dot8(s, high[j], four(x + 4 * j + 16)) : i16_dot4(s, high[j], four(x + 4 * j + 16));
    } else {
        UNROLL for (int j = 0; j < 4; j++) {
            s = wide ? i16_dot8(s, low[j], four(x + 4 * j)) : i16_dot4(s, low[j], four(x + 4 * j));
            t = wide ? i16_dot8(t, high[j], four(x + 4 * j + 16)) : i16_dot4(t, high[j], four(x + 4 * j + 16));
        }
        if (halves) s = i16_mul(s, part[0]), t = i16_mul(t, part[1]);
        s = i16_add(s, t);
    }
    acc = v16_fma(v16_mul(d, v16_set(dx)), i16_float(s), acc);
    return tile_minima(kind) ? v16_fma(m, v16_set(dx_sum), acc) : acc;
}

/* Asked of the bits: a float comparison would take a vector port, which the dot products need. */
SIMD_INLINE int has_second(const struct qblock *x) {
    uint32_t bits;
    memcpy(&bits, &x->d2, sizeof bits);
    return bits != 0;
}

/* `rows` and `kind` are compile-time constants wherever this is called, so that the accumulators
 * stay in registers; the weights of a block are unpacked once for all rows. */
SIMD_INLINE void tile_quantized(const uint8_t *tile, const struct activation *a, int rows, float *y, size_t stride, enum tile_kind kind) {
    const int blocks = a->cols / QBLOCK, in_group = tile_blocks(kind);
    const size_t share = tile_group(kind) / (size_t)in_group;
    v16 acc[ROWS_AT_ONCE];
    UNROLL_ROWS for (int r = 0; r < rows; r++) acc[r] = v16_set(0);
    for (int b = 0; b < blocks; b++) {
        const uint8_t *group = tile + (size_t)(b / in_group) * tile_group(kind), *quants = group + (size_t)(b % in_group) * tile_quants(kind);
        for (size_t line = 0; line < share; line += 64) __builtin_prefetch(quants + AHEAD + line);
        w64 low[4], high[4];
        v16 d, m;
        i16 part[2];
        load_quants(quants, kind, low, high);
        load_scales(group, b % in_group, kind, &d, &m, part);
        UNROLL_ROWS for (int r = 0; r < rows; r++) {
            const struct qblock *x = &a->q[b * rows + r];
            acc[r] = block_term(acc[r], low, high, kind, d, m, part, x->q, x->d, x->sum, x->ds, rows > 2);
            if (__builtin_expect(has_second(x), 0)) {
                const struct qfine *f = &a->fine[b * rows + r];
                acc[r] = block_term(acc[r], low, high, kind, d, m, part, f->q, x->d2, f->sum, f->ds, rows > 2);
            }
        }
    }
    UNROLL_ROWS for (int r = 0; r < rows; r++) v16_store(y + r * stride, acc[r]);
}

/* Float weights: four running sums over inputs k mod 4 hide the latency of the multiply-add. */
#define TILE_FLOAT(name, type, load)                                                                       \
    SIMD_INLINE void name(const type *tile, const struct activation *a, int rows, float *y, size_t stride) { \
        const int cols = a->cols;                                                                          \
        for (int r = 0; r < rows; r++) {                                                                   \
            const float *x = a->x + (size_t)r * cols;                                                      \
            v16 s[4] = {v16_set(0), v16_set(0), v16_set(0), v16_set(0)};                                   \
            for (int k = 0; k < cols; k++)                                                                 \
                s[k % 4] = v16_fma(load(tile + (size_t)k * TILE), v16_set(x[k]), s[k % 4]);                \
            v16_store(y + r * stride, v16_add(v16_add(s[0], s[1]), v16_add(s[2], s[3])));                  \
        }                                                                                                  \
    }
TILE_FLOAT(tile_f32, float, v16_load)
TILE_FLOAT(tile_f16, uint16_t, v16_f16)
TILE_FLOAT(tile_bf16, uint16_t, v16_bf16)

/* One body for every number of rows: the switch makes `rows` a constant. */
#define TILE_PARAMETERS const void *tile, const struct activation *a, int rows, float *y, size_t stride
#if defined SHORT_FORM
#define TILE_ENTRY(name, call) \
    static void name(TILE_PARAMETERS) { call(rows); }
#elif !defined SIMD_AVX512
#define TILE_ENTRY(name, call)                                                                   \
    static void name(TILE_PARAMETERS) {                                                          \
        switch (rows) {                                                                          \
        case 1: call(1); break;                                                                  \
        case 2: call(2); break;                                                                  \
        case 3: call(3); break;                                                                  \
        case 4: call(4); break;                                                                  \
        default:                                                                                 \
            if (rows < 5 || rows > ROWS_AT_ONCE) __builtin_unreachable();                        \
            call(rows);                                                                          \
        }                                                                                        \
    }
#else
#define TILE_ENTRY(name, call)                                                                   \
    static void name(TILE_PARAMETERS) {                                                          \
        switch (rows) {                                                                          \
        case 1: call(1); break;                                                                  \
        case 2: call(2); break;                                                                  \
        case 3: call(3); break;                                                                  \
        case 4: call(4); break;                                                                  \
        case 5: call(5); break;                                                                  \
        case 6: call(6); break;                                                                  \
        case 7: call(7); break;                                                                  \
        case 8: call(8); break;                                                                  \
        case 9: call(9); break;                                                                  \
        case 10: call(10); break;                                                                \
        case 11: call(11); break;                                                                \
        default: call(12); break;                                                                \
        }                                                                                        \
    }
#endif
#define Q4_0(n) tile_quantized(tile, a, n, y, stride, TILE_Q4_0)
#define Q4_1(n) tile_quantized(tile, a, n, y, stride, TILE_Q4_1)
#define Q5_0(n) tile_quantized(tile, a, n, y, stride, TILE_Q5_0)
#define Q5_1(n) tile_quantized(tile, a, n, y, stride, TILE_Q5_1)
#define Q8_0(n) tile_quantized(tile, a, n, y, stride, TILE_Q8_0)
#define Q4_K(n) tile_quantized(tile, a, n, y, stride, TILE_Q4_K)
#define Q5_K(n) tile_quantized(tile, a, n, y, stride, TILE_Q5_K)
#define Q6_K(n) tile_quantized(tile, a, n, y, stride, TILE_Q6_K)
#define F32(n) tile_f32(tile, a, n, y, stride)
#define F16(n) tile_f16(tile, a, n, y, stride)
#define BF16(n) tile_bf16(tile, a, n, y, stride)
TILE_ENTRY(entry_q4_0, Q4_0)
TILE_ENTRY(entry_q4_1, Q4_1)
TILE_ENTRY(entry_q5_0, Q5_0)
TILE_ENTRY(entry_q5_1, Q5_1)
TILE_ENTRY(entry_q8_0, Q8_0)
TILE_ENTRY(entry_q4_k, Q4_K)
TILE_ENTRY(entry_q5_k, Q5_K)
TILE_ENTRY(entry_q6_k, Q6_K)
TILE_ENTRY(entry_f32, F32)
TILE_ENTRY(entry_f16, F16)
TILE_ENTRY(entry_bf16, BF16)

static float kernel_max(const float *x, int n) {
    int i = 0;
    float best = -INFINITY;
    if (n >= 16) {
        v16 m = v16_load(x);
        for (i = 16; i + 16 <= n; i += 16) m = v16_max(m, v16_load(x + i));
        float lane[16];
        v16_store(lane, m);
        for (int l = 0; l < 16; l++) best = lane[l] > best ? lane[l] : best;
    }
    for (; i < n; i++) best = x[i] > best ? x[i] : best;
    return best;
}

/* 127 / x is finite from here on; what is smaller counts as zero. */
#define QUANTIZE_LEAST 0x1p-100f

/* One block to int8; `left` (32), when not null, receives what rounding left over. Returns the scale.
 * The clamp acts on what is no number only: products with such a block stay defined, if useless. */
SIMD_INLINE float quantize_block(const float *x, int8_t *q, int32_t *sum, float *left) {
    v16 lo = v16_load(x), hi = v16_load(x + 16);
    int32_t bits = i16_top(v16_bits(v16_abs(lo)), v16_bits(v16_abs(hi))); // positive floats are ordered as their bits are; NaN tops all
    float top;
    memcpy(&top, &bits, sizeof top);
    if (top < QUANTIZE_LEAST) top = 0;
    v16 inverse = v16_set(top > 0 ? 127 / top : 0), scale = v16_set(-top / 127);
    i16 a = v16_round(v16_clamp(v16_mul(lo, inverse), 127)), b = v16_round(v16_clamp(v16_mul(hi, inverse), 127));
    i16_store8(q, a);
    i16_store8(q + 16, b);
    *sum = i16_sum(i16_add(a, b));
    if (left) {
        v16_store(left, v16_fma(i16_float(a), scale, lo));
        v16_store(left + 16, v16_fma(i16_float(b), scale, hi));
    }
    return top / 127;
}

static void kernel_quantize(const float *x, int n, int rows, struct qblock *q, struct qfine *fine) {
    float total = 0;
    const int blocks = n / QBLOCK;
    for (int b = 0; b < blocks; b++) {
        struct qblock *to = &q[b * rows];
        total += to->d = quantize_block(x + b * QBLOCK, to->q, &to->sum, NULL);
        to->ds = to->d * (float)to->sum;
    }
    float limit = FINE_ABOVE * total / (float)blocks;
    for (int b = 0; b < blocks; b++) {
        struct qblock *to = &q[b * rows];
        to->d2 = 0;
        if (!(to->d > limit)) continue;
        float left[QBLOCK];
        quantize_block(x + b * QBLOCK, to->q, &to->sum, left);
        struct qfine *second = &fine[b * rows];
        to->d2 = quantize_block(left, second->q, &second->sum, NULL);
        second->ds = to->d2 * (float)second->sum;
    }
}

static void kernel_norm(const float *x, const float *weight, int n, float eps, float *out) {
    v16 s = v16_set(0);
    int i = 0;
    for (; i + 16 <= n; i += 16) s = v16_fma(v16_load(x + i), v16_load(x + i), s);
    float total = v16_sum(s);
    for (; i < n; i++) total = fmaf(x[i], x[i], total);
    float scale = 1 / sqrtf(total / (float)n + eps);
    for (i = 0; i + 16 <= n; i += 16)
        v16_store(out + i, v16_mul(v16_mul(v16_load(x + i), v16_set(scale)), v16_load(weight + i)));
    for (; i < n; i++) out[i] = x[i] * scale * weight[i];
}

SIMD_INLINE v16 gate16(v16 g, v16 u) {
    v16 e = v16_exp(v16_sub(v16_set(0), g));
    return v16_mul(v16_div(g, v16_add(v16_set(1), e)), u);
}

static void kernel_gate(const float *gate, const float *up, int n, float *out) {
    int i = 0;
    for (; i + 16 <= n; i += 16) v16_store(out + i, gate16(v16_load(gate + i), v16_load(up + i)));
    if (i < n) {
        float g[16] = {0}, u[16] = {0};
        memcpy(g, gate + i, (size_t)(n - i) * sizeof *g);
        memcpy(u, up + i, (size_t)(n - i) * sizeof *u);
        v16_store(g, gate16(v16_load(g), v16_load(u)));
        memcpy(out + i, g, (size_t)(n - i) * sizeof *g);
    }
}

static void kernel_add(float *x, const float *y, int n) {
    int i = 0;
    for (; i + 16 <= n; i += 16) v16_store(x + i, v16_add(v16_load(x + i), v16_load(y + i)));
    for (; i < n; i++) x[i] += y[i];
}

/* Each sum of attention is one chain of multiply-adds; so many vectors go side by side that the chains fill the units. */
#if defined SIMD_AVX512
#define ABREAST(heads) 4
#else
#define ABREAST(heads) ((heads) > 2 ? 1 : 4 / (heads))
#endif

/* `blocks` blocks of 16 keys; the heads share each load of them. */
SIMD_INLINE void scores_blocks(const float *q, int heads, const float *k, int blocks, int dim, float scale, float *out, size_t stride) {
    v16 s[4][4];
    UNROLL for (int b = 0; b < blocks; b++) UNROLL for (int h = 0; h < heads; h++) s[b][h] = v16_set(0);
    for (int i = 0; i < dim; i++)
        UNROLL for (int b = 0; b < blocks; b++) {
            v16 key = v16_load(k + ((size_t)b * dim + (size_t)i) * 16);
            UNROLL for (int h = 0; h < heads; h++) s[b][h] = v16_fma(key, v16_set(q[h * dim + i]), s[b][h]);
        }
    UNROLL for (int b = 0; b < blocks; b++)
        UNROLL for (int h = 0; h < heads; h++) v16_store(out + h * stride + b * 16, v16_mul(s[b][h], v16_set(scale)));
}

/* Up to four heads. */
SIMD_INLINE void scores_heads(const float *q, int heads, const float *k, int dim, int n, float scale, float *out, size_t stride) {
    const int step = ABREAST(heads);
    int c = 0;
    for (; c + 16 * (step - 1) < n; c += 16 * step) scores_blocks(q, heads, k + (size_t)c * dim, step, dim, scale, out + c, stride);
    switch ((n - c + 15) / 16) {
    case 3: scores_blocks(q, heads, k + (size_t)c * dim, 3, dim, scale, out + c, stride); break;
    case 2: scores_blocks(q, heads, k + (size_t)c * dim, 2, dim, scale, out + c, stride); break;
    case 1: scores_blocks(q, heads, k + (size_t)c * dim, 1, dim, scale, out + c, stride); break;
    }
}

static void kernel_scores(const float *q, int heads, const float *k, int dim, int n, float scale, float *out, size_t stride) {
    for (; heads >= 4; heads -= 4, q += (size_t)4 * dim, out += 4 * stride) scores_heads(q, 4, k, dim, n, scale, out, stride);
    switch (heads) {
    case 3: scores_heads(q, 3, k, dim, n, scale, out, stride); break;
    case 2: scores_heads(q, 2, k, dim, n, scale, out, stride); break;
    case 1: scores_heads(q, 1, k, dim, n, scale, out, stride); break;
    }
}

static float kernel_softmax(float *s, int n) {
    v16 top = v16_set(kernel_max(s, n)), total = v16_set(0);
    for (int i = n; i % 16; i++) s[i] = -INFINITY; // e^-87 of the clamp is zeroed below
    int i = 0;
    for (; i + 16 <= n; i += 16) {
        v16 e = v16_exp(v16_sub(v16_load(s + i), top));
        v16_store(s + i, e);
        total = v16_add(total, e);
    }
    if (i < n) {
        float e[16];
        v16_store(e, v16_exp(v16_sub(v16_load(s + i), top)));
        for (int l = n - i; l < 16; l++) e[l] = 0;
        v16_store(s + i, v16_load(e));
        total = v16_add(total, v16_load(e));
    }
    return v16_sum(total);
}

static void kernel_moments(const float *x, int n, float top, float *sum, float *weighted) {
    v16 s = v16_set(0), w = v16_set(0);
    for (int i = 0; i < n; i += 16) {
        float last[16];
        const float *at = x + i;
        if (n - i < 16) { // so far below that it adds nothing
            for (int l = 0; l < 16; l++) last[l] = l < n - i ? at[l] : top - 200;
            at = last;
        }
        v16 d = v16_sub(v16_load(at), v16_set(top)), e = v16_exp(d);
        s = v16_add(s, e);
        w = v16_fma(d, e, w);
    }
    *sum = v16_sum(s), *weighted = v16_sum(w);
}

/* `vectors` times sixteen values; the sum runs over the cells in order. */
SIMD_INLINE void mix_vectors(const float *p, size_t stride, const float *total, int heads, const float *v, size_t v_stride, int vectors,
                             const int *cells, int n, int dim, float *out, int more) {
    v16 s[4][4];
    UNROLL for (int b = 0; b < vectors; b++)
        UNROLL for (int h = 0; h < heads; h++) s[b][h] = more ? v16_load(out + h * dim + b * 16) : v16_set(0);
    for (int c = 0; c < n; c++)
        UNROLL for (int b = 0; b < vectors; b++) {
            v16 value = v16_load(v + (size_t)(cells ? cells[c] : c) * v_stride + b * 16);
            UNROLL for (int h = 0; h < heads; h++) s[b][h] = v16_fma(value, v16_set(p[h * stride + c]), s[b][h]);
        }
    UNROLL for (int b = 0; b < vectors; b++)
        UNROLL for (int h = 0; h < heads; h++) v16_store(out + h * dim + b * 16, total ? v16_div(s[b][h], v16_set(total[h])) : s[b][h]);
}

/* Up to four heads. */
SIMD_INLINE void mix_heads(const float *p, size_t stride, const float *total, int heads, const float *v, size_t v_stride,
                           const int *cells, int n, int dim, float *out, int more) {
    const int step = ABREAST(heads);
    int i = 0;
    for (; i + 16 * step <= dim; i += 16 * step) mix_vectors(p, stride, total, heads, v + i, v_stride, step, cells, n, dim, out + i, more);
    for (; i < dim; i += 16) mix_vectors(p, stride, total, heads, v + i, v_stride, 1, cells, n, dim, out + i, more);
}

static void kernel_mix(const float *p, size_t stride, const float *total, int heads, const float *v, size_t v_stride,
                       const int *cells, int n, int dim, float *out, int more) {
    for (; heads >= 4; heads -= 4, p += 4 * stride, total = total ? total + 4 : NULL, out += (size_t)4 * dim)
        mix_heads(p, stride, total, 4, v, v_stride, cells, n, dim, out, more);
    switch (heads) {
    case 3: mix_heads(p, stride, total, 3, v, v_stride, cells, n, dim, out, more); break;
    case 2: mix_heads(p, stride, total, 2, v, v_stride, cells, n, dim, out, more); break;
    case 1: mix_heads(p, stride, total, 1, v, v_stride, cells, n, dim, out, more); break;
    }
}

#define KERNELS_TABLE                                                                               \
    {                                                                                               \
        .name = SIMD_NAME,                                                                          \
        .tile = {[TILE_F32] = entry_f32, [TILE_F16] = entry_f16, [TILE_BF16] = entry_bf16,          \
                 [TILE_Q4_0] = entry_q4_0, [TILE_Q4_1] = entry_q4_1, [TILE_Q5_0] = entry_q5_0,      \
                 [TILE_Q5_1] = entry_q5_1, [TILE_Q8_0] = entry_q8_0, [TILE_Q4_K] = entry_q4_k,      \
                 [TILE_Q5_K] = entry_q5_k, [TILE_Q6_K] = entry_q6_k},                               \
        .quantize = kernel_quantize, .norm = kernel_norm, .gate = kernel_gate, .add = kernel_add,   \
        .scores = kernel_scores, .softmax = kernel_softmax, .moments = kernel_moments, .mix = kernel_mix, .max = kernel_max,   \
    }
