/* selftest.c - see selftest.h. */
#include "core/selftest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"

enum { NONE = -1, SLOTS = 3, LONGEST_PATH = SELFTEST_ROWS };

/* -- random things -- */

static int between(struct selftest *s, int lo, int hi) { return lo + rng_below(&s->rng, hi - lo + 1); }
static int choose(struct selftest *s, const int *of, int n) { return of[rng_below(&s->rng, n)]; }
#define CHOOSE(s, ...) choose(s, (const int[]){__VA_ARGS__}, (int)(sizeof(int[]){__VA_ARGS__} / sizeof(int)))
static float real(struct selftest *s) { return (float)(rng_uniform(&s->rng) * 2 - 1); }

static int rows_of(struct selftest *s) { return between(s, 1, rng_below(&s->rng, 4) ? 17 : SELFTEST_ROWS); }

/* n floats of the host; freed with mem_free. spread > 1: now and then one that stands out. */
static float *reals(struct selftest *s, size_t n, float spread, struct err *err) {
    float *x = mem_alloc(n, sizeof *x, "a self-test", err);
    for (size_t i = 0; x && i < n; i++) x[i] = real(s) * (spread > 1 && !rng_below(&s->rng, 40) ? spread : 1);
    return x;
}

static uint16_t to_half(float x) { // x in 2^-14 .. 2^15, cut
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return (uint16_t)((u >> 16 & 0x8000) | (((u >> 23 & 255) - 112) << 10) | (u >> 13 & 0x3ff));
}

static void put16(unsigned char *at, uint16_t v) { at[0] = (unsigned char)v, at[1] = (unsigned char)(v >> 8); }

/* Random blocks of the type, with scales that keep values small numbers. */
static int random_tensor(struct selftest *s, uint32_t type, int rows, int cols, struct tensor *t, struct err *err) {
    const struct tensor_layout *l = tensor_layout(type);
    static const char name[] = "random";
    const size_t blocks = (size_t)rows * (size_t)cols / (size_t)l->block;
    unsigned char *data = mem_alloc(blocks, (size_t)l->bytes, "a self-test", err);
    *t = (struct tensor){.name = name, .name_n = sizeof name - 1, .type = type, .ne = {(uint64_t)cols, (uint64_t)rows, 1, 1}, .data = data, .bytes = blocks * (size_t)l->bytes};
    if (!data) return -1;
    for (size_t i = 0; i < blocks; i++) {
        unsigned char *b = data + i * (size_t)l->bytes;
        float x = real(s), scale = 0.001f + 0.01f * (float)rng_uniform(&s->rng);
        uint32_t bits;
        memcpy(&bits, &x, sizeof bits);
        for (int k = 0; k < l->bytes; k++) b[k] = (unsigned char)rng_u32(&s->rng);
        switch (type) {
        case TENSOR_F32: memcpy(b, &x, 4); break;
        case TENSOR_F16: put16(b, fabsf(x) < 0x1p-14f ? 0 : to_half(x)); break;
        case TENSOR_BF16: put16(b, (uint16_t)(bits >> 16)); break;
        case TENSOR_Q4_1: case TENSOR_Q5_1: case TENSOR_Q4_K: case TENSOR_Q5_K: put16(b + 2, to_half(-8 * scale)); // falls through
        case TENSOR_Q4_0: case TENSOR_Q5_0: case TENSOR_Q8_0: put16(b, to_half(type == TENSOR_Q4_K || type == TENSOR_Q5_K ? scale / 16 : scale)); break;
        case TENSOR_Q6_K: put16(b + 208, to_half(scale / 16)); break;
        }
    }
    return 0;
}

/* -- buffers on both sides -- */

struct pair { float *b, *cpu; }; // the backend under test, the CPU

static int both(struct selftest *s, size_t n, const float *from, struct pair *p, struct err *err) {
    p->b = s->ops->alloc(s->b, n, sizeof *p->b, "a self-test", err);
    p->cpu = p->b ? s->cpu_ops->alloc(s->cpu, n, sizeof *p->cpu, "a self-test", err) : NULL;
    if (!p->cpu) return -1;
    if (from) s->ops->write(s->b, p->b, from, n * sizeof *from), s->cpu_ops->write(s->cpu, p->cpu, from, n * sizeof *from);
    return 0;
}

/* n random floats on both. */
static int both_random(struct selftest *s, size_t n, float spread, struct pair *p, struct err *err) {
    float *x = reals(s, n, spread, err);
    int rc = x ? both(s, n, x, p, err) : -1;
    mem_free(x);
    return rc;
}

