/* cmd_bench.c - `banditspec bench`: what a forward pass costs by width and context, beside the
 * bandwidth that bounds it. Widths are visited in turn, so that a noisy machine blurs all alike. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/cmd.h"
#include "core/engine.h"
#include "core/kernels.h"
#include "core/mem.h"
#include "core/opt.h"

enum { WIDTHS = 17, REPEATS_MAX = 1000 };

static int by_value(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Bytes a second that `threads` cores read from a buffer far larger than any cache: the best of eight passes. */
static int read_bandwidth(int threads, double *bytes_per_s, struct err *err) {
    const size_t floats = (size_t)1 << 27, part = floats / (size_t)threads; // 512 MiB
    float *buffer = mem_alloc(floats, sizeof *buffer, "the bandwidth buffer", err);
    if (!buffer) return -1;
    const struct kernels *k = kernels_best();
    int64_t best = INT64_MAX;
    volatile float sink = 0;
    for (int pass = 0; pass < 8; pass++) {
        int64_t start = clock_ns();
#pragma omp parallel num_threads(threads)
        {
            float top = 0;
            const float *from = buffer + part * (size_t)omp_get_thread_num();
            for (size_t at = 0; at < part; at += 1 << 16) top += k->max(from + at, part - at < 1 << 16 ? (int)(part - at) : 1 << 16);
#pragma omp critical
            sink += top;
        }
        int64_t ns = clock_ns() - start;
        best = ns < best ? ns : best;
    }
    mem_free(buffer);
    *bytes_per_s = (double)(part * (size_t)threads * sizeof *buffer) / ((double)best / 1e9);
    return 0;
}

/* Times passes of every width on top of `context` tokens; ns is (widths, repeats). */
static int time_widths(struct engine *e, int context, int widths, int repeats, int64_t *ns, struct err *err) {
    int vocab = engine_model(e)->vocab;
    struct row rows[WIDTHS];
    engine_rewind(e, 0, 0);
    for (int at = 0; at < context; at += WIDTHS) {
        int n = context - at < WIDTHS ? context - at : WIDTHS;
        for (int i = 0; i < n; i++) rows[i] = (struct row){(at + i) * 7 % vocab, 0, i - 1, false};
        if (engine_forward(e, rows, n, err)) return -1;
        engine_commit(e, 0, n);
    }
    for (int i = 0; i < WIDTHS; i++) rows[i] = (struct row){(context + i) * 7 % vocab, 0, i - 1, true};
    for (int r = -1; r < repeats; r++) // the first turn warms up
        for (int w = 1; w <= widths; w++) {
            int64_t start = clock_ns();
            if (engine_forward(e, rows, w, err)) return -1;
            int64_t spent = clock_ns() - start;
            if (r >= 0) ns[(size_t)(w - 1) * (size_t)repeats + (size_t)r] = spent;
        }
    return 0;
}

static int bench_context(struct engine *e, int context, int widths, int repeats, double bandwidth, struct err *err) {
    int64_t *ns = mem_alloc((size_t)widths * (size_t)repeats, sizeof *ns, "timings", err);
    if (!ns) return -1;
    int rc = time_widths(e, context, widths, repeats, ns, err);
    double one = 0, bytes = (double)engine_model(e)->weight_bytes;
    for (int w = 1; !rc && w <= widths; w++) {
        int64_t *own = ns + (size_t)(w - 1) * (size_t)repeats;
        qsort(own, (size_t)repeats, sizeof *own, by_value);
        double p10 = (double)own[repeats / 10] / 1e6, p50 = (double)own[repeats / 2] / 1e6, p90 = (double)own[repeats * 9 / 10] / 1e6;
        if (w == 1) one = p50;
        printf("%7d %5d %9.3f %9.3f %9.3f %10.2f", context, w, p10, p50, p90, p50 / one);
        if (w == 1) printf("   %.2f of the bandwidth bound", bytes / bandwidth * 1e3 / p50);
        putchar('\n');
    }
    mem_free(ns);
    return rc;
}

int cmd_bench(int argc, char **argv, struct err *err) {
    const char *path = NULL, *quantize = NULL, *backend = "cpu";
    int threads = 1, widths = 9, repeats = 20;
    struct texts contexts = {0};
    const struct opt options[] = {
        {"model", OPT_TEXT, &path, "FILE", "the target: a GGUF file or a Hugging Face directory", .required = true},
        {"quantize", OPT_TEXT, &quantize, "TYPE", "q8_0 or q4_0: float matrices become that when loaded"},
        {"threads", OPT_INT, &threads, "N", "CPU threads", 1, 1024},
        {"widths", OPT_INT, &widths, "N", "widths 1 to N", 1, WIDTHS},
        {"contexts", OPT_LIST, &contexts, "N...", "tokens before the pass (default 128)"},
        {"repeats", OPT_INT, &repeats, "N", "timed passes of each width", 1, REPEATS_MAX},
        {"backend", OPT_TEXT, &backend, "NAME", "where to compute"},
        {0},
    };
    const struct opt_help help = {
        "bench --model M [--threads N] [--widths N] [--contexts N...]",
        "Times forward passes of every width (1 row is plain decoding, gamma + 1 rows verify gamma\n"
        "drafted tokens) and prints milliseconds, the ratio to one row, and for one row the share of\n"
        "the bound set by reading every weight once at the memory bandwidth measured first.",
        "  banditspec bench --model SmolLM2.gguf --threads 1 --widths 9 --contexts 64 512\n",
    };
    int rc = opt_parse(options, &help, argc, argv, err);
    if (rc) return rc > 0 ? 0 : rc;
    if (!contexts.n) contexts = (struct texts){1, {"128"}};
    struct model m = {.layers = 0};
    struct engine *e = NULL;
    double bandwidth = 0;
    rc = model_open(&m, path, quantize, err);
    if (!rc) rc = engine_open(&e, &m, &(struct engine_options){.backend = backend, .threads = threads}, err);
    if (!rc) rc = read_bandwidth(threads, &bandwidth, err);
    if (!rc) printf("%s (%s) on %s, %d thread%s\nreads %.1f MB of weights a pass; memory gives %.2f GB/s\n\ncontext width    p10 ms    p50 ms    p90 ms  to 1 row\n",
                    m.name, m.dtype, engine_device(e), threads, threads > 1 ? "s" : "", (double)m.weight_bytes / 1e6, bandwidth / 1e9);
    for (int i = 0; !rc && i < contexts.n; i++) {
        int context = atoi(contexts.at[i]);
        if (context < 0 || context + WIDTHS > engine_max_context(e))
            rc = err_usage(err, "option '--contexts' wants numbers from 0 to %d, got '%s'", engine_max_context(e) - WIDTHS, contexts.at[i]);
        else rc = bench_context(e, context, widths, repeats, bandwidth, err);
    }
    engine_close(e);
    model_close(&m);
    return rc;
}
