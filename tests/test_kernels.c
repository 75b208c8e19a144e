/* test_kernels.c - every instruction set gives the portable kernels' bits; dot products and
 * exponentials against double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <float.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/kernels.h"
#include "core/map.h"
#include "core/mem.h"
#include "core/rng.h"
#include "core/tensor.h"
#include "core/tile.h"

static const struct kernels *portable(void) { return kernels_find("portable"); }
/* The other sets this machine runs, one a call; null at the end. */
static const struct kernels *next_set(int *i) {
    for (const char *name; (name = kernels_name((*i)++));)
        if (strcmp(name, "portable") && kernels_find(name)) return kernels_find(name);
    return NULL;
}
#define EACH_SET(k) int set_ = 0; for (const struct kernels *k; (k = next_set(&set_));)

/* A block of its exact size: AddressSanitizer sees what lies behind it. */
static void *block(size_t count, size_t size) {
    void *p = calloc(count ? count : 1, size);
    assert_non_null(p);
    return p;
}

/* n normal values; now and then an outlier, a zero or a block of zeros. */
static float *values(struct rng *r, size_t n, double sigma) {
    float *x = block(n, sizeof *x);
    for (size_t i = 0; i < n; i++) {
        int dice = rng_below(r, 40);
        x[i] = dice == 0 ? 0 : (float)(rng_normal(r) * sigma * (dice == 1 ? 30 : 1));
    }
    for (size_t i = 64; i + 32 <= n && i < 96; i++) x[i] = 0;
    return x;
}

struct rows { // an activation that owns its arrays
    float *x;
    struct qblock *q;
    struct qfine *fine;
    struct activation a;
};

/* The first n rows, as blocks side by side. */
static void rows_pack(struct rows *s, const struct kernels *k, int n) {
    for (int i = 0; s->q && i < n; i++) k->quantize(s->x + (size_t)i * s->a.cols, s->a.cols, n, s->q + i, s->fine + i);
}

static struct rows rows_open(struct rng *r, int n, int cols, bool quantized) {
    size_t count = (size_t)n * cols, blocks = count / QBLOCK;
    struct rows s = {.x = values(r, count, 1)};
    if (quantized) s.q = block(blocks, sizeof *s.q), s.fine = block(blocks, sizeof *s.fine);
    s.a = (struct activation){s.x, s.q, s.fine, cols};
    return s;
}
static void rows_close(struct rows *s) { free(s->x), free(s->q), free(s->fine); }

static uint16_t half_of(float x) { // a normal half near x; exactness does not matter here
    uint32_t bits;
    memcpy(&bits, &x, 4);
    int exponent = (int)(bits >> 23 & 255) - 112;
    return exponent < 1 ? 0 : (uint16_t)((bits >> 31) << 15 | (uint32_t)exponent << 10 | (bits >> 13 & 0x3ff));
}

/* A tile with random quants and finite scales. */
static uint8_t *random_tile(struct rng *r, enum tile_kind kind, int cols) {
    size_t bytes = tile_bytes(kind, cols);
    uint8_t *tile = block(bytes, 1);
    if (kind <= TILE_BF16) {
        for (size_t i = 0; i < (size_t)cols * TILE; i++) {
            float x = (float)(rng_normal(r) * 0.1);
            uint16_t half = half_of(x), brain;
            memcpy(&brain, (uint8_t *)&x + 2, 2);
            memcpy(tile + i * (kind == TILE_F32 ? 4 : 2), kind == TILE_F32 ? (void *)&x : kind == TILE_F16 ? (void *)&half : &brain, kind == TILE_F32 ? 4 : 2);
        }
        return tile;
    }
    for (size_t i = 0; i < bytes; i++) tile[i] = (uint8_t)rng_below(r, 256);
    size_t halves = tile_blocks(kind) * tile_quants(kind) + (kind >= TILE_Q4_K ? 8 * 2 * TILE : 0); // what lies before is integers
    for (size_t group = 0; group < bytes; group += tile_group(kind))
        for (size_t at = group + halves; at < group + tile_group(kind); at += 2)
            memcpy(tile + at, &(uint16_t){half_of((float)(rng_normal(r) * 0.02))}, 2);
    return tile;
}