/* Rows of both sides differ by at most `bound` times the row's largest magnitude (0: to the bit). */
static int compare(struct selftest *s, const char *what, const struct pair *p, int n, int cols, double bound, struct err *err) {
    const size_t all = (size_t)n * (size_t)cols;
    float *got = mem_alloc(all, sizeof *got, "a self-test", err);
    if (!got) return -1;
    s->ops->read(s->b, got, p->b, all * sizeof *got);
    int rc = s->ops->status ? s->ops->status(s->b, err) : 0;
    for (int r = 0; !rc && r < n; r++) {
        const float *x = got + (size_t)r * cols, *y = p->cpu + (size_t)r * cols;
        float size = 0;
        for (int c = 0; c < cols; c++) size = fabsf(y[c]) > size ? fabsf(y[c]) : size;
        for (int c = 0; !rc && c < cols; c++) {
            double off = fabs((double)x[c] - y[c]), most = bound * (double)size;
            if (bound ? !(off <= most) : memcmp(&x[c], &y[c], sizeof *x) != 0)
                rc = err_set(err, "%s: row %d of %d, column %d of %d is %.9g, expected %.9g%s", what, r, n, c, cols, (double)x[c], (double)y[c], bound ? "" : " to the bit");
            if (bound && size > 0 && off / most > s->worst) s->worst = off / most;
        }
    }
    mem_free(got);
    return rc;
}

/* -- batches: rows of some slots on top of what these hold -- */

struct scene {
    struct batch rows;
    int token[SELFTEST_ROWS], slot[SELFTEST_ROWS], pos[SELFTEST_ROWS], cell[SELFTEST_ROWS], prefix[SELFTEST_ROWS], pick[SELFTEST_ROWS];
    int path_at[SELFTEST_ROWS + 1], path[SELFTEST_ROWS * (SELFTEST_ROWS + 1) / 2];
};

/* n rows; row i follows parent[i] (null: the row before of its slot), -1 the slot's first `length` cells. */
static void lay_out(struct scene *x, int n, const int *slot, const int *parent, const int *length) {
    int used = 0, last[SLOTS], taken[SLOTS] = {0};
    for (int k = 0; k < SLOTS; k++) last[k] = -1;
    for (int i = 0; i < n; i++) {
        const int k = slot[i], p = parent ? parent[i] : last[k];
        x->slot[i] = k, x->prefix[i] = length[k], x->cell[i] = length[k] + taken[k]++;
        x->pos[i] = p < 0 ? length[k] : x->pos[p] + 1;
        x->path_at[i] = used;
        for (int c = p < 0 ? 0 : x->path_at[p]; p >= 0 && c < x->path_at[p + 1]; c++) x->path[used++] = x->path[c];
        x->path[used++] = x->cell[i];
        x->path_at[i + 1] = used;
        last[k] = i;
    }
    x->rows = (struct batch){n, x->token, NULL, x->slot, x->pos, x->cell, x->prefix, x->path, x->path_at, NULL, 0, x->pick};
}

static void plain_rows(struct scene *x, int n) {
    lay_out(x, n, (const int[SELFTEST_ROWS]){0}, NULL, (const int[SLOTS]){0});
}

static void begin(struct selftest *s, const void *kv, const struct scene *x) {
    if (s->ops->begin) s->ops->begin(s->b, NULL, kv, &x->rows);
}
static void end(struct selftest *s) {
    if (s->ops->end) s->ops->end(s->b);
}

/* -- the items -- */

static int a_side(struct selftest *s, int step) { // a multiple of it, seldom large
    int most = s->large / step, x = between(s, 1, rng_below(&s->rng, 3) ? (most + 3) / 4 : most);
    return x * step;
}

static int try_embed(struct selftest *s, const struct selftest_item *item, struct err *err) {
    const struct tensor_layout *l = tensor_layout((uint32_t)item->type);
    const int n = rows_of(s), cols = a_side(s, l->block > 8 ? l->block : 8), rows = between(s, 2, 90);
    struct scene x;
    struct weight w, cpu_w;
    struct tensor t;
    struct pair out;
    plain_rows(&x, n);
    const struct choice *chosen[SELFTEST_ROWS] = {NULL}, *cpu_chosen[SELFTEST_ROWS] = {NULL};
    struct choice choices[SELFTEST_ROWS] = {{0}}, *there = s->ops->alloc(s->b, SELFTEST_ROWS, sizeof *there, "a self-test", err);
    for (int i = 0; i < n; i++) { // some tokens were chosen before
        x.token[i] = rng_below(&s->rng, rows), choices[i].token = rng_below(&s->rng, rows);
        if (rng_below(&s->rng, 3) == 0) chosen[i] = there + i, cpu_chosen[i] = choices + i, x.rows.chosen = chosen;
    }
    if (!there) return -1;
    s->ops->write(s->b, there, choices, sizeof choices);
    if (random_tensor(s, (uint32_t)item->type, rows, cols, &t, err)) return -1;
    int rc = s->ops->table(s->b, &t, NULL, &w, err) || s->cpu_ops->table(s->cpu, &t, NULL, &cpu_w, err) || both(s, (size_t)n * (size_t)cols, NULL, &out, err) ? -1 : 0;
    if (!rc) {
        begin(s, NULL, &x);
        s->ops->embed(s->b, &w, &x.rows, out.b);
        end(s);
        if (x.rows.chosen) x.rows.chosen = cpu_chosen;
        s->cpu_ops->embed(s->cpu, &cpu_w, &x.rows, out.cpu);
        rc = compare(s, item->name, &out, n, cols, 0, err);
    }
    mem_free((void *)t.data);
    return rc;
}

