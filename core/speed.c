/* speed.c - see speed.h.
 *
 * A measurement is some calls between two marks, after a few that warm up. What would stay in a cache (weights, a context) is laid out COPIES
 * times and taken in turn. Shapes are those of LLaMA-3-8B where `side` is 4096. */
#include "core/speed.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"

enum { COPIES = 8, ROWS_MOST = 32, HEADS = 32, KV_HEADS = 8, DIM = 128 };

struct bench {
    struct selftest *s;
    int side, copies, turn; // turn: which copy is next
    int turns, warm;
    void (*line)(void *user, const struct speed *x);
    void *user;
    float *x, *y, *logits; // (ROWS_MOST, 4 side), twice; (ROWS_MOST, vocab)
    int vocab;
    // of the job at hand
    struct weight w[COPIES];
    int n;
    struct batch rows;
    struct kv_shape shape;
    void *kv;
    float *rope;
    struct choosing how;
    struct choice *choices;
    void *host;
    size_t host_bytes;
};

static int64_t mark(const struct bench *b) { return b->s->ops->mark ? b->s->ops->mark(b->s->b) : clock_ns(); }

/* Times `run`; waits: by the host's clock, since the host waits in it. */
static int measure(struct bench *b, const char *what, int rows, double bytes, void (*run)(struct bench *b), bool waits, struct err *err) {
    const struct backend_type *ops = b->s->ops;
    int64_t start = 0, begun = 0;
    for (int i = -b->warm; i < b->turns; i++) {
        if (i == 0) {
            if (ops->wait && ops->wait(b->s->b, err)) return -1;
            begun = clock_ns(), start = mark(b);
        }
        run(b);
        b->turn = (b->turn + 1) % b->copies;
    }
    const int64_t end = mark(b);
    if (ops->wait && ops->wait(b->s->b, err)) return -1;
    const int64_t ns = waits ? clock_ns() - begun : ops->elapsed ? ops->elapsed(b->s->b, start, end) : end - start;
    b->line(b->user, &(struct speed){what, rows, bytes, (double)ns / 1e9 / b->turns});
    return ops->status ? ops->status(b->s->b, err) : 0;
}

/* -- jobs -- */

static void product(struct bench *b) {
    const struct weight *w = &b->w[b->turn];
    b->s->ops->matmul(b->s->b, 1, &w, b->x, b->n, &b->y);
}
static void norm(struct bench *b) { b->s->ops->norm(b->s->b, b->x, b->logits, b->n, b->side, 1e-5f, b->y); }
static void add(struct bench *b) { b->s->ops->add(b->s->b, b->x, b->y, b->n, b->side); }
static void gate(struct bench *b) { b->s->ops->gate(b->s->b, b->x, b->y, b->n, 7 * b->side / 2, b->y); }
static void smallest(struct bench *b) { b->s->ops->add(b->s->b, b->x, b->y, 1, 32); }
static void smallest_and_wait(struct bench *b) {
    struct err err;
    smallest(b);
    if (b->s->ops->wait) b->s->ops->wait(b->s->b, &err); // what fails is told by status()
}
static void pass(struct bench *b, bool attend) {
    const struct backend_type *ops = b->s->ops;
    const int layer = b->turn % b->shape.layers;
    if (attend) ops->attention(b->s->b, &b->shape, b->kv, layer, &b->rows, HEADS, b->x, b->y);
    else ops->rope_append(b->s->b, &b->shape, b->kv, layer, &b->rows, ROPE_HALVES, b->rope, HEADS, b->x, b->y, b->y);
}
static void attention(struct bench *b) { pass(b, true); }
static void rope(struct bench *b) { pass(b, false); }
static void embed(struct bench *b) { b->s->ops->embed(b->s->b, &b->w[0], &b->rows, b->y); }
static void top(struct bench *b) {
    int ids[8 * ROWS_MOST];
    float values[8 * ROWS_MOST];
    b->s->ops->top(b->s->b, b->logits, b->n, b->vocab, 8, ids, values);
}
static void choose(struct bench *b) { b->s->ops->choose(b->s->b, b->logits, b->n, b->vocab, &b->how, b->choices); }
static void read_one(struct bench *b) {
    struct choice one;
    b->s->ops->read(b->s->b, &one, b->choices, sizeof one);
}
static void to_device(struct bench *b) { b->s->ops->write(b->s->b, b->logits, b->host, b->host_bytes); }
static void to_host(struct bench *b) { b->s->ops->read(b->s->b, b->host, b->logits, b->host_bytes); }

