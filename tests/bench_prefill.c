/* bench_prefill.c - the matrix products of a 512-token prompt: our tiles against OpenBLAS.
 *
 *   make bench        or        build/tests/bench_prefill MODEL THREADS
 *
 * Both multiply every matrix of the model with the same 512 rows, in turns; ours from the quantized weights, OpenBLAS
 * (cblas_sgemm) from the same weights widened to float before the clock starts. What is printed is the median turn. */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/model.h"
#include "core/rng.h"

enum { ROWS = 512, TURNS = 5, MATRICES = 7 };

void openblas_set_num_threads(int n);

struct pair {
    struct weight ours;
    float *wide; // (rows, cols)
};

static int by_value(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int load(struct backend *b, const struct tensor *t, struct pair *p, struct err *err) {
    p->wide = mem_alloc((size_t)(t->ne[0] * t->ne[1]), sizeof *p->wide, "a widened matrix", err);
    for (uint64_t r = 0; p->wide && r < t->ne[1]; r++) tensor_row(t, r, p->wide + r * t->ne[0]);
    return p->wide ? backend_cpu.upload(b, t, &p->ours, err) : -1;
}

static int run(const char *path, int threads, struct err *err) {
    struct model m;
    struct backend *b = NULL;
    if (model_open(&m, path, NULL, err) || backend_cpu.open(&b, &(struct backend_options){.threads = threads}, err)) return -1;
    int count = m.layers * MATRICES + 1, widest = m.ff > m.hidden ? m.ff : m.hidden, tallest = m.vocab > widest ? m.vocab : widest;
    struct pair *pairs = mem_alloc((size_t)count, sizeof *pairs, "matrices", err);
    float *x = mem_alloc((size_t)ROWS * widest, sizeof *x, "inputs", err), *y = mem_alloc((size_t)ROWS * tallest, sizeof *y, "outputs", err);
    if (!pairs || !x || !y || backend_cpu.reserve(b, ROWS, widest, err)) return -1;
    for (int i = 0; i < m.layers; i++) {
        const struct model_layer *l = &m.layer[i];
        const struct tensor *t[MATRICES] = {l->q, l->k, l->v, l->o, l->gate, l->up, l->down};
        for (int k = 0; k < MATRICES; k++)
            if (load(b, t[k], &pairs[i * MATRICES + k], err)) return -1;
    }
    if (load(b, m.output, &pairs[count - 1], err)) return -1;
    struct rng r = rng_at(1, rng_stream("prefill"), 0, 0);
    for (size_t i = 0; i < (size_t)ROWS * widest; i++) x[i] = (float)rng_normal(&r);
    openblas_set_num_threads(threads);
    int64_t ns[2][TURNS];
    for (int turn = -1; turn < TURNS; turn++)
        for (int side = 0; side < 2; side++) {
            int64_t start = clock_ns();
            for (int i = 0; i < count; i++) {
                const struct weight *w = &pairs[i].ours;
                int n = i == count - 1 ? 1 : ROWS; // of a prompt only the last token needs logits
                if (side) cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, w->rows, w->cols, 1, x, w->cols, pairs[i].wide, w->cols, 0, y, w->rows);
                else backend_cpu.matmul(b, 1, &w, x, n, &y);
            }
            if (turn >= 0) ns[side][turn] = clock_ns() - start;
        }
    for (int side = 0; side < 2; side++) qsort(ns[side], TURNS, sizeof **ns, by_value);
    double ours = (double)ns[0][TURNS / 2] / 1e6, theirs = (double)ns[1][TURNS / 2] / 1e6;
    printf("products of a %d-token prompt, %d thread%s: tiles %.0f ms, OpenBLAS %.0f ms (float), %.2f times as long\n", ROWS, threads, threads > 1 ? "s" : "",
           ours, theirs, theirs / ours);
    for (int i = 0; i < count; i++) mem_free(pairs[i].wide);
    mem_free(pairs), mem_free(x), mem_free(y);
    backend_cpu.close(b);
    model_close(&m);
    return 0;
}

int main(int argc, char **argv) {
    struct err err = {""};
    if (argc != 3 || run(argv[1], atoi(argv[2]), &err)) {
        fprintf(stderr, "bench_prefill: %s\n", argc == 3 ? err.text : "expected MODEL THREADS");
        return 1;
    }
    return 0;
}