/* Up to three matrices at once; then one row alone, which must be the same bits. */
static int try_matmul(struct selftest *s, const struct selftest_item *item, struct err *err) {
    const struct tensor_layout *l = tensor_layout((uint32_t)item->type);
    const int n = rows_of(s), cols = a_side(s, l->block > 8 ? l->block : 8), count = between(s, 1, 3), alone = rng_below(&s->rng, n);
    struct weight w[3], cpu_w[3];
    struct pair x, y[3];
    float *to[3], *cpu_to[3];
    const struct weight *list[3], *cpu_list[3];
    if (both_random(s, (size_t)n * (size_t)cols, 12, &x, err)) return -1;
    for (int i = 0; i < count; i++) {
        struct tensor t;
        int rc = random_tensor(s, (uint32_t)item->type, between(s, 1, s->large), cols, &t, err);
        if (!rc) rc = s->ops->upload(s->b, &t, &w[i], err) || s->cpu_ops->upload(s->cpu, &t, &cpu_w[i], err) ? -1 : 0;
        mem_free((void *)t.data);
        if (rc || both(s, (size_t)n * (size_t)w[i].rows, NULL, &y[i], err)) return -1;
        list[i] = &w[i], cpu_list[i] = &cpu_w[i], to[i] = y[i].b, cpu_to[i] = y[i].cpu;
    }
    if (s->ops->reserve(s->b, SELFTEST_ROWS, cols, err) || s->cpu_ops->reserve(s->cpu, SELFTEST_ROWS, cols, err)) return -1;
    s->ops->matmul(s->b, count, list, x.b, n, to);
    s->cpu_ops->matmul(s->cpu, count, cpu_list, x.cpu, n, cpu_to);
    for (int i = 0; i < count; i++)
        if (compare(s, item->name, &y[i], n, w[i].rows, 2e-5, err)) return -1;
    const size_t bytes = (size_t)w[0].rows * sizeof(float);
    s->ops->read(s->b, cpu_to[0], to[0] + (size_t)alone * (size_t)w[0].rows, bytes);
    s->ops->matmul(s->b, 1, list, x.b + (size_t)alone * (size_t)cols, 1, to);
    return compare(s, "a row alone, as among others", &(struct pair){to[0], cpu_to[0]}, 1, w[0].rows, 0, err);
}

static int try_join(struct selftest *s, const struct selftest_item *item, struct err *err) {
    const int n = rows_of(s), cols = between(s, 1, s->large);
    struct scene x;
    struct pair from, feature, out, some;
    const float *at[SELFTEST_ROWS], *cpu_at[SELFTEST_ROWS];
    plain_rows(&x, n);
    if (both_random(s, (size_t)n * (size_t)cols, 1, &from, err) || both_random(s, (size_t)n * (size_t)cols, 1, &feature, err)
        || both(s, 2 * (size_t)n * (size_t)cols, NULL, &out, err) || both(s, (size_t)n * (size_t)cols, NULL, &some, err)) return -1;
    for (int i = 0; i < n; i++) {
        const size_t k = (size_t)rng_below(&s->rng, n) * (size_t)cols;
        at[i] = feature.b + k, cpu_at[i] = feature.cpu + k;
        if (rng_below(&s->rng, 2) || i == 0) x.pick[x.rows.wanted++] = i;
    }
    x.rows.feature = at;
    begin(s, NULL, &x);
    s->ops->join(s->b, from.b, &x.rows, cols, out.b);
    s->ops->pick(s->b, from.b, &x.rows, cols, some.b);
    end(s);
    x.rows.feature = cpu_at;
    s->cpu_ops->join(s->cpu, from.cpu, &x.rows, cols, out.cpu);
    s->cpu_ops->pick(s->cpu, from.cpu, &x.rows, cols, some.cpu);
    return compare(s, "join", &out, n, 2 * cols, 0, err) || compare(s, item->name, &some, x.rows.wanted, cols, 0, err) ? -1 : 0;
}