static void same_bits(const void *a, const void *b, size_t n, const char *what, const struct kernels *k, int length) {
    if (memcmp(a, b, n)) fail_msg("%s of %s differs from portable at length %d", what, k->name, length);
}

static void test_tiles_give_the_same_bits_on_every_instruction_set(void **state) {
    (void)state;
    const int cols[] = {32, 64, 96, 160, 576, 1536}, odd[] = {1, 3, 17, 80};
    struct rng r = rng_at(1, rng_stream("tiles"), 0, 0);
    for (int kind = 0; kind < TILE_KINDS; kind++)
        for (size_t c = 0; c < sizeof cols / sizeof *cols + (kind <= TILE_BF16 ? 4 : 0); c++) {
            int width = c < 6 ? cols[c] : odd[c - 6];
            uint8_t *tile = random_tile(&r, kind, width);
            struct rows s = rows_open(&r, ROWS_AT_ONCE, width, kind > TILE_BF16);
            float alone[ROWS_AT_ONCE][TILE];
            for (int rows = 1; rows <= ROWS_AT_ONCE; rows++) {
                float expected[ROWS_AT_ONCE * 20], got[ROWS_AT_ONCE * 20];
                memset(expected, 0, sizeof expected);
                rows_pack(&s, portable(), rows);
                portable()->tile[kind](tile, &s.a, rows, expected, 20);
                EACH_SET(k) {
                    memset(got, 0, sizeof got); // what lies between and behind the rows stays as it is
                    k->tile[kind](tile, &s.a, rows, got, 20);
                    same_bits(got, expected, sizeof got, "a tile", k, width * 10 + rows);
                }
                for (int i = 0; i < rows; i++) { // a row alone is the row in company
                    struct rows one = {s.x + i * width, s.q, s.fine, {s.x + i * width, s.q, s.fine, width}};
                    if (rows == 1 || i == rows - 1) {
                        rows_pack(&one, portable(), 1);
                        portable()->tile[kind](tile, &one.a, 1, alone[i], TILE);
                    }
                    assert_memory_equal(expected + i * 20, alone[i], sizeof alone[i]);
                }
            }
            rows_close(&s);
            free(tile);
        }
}

static void check_quantize(const struct kernels *k, const float *x, int n) {
    size_t blocks = (size_t)n / QBLOCK;
    struct qblock *q[2] = {block(blocks * 3, sizeof **q), block(blocks * 3, sizeof **q)};
    struct qfine *fine[2] = {block(blocks * 3, sizeof **fine), block(blocks * 3, sizeof **fine)};
    portable()->quantize(x, n, 3, q[0] + 1, fine[0] + 1); // the second of three rows; the others stay zero
    k->quantize(x, n, 3, q[1] + 1, fine[1] + 1);
    same_bits(q[1], q[0], blocks * 3 * sizeof **q, "quantize", k, n);
    same_bits(fine[1], fine[0], blocks * 3 * sizeof **fine, "quantize, second terms", k, n);
    for (int i = 0; i < 2; i++) free(q[i]), free(fine[i]);
}

static void test_quantize_gives_the_same_bits_even_for_extreme_values(void **state) {
    (void)state;
    struct rng r = rng_at(2, rng_stream("quantize"), 0, 0);
    const float extreme[] = {0, 1e-45f, -1e-45f, 1e-40f, 1e-38f, 3e-37f, 1e-30f, FLT_MAX, -FLT_MAX, INFINITY, -INFINITY, NAN};
    for (int n = 32; n <= 2048; n = n * 2 + 32) {
        float *x = values(&r, (size_t)n, 1);
        EACH_SET(k) check_quantize(k, x, n);
        for (size_t e = 0; e < sizeof extreme / sizeof *extreme; e++) {
            for (int i = 0; i < n; i++) // one, or all, of a block's values are extreme
                if (i % 32 == (int)e || (i / 32) % 3 == 1) x[i] = i % 2 ? extreme[e] : extreme[e] / 3;
            check_quantize(portable(), x, n); // no undefined behaviour either
            EACH_SET(k) check_quantize(k, x, n);
        }
        free(x);
    }
}