/* -- families -- */

static const int widths[] = {1, 5, 17};
#define EACH_WIDTH(b) for (int w_ = 0; w_ < 3 && ((b)->n = widths[w_]); w_++)

static int products(struct bench *b, struct err *err) {
    static const struct { const char *name; uint32_t type; double bytes; } types[] = {
        {"BF16", TENSOR_BF16, 2}, {"F16", TENSOR_F16, 2}, {"F32", TENSOR_F32, 4}, {"Q8_0", TENSOR_Q8_0, 34.0 / 32}, {"Q6_K", TENSOR_Q6_K, 210.0 / 256},
        {"Q4_K", TENSOR_Q4_K, 144.0 / 256}, {"Q4_1", TENSOR_Q4_1, 20.0 / 32}, {"Q4_0", TENSOR_Q4_0, 18.0 / 32}};
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        char what[64];
        snprintf(what, sizeof what, "product %s, %d x %d", types[t].name, b->side, b->side);
        if (selftest_weights(b->s, types[t].type, b->side, b->side, b->copies, b->w, err) || b->s->ops->reserve(b->s->b, SELFTEST_ROWS, b->side, err)) return -1;
        EACH_WIDTH(b)
            if (measure(b, what, b->n, (double)b->side * b->side * types[t].bytes + 8.0 * b->side * b->n, product, false, err)) return -1;
    }
    return 0;
}

/* A chain of b->n rows on top of `context` cells. */
static void chain(struct bench *b, int context) {
    static int token[ROWS_MOST], slot[ROWS_MOST], pos[ROWS_MOST], cell[ROWS_MOST], prefix[ROWS_MOST], path_at[ROWS_MOST + 1], path[ROWS_MOST * (ROWS_MOST + 1) / 2];
    for (int i = 0; i < b->n; i++) {
        token[i] = i * 37 % b->side, slot[i] = 0, pos[i] = cell[i] = context + i, prefix[i] = context, path_at[i + 1] = path_at[i] + i + 1;
        for (int k = 0; k <= i; k++) path[path_at[i] + k] = context + k;
    }
    b->rows = (struct batch){.n = b->n, .token = token, .slot = slot, .pos = pos, .cell = cell, .prefix = prefix, .path = path, .path_at = path_at};
}

static int in_a_pass(struct bench *b, const char *what, double bytes, void (*run)(struct bench *b), struct err *err) {
    const struct backend_type *ops = b->s->ops;
    if (ops->begin) ops->begin(b->s->b, NULL, b->kv, &b->rows);
    int rc = measure(b, what, b->n, bytes, run, false, err);
    if (ops->end) ops->end(b->s->b);
    return rc;
}

static int passes(struct bench *b, struct err *err) {
    const struct backend_type *ops = b->s->ops;
    const int contexts[] = {b->side / 8, b->side / 2, 2 * b->side}, cells = 2 * b->side + ROWS_MOST;
    const double item = ops->kv_bytes ? (double)ops->kv_bytes(b->s->b) : sizeof(float);
    b->shape = (struct kv_shape){b->copies, 1, cells, KV_HEADS, DIM};
    if (!(b->kv = ops->kv_alloc(b->s->b, &b->shape, HEADS, err)) || !(b->rope = ops->alloc(b->s->b, (size_t)cells * DIM, sizeof *b->rope, "the rotary table", err))) return -1;
    EACH_WIDTH(b) {
        chain(b, contexts[1]);
        if (in_a_pass(b, "embedding BF16", 6.0 * b->side * b->n, embed, err)) return -1;
        if (in_a_pass(b, "RoPE and cache, 32 + 8 heads of 128", b->n * DIM * (4 * (2 * HEADS + 2 * KV_HEADS) + 2 * KV_HEADS * item + 4), rope, err)) return -1;
    }
    for (int c = 0; c < 3; c++)
        EACH_WIDTH(b) {
            char what[64];
            snprintf(what, sizeof what, "attention, %d keys, 32/8 heads of 128", contexts[c]);
            chain(b, contexts[c]);
            if (in_a_pass(b, what, 2 * item * (contexts[c] + b->n) * KV_HEADS * DIM + 8.0 * b->n * HEADS * DIM, attention, err)) return -1;
        }
    return 0;
}