static int try_norm(struct selftest *s, const struct selftest_item *item, struct err *err) {
    const int n = rows_of(s), cols = rng_below(&s->rng, 8) ? between(s, 1, s->large) : 13000;
    struct pair x, w, out;
    if (both_random(s, (size_t)n * (size_t)cols, 20, &x, err) || both_random(s, (size_t)cols, 1, &w, err) || both(s, (size_t)n * (size_t)cols, NULL, &out, err)) return -1;
    s->ops->norm(s->b, x.b, w.b, n, cols, 1e-5f, out.b);
    s->cpu_ops->norm(s->cpu, x.cpu, w.cpu, n, cols, 1e-5f, out.cpu);
    return compare(s, item->name, &out, n, cols, 2e-6, err);
}

static int try_pointwise(struct selftest *s, const struct selftest_item *item, struct err *err) {
    const int n = rows_of(s), cols = between(s, 1, s->large);
    struct pair x, y, bias, out;
    if (both_random(s, (size_t)n * (size_t)cols, 30, &x, err) || both_random(s, (size_t)n * (size_t)cols, 1, &y, err)
        || both_random(s, (size_t)cols, 1, &bias, err) || both(s, (size_t)n * (size_t)cols, NULL, &out, err)) return -1;
    s->ops->gate(s->b, x.b, y.b, n, cols, out.b), s->cpu_ops->gate(s->cpu, x.cpu, y.cpu, n, cols, out.cpu);
    if (compare(s, "gate", &out, n, cols, 2e-6, err)) return -1;
    s->ops->gate(s->b, x.b, y.b, n, cols, x.b), s->cpu_ops->gate(s->cpu, x.cpu, y.cpu, n, cols, x.cpu);
    if (compare(s, "gate in place", &x, n, cols, 2e-6, err)) return -1;
    s->ops->add(s->b, y.b, y.b, n, cols), s->cpu_ops->add(s->cpu, y.cpu, y.cpu, n, cols);
    s->ops->add_bias(s->b, y.b, bias.b, n, cols), s->cpu_ops->add_bias(s->cpu, y.cpu, bias.cpu, n, cols);
    return compare(s, item->name, &y, n, cols, 0, err);
}

struct heads { // of one attention
    struct kv_shape shape;
    int q_heads;
    enum rope_pairs pairs;
    void *kv, *cpu_kv;
    struct pair rope, q, k, v, out;
};

static int open_heads(struct selftest *s, struct heads *h, int cells, struct err *err) {
    const int dim = CHOOSE(s, 64, 96, 128, 16), group = CHOOSE(s, 1, 3, 4, 7, 8), heads = between(s, 1, 2);
    h->shape = (struct kv_shape){2, SLOTS, cells, heads, dim};
    h->q_heads = heads * group, h->pairs = rng_below(&s->rng, 2) ? ROPE_HALVES : ROPE_NEIGHBOURS;
    const size_t q = (size_t)SELFTEST_ROWS * (size_t)h->q_heads * (size_t)dim, k = (size_t)SELFTEST_ROWS * (size_t)heads * (size_t)dim;
    float *turn = mem_alloc((size_t)cells * (size_t)dim, sizeof *turn, "a self-test", err);
    if (!turn) return -1;
    for (int p = 0; p < cells; p++)
        for (int j = 0; j < dim / 2; j++) {
            const double angle = p * pow(10000, -2.0 * j / dim);
            turn[p * dim + 2 * j] = (float)cos(angle), turn[p * dim + 2 * j + 1] = (float)sin(angle);
        }
    int rc = both(s, (size_t)cells * (size_t)dim, turn, &h->rope, err) || both(s, q, NULL, &h->q, err) || both(s, k, NULL, &h->k, err)
          || both(s, k, NULL, &h->v, err) || both(s, q, NULL, &h->out, err) ? -1 : 0;
    mem_free(turn);
    if (rc || !(h->kv = s->ops->kv_alloc(s->b, &h->shape, h->q_heads, err)) || !(h->cpu_kv = s->cpu_ops->kv_alloc(s->cpu, &h->shape, h->q_heads, err))) return -1;
    return s->ops->kv_alloc(s->b, &(struct kv_shape){1, 1, 64, 1, 96}, 1, err) ? 0 : -1; // another model's heads beside them
}

/* New random queries, keys and values for n rows, rotated and stored in `layer` on both sides, within a pass. */
static int append(struct selftest *s, struct heads *h, const struct scene *x, int layer, struct err *err) {
    const size_t q = (size_t)x->rows.n * (size_t)h->q_heads * (size_t)h->shape.dim, k = (size_t)x->rows.n * (size_t)h->shape.heads * (size_t)h->shape.dim;
    const struct { const struct pair *p; size_t n; } all[] = {{&h->q, q}, {&h->k, k}, {&h->v, k}};
    for (int i = 0; i < 3; i++) {
        float *r = reals(s, all[i].n, 4, err);
        if (!r) return -1;
        s->ops->write(s->b, all[i].p->b, r, all[i].n * sizeof *r), s->cpu_ops->write(s->cpu, all[i].p->cpu, r, all[i].n * sizeof *r);
        mem_free(r);
    }
    s->ops->rope_append(s->b, &h->shape, h->kv, layer, &x->rows, h->pairs, h->rope.b, h->q_heads, h->q.b, h->k.b, h->v.b);
    s->cpu_ops->rope_append(s->cpu, &h->shape, h->cpu_kv, layer, &x->rows, h->pairs, h->rope.cpu, h->q_heads, h->q.cpu, h->k.cpu, h->v.cpu);
    return compare(s, "rope", &h->q, x->rows.n, h->q_heads * h->shape.dim, 2e-6, err);
}

