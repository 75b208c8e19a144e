/* cmd_bench.c - `banditspec bench`: what a forward pass costs by batch, width and context, beside the
 * bandwidth that bounds it; and what prefill costs. Widths are visited in turn, so that a noisy machine
 * blurs all alike. With --db the medians go to the `latency` table of a trace. */
#include <jansson.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/cmd.h"
#include "core/engine.h"
#include "core/kernels.h"
#include "core/mem.h"
#include "core/opt.h"
#include "core/progress.h"
#include "core/tokenizer_model.h"
#include "traces/latency.h"

enum { WIDTH_MAX = 17, BATCH_MAX = 64, REPEATS_MAX = 1000, LIST_MAX = 32, PREFILL_MAX = 1 << 16 };

struct options {
    const char *path, *quantize, *backend, *device, *db;
    int threads, repeats, prefill, widest;
    struct texts batches, widths, contexts;
    bool json, loose;
};

struct bench {
    const struct options *o;
    struct model m;
    struct engine *e;
    struct latency_store store;
    json_t *out; // the rows, with --json
    int batches[LIST_MAX], widths[LIST_MAX], contexts[LIST_MAX], batch_n, width_n, context_n;
    int64_t *ns; // (widths, repeats)
    struct row *rows;
    double bandwidth;
    struct progress bar;
    long done;
};