/* |x - value of the int8 terms| <= half a step of the last term, a little more for float rounding. */
static void test_quantize_errs_by_half_a_step_at_most(void **state) {
    (void)state;
    enum { N = 2048, BLOCKS = N / QBLOCK };
    struct rng r = rng_at(3, rng_stream("step"), 0, 0);
    float *x = values(&r, N, 1);
    struct qblock q[BLOCKS];
    struct qfine f[BLOCKS];
    int fine = 0;
    portable()->quantize(x, N, 1, q, f);
    for (int b = 0; b < BLOCKS; b++) {
        int total = 0, total2 = 0, second = q[b].d2 != 0;
        for (int i = 0; i < QBLOCK; i++) {
            double value = (double)q[b].q[i] * q[b].d + (second ? (double)f[b].q[i] * q[b].d2 : 0), step = second ? q[b].d2 : q[b].d;
            assert_true(fabs(x[b * QBLOCK + i] - value) <= step / 2 + 127 * 3 * (double)q[b].d * 0x1p-24);
            assert_true(q[b].q[i] >= -127 && (!second || f[b].q[i] >= -127));
            total += q[b].q[i], total2 += second ? f[b].q[i] : 0;
        }
        assert_int_equal(q[b].sum, total);
        assert_true(q[b].ds == q[b].d * (float)total);
        if (second) assert_int_equal(f[b].sum, total2);
        if (second) assert_true(f[b].ds == q[b].d2 * (float)total2);
        assert_true(q[b].d2 <= q[b].d / 2 / 127 * 1.001f);
        fine += second;
    }
    assert_true(fine > 0 && fine < BLOCKS / 2); // outliers only
    free(x);
}

static void test_row_kernels_give_the_same_bits_at_any_length(void **state) {
    (void)state;
    const int lengths[] = {1, 2, 7, 15, 16, 17, 31, 32, 33, 47, 64, 80, 100, 112, 256, 300, 576, 1001};
    struct rng r = rng_at(4, rng_stream("rows"), 0, 0);
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        int n = lengths[l], room = (n + 15) / 16 * 16;
        size_t bytes = (size_t)n * sizeof(float);
        float *x = values(&r, (size_t)n, 3), *y = values(&r, (size_t)n, 3), *a = block((size_t)room, 4), *b = block((size_t)room, 4);
        EACH_SET(k) {
            portable()->norm(x, y, n, 1e-5f, a), k->norm(x, y, n, 1e-5f, b);
            same_bits(a, b, bytes, "norm", k, n);
            portable()->gate(x, y, n, a), k->gate(x, y, n, b);
            same_bits(a, b, bytes, "gate", k, n);
            memcpy(a, x, bytes), memcpy(b, x, bytes);
            portable()->gate(a, y, n, a), k->gate(b, y, n, b); // in place, as the engine calls it
            same_bits(a, b, bytes, "gate in place", k, n);
            memcpy(a, x, bytes), memcpy(b, x, bytes);
            portable()->add(a, y, n), k->add(b, y, n);
            same_bits(a, b, bytes, "add", k, n);
            float p = portable()->max(x, n), q = k->max(x, n);
            same_bits(&p, &q, sizeof p, "max", k, n);
            memcpy(a, x, bytes), memcpy(b, x, bytes);
            p = portable()->softmax(a, n), q = k->softmax(b, n);
            same_bits(a, b, bytes, "softmax", k, n);
            same_bits(&p, &q, sizeof p, "softmax's sum", k, n);
            float top = k->max(x, n), sums[2], others[2];
            portable()->moments(x, n, top, &sums[0], &sums[1]), k->moments(x, n, top, &others[0], &others[1]);
            same_bits(sums, others, sizeof sums, "moments", k, n);
            double sum = 0, weighted = 0;
            for (int i = 0; i < n; i++) sum += exp((double)x[i] - top), weighted += ((double)x[i] - top) * exp((double)x[i] - top);
            assert_true(fabs(sums[0] - sum) <= 1e-5 * sum && fabs(sums[1] - weighted) <= 1e-5 * (1 - weighted));
        }
        float best = -INFINITY;
        for (int i = 0; i < n; i++) best = x[i] > best ? x[i] : best;
        assert_true(portable()->max(x, n) == best);
        free(x), free(y), free(a), free(b);
    }
}