static int attend(struct selftest *s, struct heads *h, const struct scene *x, int layer, const char *what, struct err *err) {
    s->ops->attention(s->b, &h->shape, h->kv, layer, &x->rows, h->q_heads, h->q.b, h->out.b);
    s->cpu_ops->attention(s->cpu, &h->shape, h->cpu_kv, layer, &x->rows, h->q_heads, h->q.cpu, h->out.cpu);
    return compare(s, what, &h->out, x->rows.n, h->q_heads * h->shape.dim, s->float_cache ? 2e-5 : 4e-3, err);
}

/* Slots of some length, most near an edge of a tile or of a part; then rows of all of them, chains and trees; then a path of slot 0 joins
 * its prefix, and one row looks at it. */
static int try_attention(struct selftest *s, const struct selftest_item *item, struct err *err) {
    const int cells = s->large + 2 * SELFTEST_ROWS, layer = rng_below(&s->rng, 2), n = rows_of(s);
    int length[SLOTS], slot[SELFTEST_ROWS] = {0}, parent[SELFTEST_ROWS], last[SLOTS];
    const bool chains = rng_below(&s->rng, 2);
    struct heads h;
    struct scene x;
    if (s->ops->reserve(s->b, SELFTEST_ROWS, 32, err) || open_heads(s, &h, cells, err)) return -1;
    for (int k = 0; k < SLOTS; k++) {
        const int edge = CHOOSE(s, 64, 128, 192, 512, 576, 1024), near = edge + between(s, -18, 3);
        length[k] = rng_below(&s->rng, 3) && near < s->large ? near : between(s, 0, s->large < 200 ? s->large : 200);
        for (int at = 0; at < length[k]; at += SELFTEST_ROWS) {
            const int some = length[k] - at < SELFTEST_ROWS ? length[k] - at : SELFTEST_ROWS;
            int same[SELFTEST_ROWS], from[SLOTS];
            for (int i = 0; i < some; i++) same[i] = k;
            for (int i = 0; i < SLOTS; i++) from[i] = at;
            lay_out(&x, some, same, NULL, from);
            begin(s, h.kv, &x);
            if (append(s, &h, &x, layer, err)) return -1;
            end(s);
        }
    }
    for (int k = 0; k < SLOTS; k++) last[k] = -1;
    const int mix = rng_below(&s->rng, 3); // rows of one slot, of each in turn, of all slots one after the other
    for (int i = 0; i < n; i++) {
        const int k = slot[i] = mix == 0 ? 0 : mix == 1 ? rng_below(&s->rng, SLOTS) : i * SLOTS / n;
        int p = last[k];
        if (!chains && p >= 0) // back to some earlier row of the slot, or to its prefix
            for (int steps = rng_below(&s->rng, 4); steps && p >= 0; steps--) p = parent[p];
        parent[i] = p, last[k] = i;
    }
    lay_out(&x, n, slot, parent, length);
    begin(s, h.kv, &x);
    int rc = append(s, &h, &x, layer, err) || attend(s, &h, &x, layer, item->name, err) ? -1 : 0;
    end(s);
    if (rc) return -1;
    int k = slot[0], to = length[k]; // the path of that slot's last row
    const int i = last[k];
    for (int c = x.path_at[i]; c < x.path_at[i + 1]; c++, to++) {
        if (x.path[c] == to) continue;
        s->ops->kv_move(s->b, &h.shape, h.kv, k, x.path[c], to), s->cpu_ops->kv_move(s->cpu, &h.shape, h.cpu_kv, k, x.path[c], to);
    }
    length[k] = to;
    lay_out(&x, 1, &k, NULL, length);
    begin(s, h.kv, &x);
    rc = append(s, &h, &x, layer, err) || attend(s, &h, &x, layer, "attention after a path has moved", err) ? -1 : 0;
    end(s);
    return rc;
}