static int vocabulary(struct bench *b, struct err *err) {
    char what[3][64];
    static const char *const jobs[] = {"8 largest, read, of", "greedy choice of", "sampled choice of"};
    struct place at[ROWS_MOST] = {{0}};
    for (int i = 0; i < 3; i++) snprintf(what[i], sizeof what[i], "%s %d logits", jobs[i], b->vocab);
    EACH_WIDTH(b) {
        const double bytes = 4.0 * b->vocab * b->n;
        if (measure(b, what[0], b->n, bytes, top, true, err)) return -1;
        for (int sampled = 0; sampled < 2; sampled++) {
            b->how = (struct choosing){.temperature = sampled, .seed = 1, .at = at, .signals = true};
            if (measure(b, what[1 + sampled], b->n, bytes + 16.0 * b->n, choose, false, err)) return -1;
        }
    }
    return 0;
}

static int pointwise(struct bench *b, struct err *err) {
    EACH_WIDTH(b)
        if (measure(b, "RMS norm", b->n, 4.0 * b->side * (2 * b->n + 1), norm, false, err) || measure(b, "add", b->n, 12.0 * b->side * b->n, add, false, err)
            || measure(b, "gate, 3.5 times as wide", b->n, 12.0 * 3.5 * b->side * b->n, gate, false, err)) return -1;
    return 0;
}

static int latencies(struct bench *b, struct err *err) {
    b->host_bytes = (size_t)b->vocab * ROWS_MOST * sizeof(float);
    if (!(b->host = mem_alloc(b->host_bytes, 1, "a self-test", err))) return -1;
    int rc = measure(b, "a launch, of many", 0, 0, smallest, false, err) || measure(b, "a launch and a wait", 0, 0, smallest_and_wait, true, err)
          || measure(b, "reading a choice", 0, 0, read_one, true, err) || measure(b, "to the device, pageable", 0, (double)b->host_bytes, to_device, true, err)
          || measure(b, "to the host, pageable", 0, (double)b->host_bytes, to_host, true, err) ? -1 : 0;
    mem_free(b->host);
    return rc;
}

int speed_measure(struct selftest *s, int side, void (*line)(void *user, const struct speed *x), void *user, struct err *err) {
    const bool whole = side >= 4096;
    struct bench b = {.s = s, .side = side, .copies = whole ? COPIES : 1, .turns = whole ? 24 : 2, .warm = whole ? 4 : 1, .line = line, .user = user, .vocab = whole ? 128256 : 3 * side + 5};
    const struct { float **to; size_t count; } buffers[] = {{&b.x, (size_t)ROWS_MOST * (size_t)(side < HEADS * DIM ? HEADS * DIM : side) * 4},
        {&b.y, (size_t)ROWS_MOST * (size_t)(side < HEADS * DIM ? HEADS * DIM : side) * 4}, {&b.logits, (size_t)ROWS_MOST * (size_t)b.vocab}};
    for (int i = 0; i < 3; i++)
        if (!(*buffers[i].to = s->ops->alloc(s->b, buffers[i].count, sizeof(float), "a self-test", err))) return -1;
    if (!(b.choices = s->ops->alloc(s->b, ROWS_MOST, sizeof *b.choices, "a self-test", err))) return -1;
    s->rng = rng_at(s->seed, rng_stream("speed"), 0, 0);
    if (products(&b, err) || selftest_weights(s, TENSOR_BF16, side, side, 1, b.w, err)) return -1; // the latter: a table
    return pointwise(&b, err) || passes(&b, err) || vocabulary(&b, err) || latencies(&b, err) ? -1 : 0;
}