/* Scores and mix, against portable bits and against their definition. */
static void check_attention(struct rng *r, int heads, int dim, int n) {
    int room = (n + 15) / 16 * 16;
    size_t stride = (size_t)room;
    float *q = values(r, (size_t)heads * dim, 1), *k = values(r, (size_t)room * dim, 1), *v = values(r, (size_t)n * 2 * dim, 1);
    float *a = block(heads * stride, 4), *b = block(heads * stride, 4), *out = block((size_t)heads * dim, 4), *other = block((size_t)heads * dim, 4);
    float total[64];
    int *cells = block((size_t)n, sizeof *cells);
    for (int c = 0; c < n; c++) cells[c] = 2 * c;
    portable()->scores(q, heads, k, dim, n, 0.25f, a, stride);
    for (int h = 0; h < heads; h++)
        for (int c = 0; c < n; c += 7) {
            double dot = 0, sum = 0;
            for (int i = 0; i < dim; i++) {
                double term = (double)q[h * dim + i] * k[(c / 16) * dim * 16 + i * 16 + c % 16];
                dot += term, sum += fabs(term);
            }
            assert_true(fabs(a[h * stride + c] - 0.25 * dot) <= sum * dim * 0x1p-24);
        }
    EACH_SET(s) {
        s->scores(q, heads, k, dim, n, 0.25f, b, stride);
        for (int h = 0; h < heads; h++) same_bits(a + h * stride, b + h * stride, (size_t)n * 4, "scores", s, n);
    }
    for (int h = 0; h < heads; h++) total[h] = portable()->softmax(a + h * stride, n);
    for (int listed = 0; listed < 2; listed++) {
        const int *list = listed ? cells : NULL;
        portable()->mix(a, stride, total, heads, v, (size_t)dim, list, n, dim, out, 0);
        for (int h = 0; h < heads; h++)
            for (int i = 0; i < dim; i++) {
                double sum = 0, size = 0;
                for (int c = 0; c < n; c++) {
                    double term = (double)a[h * stride + c] / total[h] * v[(size_t)(listed ? 2 * c : c) * dim + i];
                    sum += term, size += fabs(term);
                }
                assert_true(fabs(out[h * dim + i] - sum) <= size * (n + 2) * 0x1p-24 + n * 0x1p-149); // the least float: terms may underflow
            }
        EACH_SET(s) {
            s->mix(a, stride, total, heads, v, (size_t)dim, list, n, dim, other, 0);
            same_bits(out, other, (size_t)heads * dim * 4, "mix", s, n);
            for (int at = 0; at < n; at += 6) // in pieces
                s->mix(a + at, stride, at + 6 < n ? NULL : total, heads, listed ? v : v + (size_t)at * dim, (size_t)dim, listed ? list + at : NULL,
                       n - at < 6 ? n - at : 6, dim, other, at > 0);
            same_bits(out, other, (size_t)heads * dim * 4, "mix in pieces", s, n);
        }
    }
    free(q), free(k), free(v), free(a), free(b), free(out), free(other), free(cells);
}

static void test_attention_kernels_give_the_same_bits_and_the_right_ones(void **state) {
    (void)state;
    struct rng r = rng_at(5, rng_stream("attention"), 0, 0);
    const int lengths[] = {1, 2, 15, 16, 17, 33, 100};
    for (int heads = 1; heads <= 9; heads++)
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) check_attention(&r, heads, heads % 2 ? 16 : 64, lengths[l]);
}

static struct file_map golden(const char *type, const char *end) {
    char path[64];
    struct err err = {""};
    struct file_map m;
    snprintf(path, sizeof path, "tests/golden/quants/%s.%s", type, end);
    if (file_map_open(&m, path, &err)) fail_msg("%s", err.text);
    return m;
}

/* The blocks as row `lane` of a tile. */
static uint8_t *tile_of(enum tile_kind kind, const unsigned char *raw, int item, int cols, int lane) {
    uint8_t *tile = block(tile_bytes(kind, cols), 1);
    tile_pack_row(kind, raw, item, tile, cols, lane);
    return tile;
}

/* Two bounds: the kernel against its own int8 terms in double, where only float sums round, and against
 * the exact product. The second follows from the rounding of activations: half a step of a block's last int8 term times the
 * block's sum of |w|, and the float sum over blocks. */