/* A row of a pass is the same bits alone as among others, and in a tree the same as in a chain. */
static int try_company(struct selftest *s, const struct selftest_item *item, struct err *err) {
    const int cells = s->large + 2 * SELFTEST_ROWS, n = between(s, 2, SELFTEST_ROWS / 2);
    int length[SLOTS], slot[SELFTEST_ROWS], zero[SELFTEST_ROWS] = {0};
    struct heads h;
    struct scene x;
    if (s->ops->reserve(s->b, SELFTEST_ROWS, 32, err) || open_heads(s, &h, cells, err)) return -1;
    const size_t row = (size_t)h.q_heads * (size_t)h.shape.dim;
    length[0] = length[1] = length[2] = between(s, 0, s->large < 300 ? s->large : 300);
    for (int at = 0; at < length[0]; at += SELFTEST_ROWS) {
        const int some = length[0] - at < SELFTEST_ROWS ? length[0] - at : SELFTEST_ROWS;
        lay_out(&x, some, zero, NULL, (const int[SLOTS]){at, at, at});
        begin(s, h.kv, &x);
        if (append(s, &h, &x, 0, err)) return -1;
        end(s);
    }
    // a chain of n rows at once, each beside one of another slot (which holds nothing: its keys are this pass's), or all before those
    const int step = 1 + rng_below(&s->rng, 2);
    for (int i = 0; i < 2 * n; i++) slot[i] = step == 2 ? i % 2 : i >= n;
    lay_out(&x, 2 * n, slot, NULL, (const int[SLOTS]){length[0], 0, 0});
    begin(s, h.kv, &x);
    int rc = append(s, &h, &x, 0, err);
    s->ops->attention(s->b, &h.shape, h.kv, 0, &x.rows, h.q_heads, h.q.b, h.out.b);
    end(s);
    float *at_once = mem_alloc(2 * (size_t)n * row, sizeof *at_once, "a self-test", err), *queries = mem_alloc(2 * (size_t)n * row, sizeof *queries, "a self-test", err);
    if (!at_once || !queries) rc = -1;
    if (!rc) s->ops->read(s->b, at_once, h.out.b, 2 * (size_t)n * row * sizeof(float)), s->ops->read(s->b, queries, h.q.b, 2 * (size_t)n * row * sizeof(float));
    for (int i = 0; !rc && i < n; i++) { // each row of the chain by itself, the ones before it already part of the prefix or its path
        const int prefix = length[0] + rng_below(&s->rng, i + 1);
        lay_out(&x, 1, zero, NULL, (const int[SLOTS]){prefix});
        int used = 0;
        for (int c = prefix; c <= length[0] + i; c++) x.path[used++] = c;
        x.path_at[1] = used, x.cell[0] = x.pos[0] = length[0] + i;
        begin(s, h.kv, &x);
        s->ops->write(s->b, h.q.b, queries + (size_t)(step * i) * row, row * sizeof(float));
        s->ops->attention(s->b, &h.shape, h.kv, 0, &x.rows, h.q_heads, h.q.b, h.out.b);
        end(s);
        memcpy(h.out.cpu, at_once + (size_t)(step * i) * row, row * sizeof(float));
        rc = compare(s, item->name, &h.out, 1, (int)row, 0, err);
    }
    mem_free(at_once), mem_free(queries);
    return rc;
}

static int try_top(struct selftest *s, const struct selftest_item *item, struct err *err) {
    const int n = rows_of(s), k = CHOOSE(s, 1, 2, 4, 10, 70), most = 12 * s->large, cols = between(s, k, rng_below(&s->rng, 3) ? 700 : most);
    const bool ties = rng_below(&s->rng, 3) == 0;
    float *x = reals(s, (size_t)n * (size_t)cols, 10, err), *got = x ? mem_alloc((size_t)n * (size_t)(2 * k + 4), sizeof *got, "a self-test", err) : NULL;
    int *ids = got ? mem_alloc((size_t)n * (size_t)k * 2, sizeof *ids, "a self-test", err) : NULL, rc = ids ? 0 : -1;
    struct pair logits;
    for (size_t i = 0; !rc && ties && i < (size_t)n * (size_t)cols; i++) x[i] = rintf(x[i] * 3);
    if (!rc && !(rc = both(s, (size_t)n * (size_t)cols, x, &logits, err))) {
        float *values = got + (size_t)n * (size_t)k, *prob = values + (size_t)n * (size_t)k, *cpu_prob = prob + 2 * n;
        s->ops->top(s->b, logits.b, n, cols, k, ids, got), s->cpu_ops->top(s->cpu, logits.cpu, n, cols, k, ids + n * k, values);
        s->ops->confidence(s->b, logits.b, n, cols, prob, prob + n), s->cpu_ops->confidence(s->cpu, logits.cpu, n, cols, cpu_prob, cpu_prob + n);
        rc = s->ops->status ? s->ops->status(s->b, err) : 0;
        for (int i = 0; !rc && i < n * k; i++)
            if (ids[i] != ids[n * k + i] || got[i] != values[i])
                rc = err_set(err, "%s: number %d of row %d of %d (of %d logits) is %d (%g), expected %d (%g)", item->name, i % k, i / k, n, cols, ids[i],
                             (double)got[i], ids[n * k + i], (double)values[i]);
        for (int i = 0; !rc && i < 2 * n; i++)
            if (!(fabsf(prob[i] - cpu_prob[i]) <= 2e-5f * (1 + fabsf(cpu_prob[i]))))
                rc = err_set(err, "%s: %s of row %d is %g, expected %g", item->name, i < n ? "largest probability" : "entropy", i % n, (double)prob[i], (double)cpu_prob[i]);
    }
    mem_free(x), mem_free(got), mem_free(ids);
    return rc;
}