static int by_value(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Whole numbers from lo to hi, or the fallback. */
static int read_list(const struct texts *texts, const char *option, int fallback, int lo, int hi, int *out, int *n, struct err *err) {
    out[0] = fallback, *n = 1;
    if (texts->n > LIST_MAX) return err_usage(err, "option '--%s' takes at most %d numbers", option, LIST_MAX);
    for (int i = 0; i < texts->n; i++) {
        char *end;
        long value = strtol(texts->at[i], &end, 10);
        if (end == texts->at[i] || *end || value < lo || value > hi)
            return err_usage(err, "option '--%s' wants whole numbers from %d to %d, got '%s'", option, lo, hi, texts->at[i]);
        out[i] = (int)value, *n = i + 1;
    }
    return 0;
}

/* Bytes a second that `threads` cores read from a buffer far larger than most caches: the best of eight passes. */
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

static int token_at(const struct bench *b, int slot, int i) { return (i * 7 + slot * 31) % b->m.vocab; }

/* `batch` slots of `context` tokens each. */
static int fill(struct bench *b, int batch, int context, struct err *err) {
    int most = engine_max_rows(b->e);
    for (int s = 0; s < batch; s++) {
        engine_rewind(b->e, s, 0);
        for (int at = 0; at < context; at += most) {
            int n = context - at < most ? context - at : most;
            for (int i = 0; i < n; i++) b->rows[i] = (struct row){token_at(b, s, at + i), s, i - 1, false};
            if (engine_forward(b->e, b->rows, n, err)) return -1;
            engine_commit(b->e, s, n);
        }
    }
    return engine_wait(b->e, err);
}

/* Rows of a verification: `width` of each of `batch` requests. */
static int lay_rows(struct bench *b, int batch, int width, int context) {
    int n = 0;
    for (int s = 0; s < batch; s++)
        for (int i = 0; i < width; i++, n++) b->rows[n] = (struct row){token_at(b, s, context + i), s, i ? n - 1 : -1, true};
    return n;
}

static int print_row(struct bench *b, const char *operation, int batch, int width, int context, int64_t *ns, double *one, struct err *err) {
    int repeats = b->o->repeats;
    qsort(ns, (size_t)repeats, sizeof *ns, by_value);
    const struct latency l = {.operation = operation, .batch = batch, .width = width, .context = context, .samples = repeats,
                                    .p10_ns = ns[repeats / 10], .p50_ns = ns[repeats / 2], .p90_ns = ns[repeats * 9 / 10]};
    if (b->o->db && latency_put(&b->store, &l, err)) return -1;
    bool prefill = !strcmp(operation, "prefill"), first = !prefill && *one == 0;
    double p50 = (double)l.p50_ns / 1e6, share = (double)b->m.weight_bytes / b->bandwidth * 1e3 / p50;
    if (first) *one = p50;
    if (b->o->json) {
        json_t *row = json_pack("{s:s, s:i, s:i, s:i, s:i, s:f, s:f, s:f}", "operation", operation, "batch", batch, "width", width, "context", context,
                                "samples", repeats, "p10_ms", (double)l.p10_ns / 1e6, "p50_ms", p50, "p90_ms", (double)l.p90_ns / 1e6);
        return json_array_append_new(json_object_get(b->out, "latency"), row) ? err_set(err, "cannot build JSON") : 0;
    }
    if (prefill) {
        printf("prefill of %d tokens: %.1f ms, %.0f tokens/s\n", width, p50, width / p50 * 1e3);
        return 0;
    }
    printf("%5d %7d %5d %9.3f %9.3f %9.3f %10.2f", batch, context, width, (double)l.p10_ns / 1e6, p50, (double)l.p90_ns / 1e6, p50 / *one);
    if (first && batch * width == 1) printf("   %.2f of the bandwidth bound", share);
    putchar('\n');
    return 0;
}

/* Passes of every width on top of `context` tokens, `batch` requests at once. */
static int bench_block(struct bench *b, int batch, int context, struct err *err) {
    int repeats = b->o->repeats;
    if (fill(b, batch, context, err)) return -1;
    for (int r = -1; r < repeats; r++) // the first turn warms up
        for (int w = 0; w < b->width_n; w++) {
            int n = lay_rows(b, batch, b->widths[w], context);
            int64_t from = engine_mark(b->e);
            if (engine_forward(b->e, b->rows, n, err)) return -1;
            int64_t to = engine_mark(b->e);
            if (engine_wait(b->e, err)) return -1;
            int64_t spent = engine_elapsed(b->e, from, to);
            if (r >= 0) b->ns[(size_t)w * (size_t)repeats + (size_t)r] = spent;
            progress_step(&b->bar, ++b->done);
        }
    progress_end(&b->bar);
    double one = 0;
    for (int w = 0; w < b->width_n; w++)
        if (print_row(b, "verify", batch, b->widths[w], context, b->ns + (size_t)w * (size_t)repeats, &one, err)) return -1;
    return 0;
}

static int bench_prefill(struct bench *b, struct err *err) {
    int n = b->o->prefill, *tokens = mem_alloc((size_t)n, sizeof *tokens, "tokens", err), rc = tokens ? 0 : -1;
    for (int i = 0; !rc && i < n; i++) tokens[i] = token_at(b, 0, i);
    for (int r = -1; !rc && r < b->o->repeats; r++) {
        engine_rewind(b->e, 0, 0);
        int64_t from = engine_mark(b->e);
        rc = engine_prefill(b->e, 0, tokens, n, NULL, err);
        int64_t to = engine_mark(b->e);
        if (!rc) rc = engine_wait(b->e, err);
        if (r >= 0) b->ns[r] = rc ? 0 : engine_elapsed(b->e, from, to);
    }
    mem_free(tokens);
    double none = 0;
    return rc ? rc : print_row(b, "prefill", 1, n, 0, b->ns, &none, err);
}

static int open_store(struct bench *b, struct err *err) {
    char sha[SHA256_HEX];
    struct tokenizer t;
    if (model_sha256(&b->m, sha, err) || tokenizer_open_model(&t, &b->m, err)) return -1;
    const struct store_recording r = {
        .target = b->m.name, .target_sha256 = sha, .tokenizer_sha256 = t.sha256, .backend = b->o->backend, .device = engine_device(b->e),
        .dtype = b->m.dtype, .template = "none", .engine_version = VERSION, .options = "{\"bench\":true}",
        .threads = b->o->threads, .max_new = 1, .max_draft = WIDTH_MAX - 1,
    };
    int rc = latency_open(&b->store, b->o->db, &r, err);
    tokenizer_close(&t);
    return rc;
}

static int open_bench(struct bench *b, const struct options *o, struct err *err) {
    int widest = 0, fullest = 0, deepest = 0, repeats = o->repeats;
    b->o = o;
    int rc = read_list(&o->batches, "batches", 1, 1, BATCH_MAX, b->batches, &b->batch_n, err);
    if (!rc && o->widths.n && o->widest) rc = err_usage(err, "options '--widths' and '--to' are two ways to say the same: one expected");
    if (!rc) rc = read_list(&o->widths, "widths", 1, 1, WIDTH_MAX, b->widths, &b->width_n, err);
    if (!rc) rc = read_list(&o->contexts, "contexts", 128, 0, 1 << 20, b->contexts, &b->context_n, err);
    if (rc) return rc;
    if (!o->widths.n)
        for (b->width_n = 0; b->width_n < (o->widest ? o->widest : 9); b->width_n++) b->widths[b->width_n] = b->width_n + 1;
    for (int i = 0; i < b->width_n; i++) widest = b->widths[i] > widest ? b->widths[i] : widest;
    for (int i = 0; i < b->batch_n; i++) fullest = b->batches[i] > fullest ? b->batches[i] : fullest;
    for (int i = 0; i < b->context_n; i++) deepest = b->contexts[i] > deepest ? b->contexts[i] : deepest;
    int cells = deepest + widest > o->prefill ? deepest + widest : o->prefill;
    if ((rc = model_open(&b->m, o->path, o->quantize, err))) return rc;
    const struct engine_options options = {.backend = o->backend, .device = o->device, .loose = o->loose, .threads = o->threads, .max_context = cells, .slots = fullest,
                                           .max_rows = fullest * widest > 72 ? fullest * widest : 72};
    if (engine_open(&b->e, &b->m, &options, err)) return -1;
    b->rows = mem_alloc((size_t)engine_max_rows(b->e), sizeof *b->rows, "rows", err);
    b->ns = b->rows ? mem_alloc((size_t)b->width_n * (size_t)repeats, sizeof *b->ns, "timings", err) : NULL;
    if (!b->ns || (o->db && open_store(b, err))) return -1;
    b->bar = progress_start("timing", (long)b->batch_n * b->context_n * b->width_n * (repeats + 1), 0);
    b->bandwidth = engine_peak(b->e); // a card's by its attributes, else measured
    return b->bandwidth > 0 ? 0 : read_bandwidth(o->threads, &b->bandwidth, err);
}

static int run(struct bench *b, struct err *err) {
    if (b->o->json)
        b->out = json_pack("{s:s, s:s, s:s, s:i, s:I, s:f, s:[]}", "model", b->m.name, "dtype", b->m.dtype, "device", engine_device(b->e), "threads",
                           b->o->threads, "weight_bytes", (json_int_t)b->m.weight_bytes, "bandwidth_bytes_per_s", b->bandwidth, "latency");
    else
        printf("%s (%s) on %s, %d thread%s\nreads %.1f MB of weights a pass; memory gives %.2f GB/s\n\nbatch context width    p10 ms    p50 ms    p90 ms  to first\n",
               b->m.name, b->m.dtype, engine_device(b->e), b->o->threads, b->o->threads > 1 ? "s" : "", (double)b->m.weight_bytes / 1e6, b->bandwidth / 1e9);
    for (int i = 0; i < b->batch_n; i++)
        for (int c = 0; c < b->context_n; c++)
            if (bench_block(b, b->batches[i], b->contexts[c], err)) return -1;
    if (b->o->prefill && bench_prefill(b, err)) return -1;
    if (b->o->json && (json_dumpf(b->out, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) || putchar('\n') == EOF)) return err_set(err, "cannot write JSON");
    if (b->o->db && !b->o->json) printf("stored as recording %lld of %s\n", (long long)b->store.recording, b->o->db);
    return 0;
}

int cmd_bench(int argc, char **argv, struct err *err) {
    struct options o = {.backend = "cpu", .threads = 1, .repeats = 20};
    const struct opt options[] = {
        {"model", OPT_TEXT, &o.path, "M", "the target: a GGUF file or a Hugging Face directory", .required = true},
        {"quantize", OPT_TEXT, &o.quantize, "TYPE", "q8_0 or q4_0: float matrices become that when loaded"},
        {"threads", OPT_INT, &o.threads, "N", "CPU threads", 1, 1024},
        {"batches", OPT_LIST, &o.batches, "B...", "requests verified at once (default 1)"},
        {"widths", OPT_LIST, &o.widths, "W...", "rows a request: gamma + 1 (default 1 to 9)"},
        {"to", OPT_INT, &o.widest, "N", "the same as --widths 1 2 ... N", 1, WIDTH_MAX},
        {"contexts", OPT_LIST, &o.contexts, "N...", "tokens before the pass (default 128)"},
        {"prefill", OPT_INT, &o.prefill, "N", "times a prompt of N tokens too", 1, PREFILL_MAX},
        {"repeats", OPT_INT, &o.repeats, "N", "timed passes of each kind", 1, REPEATS_MAX},
        {"db", OPT_TEXT, &o.db, "T", "stores the medians in the table `latency` of this trace"},
        {"backend", OPT_TEXT, &o.backend, "NAME", "where to compute: cpu, or cuda (make GPU=1)"},
        {"device", OPT_TEXT, &o.device, "N", "which card, as nvidia-smi counts them (default 0)"},
        {"loose", OPT_FLAG, &o.loose, NULL, "rows need not be the same bits in any company (law 2): what that costs, on a card"},
        {"json", OPT_FLAG, &o.json, NULL, "prints JSON"},
        {0},
    };
    const struct opt_help help = {
        "bench --model M [--batches B...] [--widths W...] [--contexts N...] [options]",
        "Times forward passes by batch, width and context (1 row is plain decoding, gamma + 1 rows\n"
        "verify gamma drafted tokens) and prints milliseconds, the ratio to the first width, and for\n"
        "one row the share of the bound set by reading every weight once at the memory bandwidth\n"
        "measured first (above 1 where a cache holds part of them; a card's is what its attributes say).",
        "  banditspec bench --model SmolLM2.gguf --to 9 --contexts 64 512\n"
        "  banditspec bench --model SmolLM2.gguf --batches 1 4 16 --widths 1 5 --prefill 512 --db run.db\n",
    };
    int rc = opt_parse(options, &help, argc, argv, err);
    if (rc) return rc > 0 ? 0 : rc;
    struct bench *b = mem_alloc(1, sizeof *b, "the benchmark", err);
    if (!b) return -1;
    rc = open_bench(b, &o, err);
    if (!rc) rc = run(b, err);
    json_decref(b->out);
    latency_close(&b->store);
    engine_close(b->e);
    model_close(&b->m);
    mem_free(b->ns), mem_free(b->rows), mem_free(b);
    return rc;
}