static void check_dot(const char *type, enum tile_kind kind, int item, double dot, double sum_abs) {
    struct file_map raw = golden(type, "raw"), w = golden(type, "f32"), x = golden(type, "x.f32");
    enum { N = 2048, BLOCKS = N / QBLOCK };
    float weights[N], input[N];
    struct qblock q[BLOCKS];
    struct qfine f[BLOCKS];
    assert_int_equal(w.size, sizeof weights);
    assert_int_equal(x.size, sizeof input);
    memcpy(weights, w.bytes, sizeof weights), memcpy(input, x.bytes, sizeof input);
    portable()->quantize(input, N, 1, q, f);
    double bound = 0, plain = 0, terms = 0, slack = sum_abs * 2 * BLOCKS * 0x1p-24; // terms: what the int8 values mean
    for (int b = 0; b < BLOCKS; b++) {
        double size = 0;
        for (int i = b * QBLOCK; i < (b + 1) * QBLOCK; i++) {
            size += fabs(weights[i]);
            plain += (double)weights[i] * input[i];
            terms += weights[i] * ((double)q[b].q[i % QBLOCK] * q[b].d + (q[b].d2 != 0 ? (double)f[b].q[i % QBLOCK] * q[b].d2 : 0));
        }
        bound += size * (q[b].d2 != 0 ? q[b].d2 : q[b].d) / 2;
    }
    bound += slack;
    assert_true(fabs(plain - dot) < 1e-9);
    struct activation a = {input, q, f, N};
    double error = 0;
    for (int lane = 0; lane < TILE; lane += 5) {
        uint8_t *tile = tile_of(kind, raw.bytes, item, N, lane);
        float y[TILE];
        for (int i = -1, rest = 0; !rest;) { // portable, then the others
            const struct kernels *k = i < 0 ? (i = 0, portable()) : next_set(&i);
            if (!(rest = !k)) {
                k->tile[kind](tile, &a, 1, y, TILE);
                error = fabs(y[lane] - dot);
                if (error > bound) fail_msg("%s of %s is %.9g, expected %.9g within %.3g", type, k->name, (double)y[lane], dot, bound);
                if (fabs(y[lane] - terms) > slack) fail_msg("%s of %s is %.9g, its int8 terms give %.9g", type, k->name, (double)y[lane], terms);
                for (int l = 0; l < TILE; l++) assert_true(l == lane || y[l] == 0);
            }
        }
        free(tile);
    }
    print_message("  %s: error %.2e of %.3f; derived bound %.2e, 1e-2 of the absolute sum %.2e\n", type, error, dot, bound, 1e-2 * sum_abs);
    assert_true(error <= 1e-2 * sum_abs);
    bool uneven = !strcmp(type, "Q5_1") || !strcmp(type, "Q6_K"); // their goldens' activations alone bound it by 1.03e-2 and 1.04e-2
    assert_true(bound <= (uneven ? 1.05e-2 : 1e-2) * sum_abs);
    file_map_close(&raw), file_map_close(&w), file_map_close(&x);
}

static void test_dot_products_err_no_more_than_int8_activations_must(void **state) {
    (void)state;
    json_t *root = json_load_file("tests/golden/quants/index.json", 0, NULL), *entry;
    assert_non_null(root);
    size_t i;
    int found = 0;
    for (uint32_t type = 0; type < 64; type++) { // every quantized type that the backend multiplies
        int kind = tile_kind(type);
        if (kind <= TILE_BF16) continue;
        const struct tensor_layout *l = tensor_layout(type);
        json_array_foreach(json_object_get(root, "types"), i, entry)
            if (!strcmp(json_string_value(json_object_get(entry, "type")), l->name)) {
                check_dot(l->name, (enum tile_kind)kind, l->bytes, json_real_value(json_object_get(entry, "dot_double")), json_real_value(json_object_get(entry, "sum_abs")));
                found++;
            }
    }
    assert_int_equal(found, TILE_KINDS - TILE_BF16 - 1);
    json_decref(root);
}