enum { PLAIN, TIES, HUGE_ONES, ALIKE, HALF_IMPOSSIBLE, NO_NUMBERS, LOGITS };

static float *some_logits(struct selftest *s, size_t n, int kind, struct err *err) {
    float *x = reals(s, n, 8, err);
    for (size_t i = 0; x && i < n; i++) {
        x[i] *= 6;
        if (kind == TIES) x[i] = rintf(x[i]);
        if (kind == HUGE_ONES) x[i] = rng_below(&s->rng, 3) ? 1e30f : 2e30f; // noise is lost in rounding
        if (kind == ALIKE) x[i] = 1.5f;
        if (kind == HALF_IMPOSSIBLE && rng_below(&s->rng, 2)) x[i] = -INFINITY;
        if (kind == NO_NUMBERS && !rng_below(&s->rng, 9)) x[i] = rng_below(&s->rng, 2) ? NAN : -INFINITY;
    }
    return x;
}

/* The token and the margin to the bit, whatever the temperature. */
static int try_choose(struct selftest *s, const struct selftest_item *item, struct err *err) {
    static const double temperatures[] = {0, 0.8, 1, 1e-3, 40, 1e6};
    const int n = rows_of(s), cols = between(s, 2, rng_below(&s->rng, 2) ? 300 : 4 * s->large), mapped = rng_below(&s->rng, 2);
    const double temperature = temperatures[rng_below(&s->rng, 6)];
    const int kind = rng_below(&s->rng, temperature > 0 ? LOGITS : NO_NUMBERS); // greedily, the CPU promises nothing about what is no number
    struct choosing how = {.temperature = temperature, .seed = rng_u64(&s->rng), .signals = rng_below(&s->rng, 2)}, cpu_how;
    struct place at[SELFTEST_ROWS];
    struct choice got[SELFTEST_ROWS], want[SELFTEST_ROWS] = {{0}}, *to = s->ops->alloc(s->b, SELFTEST_ROWS, sizeof *to, "a self-test", err);
    float *x = some_logits(s, (size_t)n * (size_t)cols, kind, err);
    int *ids = mem_alloc((size_t)cols, sizeof *ids, "a self-test", err), *there = s->ops->alloc(s->b, (size_t)cols, sizeof *there, "a self-test", err);
    struct pair logits;
    int rc = x && ids && there && to && !both(s, (size_t)n * (size_t)cols, x, &logits, err) ? 0 : -1;
    for (int i = 0; !rc && i < cols; i++) ids[i] = (i ? ids[i - 1] : 0) + 1 + rng_below(&s->rng, 5);
    for (int i = 0; i < n; i++) at[i] = (struct place){rng_u32(&s->rng), rng_below(&s->rng, 4096)};
    how.at = at, cpu_how = how;
    if (!rc && mapped) s->ops->write(s->b, there, ids, (size_t)cols * sizeof *ids), how.ids = there, cpu_how.ids = ids;
    if (!rc) {
        s->ops->choose(s->b, logits.b, n, cols, &how, to);
        s->ops->read(s->b, got, to, (size_t)n * sizeof *got);
        s->cpu_ops->choose(s->cpu, logits.cpu, n, cols, &cpu_how, want);
        rc = s->ops->status ? s->ops->status(s->b, err) : 0;
    }
    for (int i = 0; !rc && i < n; i++) {
        const float off = fabsf(got[i].top_prob - want[i].top_prob), apart = fabsf(got[i].entropy - want[i].entropy);
        const bool same = got[i].margin == want[i].margin || (isnan(got[i].margin) && isnan(want[i].margin));
        const bool numbers = kind != HUGE_ONES && !isnan(want[i].top_prob) && !isnan(want[i].entropy);
        if (got[i].token != want[i].token || !same)
            rc = err_set(err, "%s: row %d of %d (of %d logits, temperature %g) chose %d by %.9g, expected %d by %.9g", item->name, i, n, cols, how.temperature, got[i].token,
                         (double)got[i].margin, want[i].token, (double)want[i].margin);
        else if (numbers && !(off <= 2e-5f * (1 + want[i].top_prob) && apart <= 2e-5f * (1 + want[i].entropy)))
            rc = err_set(err, "%s: probability and entropy of row %d are %g and %g, expected %g and %g", item->name, i, (double)got[i].top_prob, (double)got[i].entropy,
                         (double)want[i].top_prob, (double)want[i].entropy);
    }
    mem_free(x), mem_free(ids);
    return rc;
}