/* softmax's terms are e^(s - max): with a maximum of 0 there is no rounding before the exponential. */
static void test_exponentials_are_right_to_2e_7(void **state) {
    (void)state;
    enum { N = 4096 };
    float s[N], x[N];
    double worst = 0, total = 0;
    for (int i = 0; i < N; i++) x[i] = s[i] = i == 100 ? 0 : -87.0f * (float)i / N * (i % 3 == 0 ? 0.01f : 1);
    float sum = portable()->softmax(s, N);
    for (int i = 0; i < N; i++) {
        double off = fabs(s[i] / exp(x[i]) - 1);
        worst = off > worst ? off : worst;
        total += exp(x[i]);
    }
    print_message("  e^x: largest relative error %.2e\n", worst);
    assert_true(worst < 2e-7);
    assert_true(fabs(sum / total - 1) < 1e-6);
    float far[16] = {0, -1000, -INFINITY}; // room up to a multiple of 16
    portable()->softmax(far, 3);
    assert_true(far[0] == 1 && far[1] < 2e-38 && far[2] < 2e-38);
}

static void test_gate_is_silu_of_double(void **state) {
    (void)state;
    enum { N = 5000 };
    float g[N], up[N], out[N];
    double worst = 0;
    for (int i = 0; i < N; i++) g[i] = (float)(i - N / 2) / 25, up[i] = i % 2 ? 1.5f : -2; // -100 .. 100
    portable()->gate(g, up, N, out);
    for (int i = 0; i < N; i++) {
        double exact = (double)g[i] / (1 + exp(-(double)g[i])) * up[i], off = fabs(out[i] - exact);
        if (g[i] < -86) assert_true(off < 1e-33); // the exponential is clamped there
        else if (exact != 0) worst = fmax(worst, off / fabs(exact));
    }
    print_message("  silu: largest relative error %.2e\n", worst);
    assert_true(worst < 5e-7); // exponential, sum, quotient, product
}

static void test_norm_divides_by_the_root_mean_square(void **state) {
    (void)state;
    struct rng r = rng_at(6, rng_stream("norm"), 0, 0);
    for (int n = 1; n < 600; n += 37) {
        float *x = values(&r, (size_t)n, 2), *w = values(&r, (size_t)n, 1), *out = block((size_t)n, 4);
        double square = 0;
        for (int i = 0; i < n; i++) square += (double)x[i] * x[i];
        portable()->norm(x, w, n, 1e-5f, out);
        for (int i = 0; i < n; i++) {
            double exact = x[i] / sqrt(square / n + 1e-5f) * w[i];
            assert_true(fabs(out[i] - exact) <= 1e-6 * fabs(exact) + n * 0x1p-25 * fabs(exact));
        }
        free(x), free(w), free(out);
    }
}

static void test_the_environment_chooses_the_set(void **state) {
    (void)state;
    setenv("BANDITSPEC_KERNELS", "portable", 1);
    assert_string_equal(kernels_best()->name, "portable");
    setenv("BANDITSPEC_KERNELS", "abacus", 1); // unknown: the best there is
    const char *fallback = kernels_best()->name;
    unsetenv("BANDITSPEC_KERNELS");
    assert_string_equal(kernels_best()->name, fallback);
    assert_null(kernels_find("abacus"));
    assert_null(kernels_name(-1));
    int i = 0;
    while (kernels_name(i)) i++;
    assert_string_equal(kernels_name(i - 1), "portable");
}

int main(void) {
    print_message("kernels here:");
    for (int i = 0; kernels_name(i); i++) print_message(" %s%s", kernels_name(i), kernels_find(kernels_name(i)) ? "" : " (not supported)");
    print_message("\n");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiles_give_the_same_bits_on_every_instruction_set),
        cmocka_unit_test(test_quantize_gives_the_same_bits_even_for_extreme_values),
        cmocka_unit_test(test_quantize_errs_by_half_a_step_at_most),
        cmocka_unit_test(test_row_kernels_give_the_same_bits_at_any_length),
        cmocka_unit_test(test_attention_kernels_give_the_same_bits_and_the_right_ones),
        cmocka_unit_test(test_dot_products_err_no_more_than_int8_activations_must),
        cmocka_unit_test(test_exponentials_are_right_to_2e_7),
        cmocka_unit_test(test_gate_is_silu_of_double),
        cmocka_unit_test(test_norm_divides_by_the_root_mean_square),
        cmocka_unit_test(test_the_environment_chooses_the_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