/* Three marks with work between them: what passes between them adds up, and the host's clock saw no less. */
static int try_marks(struct selftest *s, const struct selftest_item *item, struct err *err) {
    const int cols = s->large, n = 8;
    struct pair x, w, out;
    if (!s->ops->mark) return 0;
    if (both_random(s, (size_t)n * (size_t)cols, 1, &x, err) || both_random(s, (size_t)cols, 1, &w, err) || both(s, (size_t)n * (size_t)cols, NULL, &out, err)) return -1;
    if (s->ops->wait(s->b, err)) return -1;
    const int64_t start = clock_ns();
    int64_t m[3];
    for (int i = 0; i < 3; i++) {
        m[i] = s->ops->mark(s->b);
        for (int k = 0; i < 2 && k < 4; k++) s->ops->norm(s->b, x.b, w.b, n, cols, 1e-5f, out.b);
    }
    const int64_t first = s->ops->elapsed(s->b, m[0], m[1]), second = s->ops->elapsed(s->b, m[1], m[2]), both = s->ops->elapsed(s->b, m[0], m[2]), host = clock_ns() - start;
    if (s->ops->status(s->b, err)) return -1;
    if (!(first > 0 && second > 0 && llabs(first + second - both) <= 3000 && both <= host + 3000))
        return err_set(err, "%s: %lld and %lld ns, %lld over both, %lld on the host's clock", item->name, (long long)first, (long long)second, (long long)both, (long long)host);
    return 0;
}

#define TYPED(run, word) \
    {word " F32", TENSOR_F32, run}, {word " F16", TENSOR_F16, run}, {word " BF16", TENSOR_BF16, run}, {word " Q4_0", TENSOR_Q4_0, run}, \
    {word " Q4_1", TENSOR_Q4_1, run}, {word " Q5_0", TENSOR_Q5_0, run}, {word " Q5_1", TENSOR_Q5_1, run}, {word " Q8_0", TENSOR_Q8_0, run}, \
    {word " Q4_K", TENSOR_Q4_K, run}, {word " Q5_K", TENSOR_Q5_K, run}, {word " Q6_K", TENSOR_Q6_K, run}

const struct selftest_item selftest_items[] = {
    TYPED(try_embed, "embed"), TYPED(try_matmul, "matmul"), {"join and pick", NONE, try_join}, {"norm", NONE, try_norm},
    {"gate, add and bias", NONE, try_pointwise}, {"rope, cache and attention", NONE, try_attention}, {"attention of a row in any company", NONE, try_company},
    {"largest logits and entropy", NONE, try_top}, {"chosen tokens, greedy and sampled", NONE, try_choose}, {"time between marks", NONE, try_marks}, {NULL, 0, NULL},
};

int selftest_open(struct selftest *s, const char *backend, const struct backend_options *options, uint64_t seed, int large, struct err *err) {
    *s = (struct selftest){.cpu_ops = &backend_cpu, .seed = seed, .large = large};
    if (!(s->ops = backend_find(backend, err))) return -1;
    int rc = s->ops->open(&s->b, options, err);
    if (rc) {
        s->b = NULL;
        return rc;
    }
    if (backend_cpu.open(&s->cpu, &(struct backend_options){.threads = options->threads}, err)) {
        selftest_close(s);
        return -1;
    }
    s->float_cache = !s->ops->kv_bytes || s->ops->kv_bytes(s->b) == sizeof(float);
    return 0;
}

void selftest_close(struct selftest *s) {
    if (s->b) s->ops->close(s->b);
    if (s->cpu) s->cpu_ops->close(s->cpu);
    s->b = s->cpu = NULL;
}

int selftest_try(struct selftest *s, const struct selftest_item *item, int number, struct err *err) {
    s->rng = rng_at(s->seed, rng_stream(item->name), (uint32_t)number, 0);
    if (s->ops->reserve(s->b, SELFTEST_ROWS, s->large, err) || s->cpu_ops->reserve(s->cpu, SELFTEST_ROWS, s->large, err)) return -1;
    if (item->run(s, item, err)) return err_add(err, " (try %d, seed %llu)", number, (unsigned long long)s->seed);
    return 0;
}

int selftest_weights(struct selftest *s, uint32_t type, int rows, int cols, int copies, struct weight *w, struct err *err) {
    struct tensor t;
    if (random_tensor(s, type, rows, cols, &t, err)) return -1;
    int rc = 0;
    for (int i = 0; !rc && i < copies; i++) rc = s->ops->upload(s->b, &t, &w[i], err);
    mem_free((void *)t.data);
    return rc;
}
