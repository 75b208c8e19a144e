/* cmd_selftest.c - `banditspec selftest`: a backend against the CPU's on this machine, and how fast it is. */
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/cmd.h"
#include "core/opt.h"
#include "core/selftest.h"
#include "sim/selftest.h"

struct options {
    const char *backend, *device;
    int threads, tries, large;
    uint64_t seed;
};

static int report(const char *name, int rc, int64_t start, const struct err *err) {
    double s = (double)(clock_ns() - start) / 1e9;
    if (rc) printf("FAIL  %-52s %6.2f s  %s\n", name, s, err->text);
    else printf("PASS  %-52s %6.2f s\n", name, s);
    fflush(stdout);
    return rc ? 1 : 0;
}

/* Both backends anew for each item: its buffers go with them. */
static int test_operations(const struct options *o, int *items) {
    int failed = 0;
    for (const struct selftest_item *i = selftest_items; i->name; i++, ++*items) {
        struct selftest s;
        struct err err = {""};
        int64_t start = clock_ns();
        int rc = selftest_open(&s, o->backend, &(struct backend_options){.threads = o->threads, .device = o->device}, o->seed, o->large, &err);
        for (int k = 0; !rc && k < o->tries; k++) rc = selftest_try(&s, i, k, &err);
        selftest_close(&s);
        failed += report(i->name, rc, start, &err);
    }
    return failed;
}

static int test_models(const struct options *o, int *items) {
    struct model_test t = {.backend = o->backend, .device = o->device, .threads = o->threads};
    int failed = 0, opened;
    struct err err = {""};
    int64_t start = clock_ns();
    if ((opened = model_test_open(&t, &err))) failed += report("models to test with", opened, start, &err);
    for (const struct model_test_item *i = model_test_items; !opened && i->name; i++, ++*items) {
        err.text[0] = 0, start = clock_ns();
        failed += report(i->name, i->run(&t, &err), start, &err);
    }
    model_test_close(&t);
    return failed;
}

/* -- speed: what a decoding step is made of -- */

static const struct { const char *name; uint32_t type; double bytes; } timed[] = {
    {"BF16", TENSOR_BF16, 2}, {"Q8_0", TENSOR_Q8_0, 34.0 / 32}, {"Q6_K", TENSOR_Q6_K, 210.0 / 256}, {"Q4_K", TENSOR_Q4_K, 144.0 / 256}, {"Q4_0", TENSOR_Q4_0, 18.0 / 32}};

static double time_product(struct selftest *s, struct weight *const *w, int copies, float *x, float *y, int n, struct err *err) {
    enum { TURNS = 24 };
    int64_t start = 0;
    for (int i = -4; i < TURNS; i++) { // one after the other, so that no cache holds the next
        if (i == 0 && s->ops->wait) s->ops->wait(s->b, err);
        if (i == 0) start = clock_ns();
        s->ops->matmul(s->b, 1, (const struct weight *const *)&w[(i + 4) % copies], x, n, &y);
    }
    if (s->ops->wait) s->ops->wait(s->b, err);
    return (double)(clock_ns() - start) / 1e9 / TURNS;
}

static int print_speed(const struct options *o, struct err *err) {
    enum { COPIES = 8 };
    struct selftest s;
    const int side = o->large < 4096 ? o->large / 256 * 256 : 4096, copies = side < 4096 ? 1 : COPIES;
    if (selftest_open(&s, o->backend, &(struct backend_options){.threads = o->threads, .device = o->device}, o->seed, side, err)) return -1;
    printf("\n%s\nproducts of %d x %d, microseconds and GB of weights a second\n%-6s %10s %20s %20s\n", s.ops->device(s.b), side, side, "type", "1 row", "8 rows", "17 rows");
    int rc = 0;
    for (size_t k = 0; !rc && k < sizeof timed / sizeof *timed; k++) {
        struct weight w[COPIES], *list[COPIES];
        s.rng = rng_at(o->seed, rng_stream(timed[k].name), 0, 0);
        for (int c = 0; !rc && c < copies; c++) rc = selftest_weight(&s, timed[k].type, side, side, &w[c], err), list[c] = &w[c];
        float *x = rc ? NULL : s.ops->alloc(s.b, SELFTEST_ROWS * (size_t)side, sizeof *x, "inputs", err);
        float *y = x ? s.ops->alloc(s.b, SELFTEST_ROWS * (size_t)side, sizeof *y, "outputs", err) : NULL;
        if (!y || s.ops->reserve(s.b, SELFTEST_ROWS, side, err)) rc = -1;
        if (rc) break;
        printf("%-6s", timed[k].name);
        for (int i = 0; i < 3; i++) {
            const double t = time_product(&s, list, copies, x, y, (int[]){1, 8, 17}[i], err);
            printf(" %8.1f %8.1f%s", t * 1e6, (double)side * side * timed[k].bytes / t / 1e9, i < 2 ? "  " : "\n");
        }
        rc = s.ops->status ? s.ops->status(s.b, err) : 0;
    }
    selftest_close(&s);
    return rc;
}

int cmd_selftest(int argc, char **argv, struct err *err) {
    struct options o = {.backend = "cuda", .tries = 6, .large = 2048, .seed = 1};
    const struct opt table[] = {
        {"backend", OPT_TEXT, &o.backend, "NAME", "cuda (default) or cpu"},
        {"device", OPT_TEXT, &o.device, "N", "which card, as nvidia-smi counts them (default 0)"},
        {"threads", OPT_INT, &o.threads, "N", "CPU threads, 0 for all cores", 0, 1024},
        {"tries", OPT_INT, &o.tries, "N", "random shapes of each operation", 1, 100000},
        {"large", OPT_INT, &o.large, "N", "largest matrix side and context", 256, 1 << 15},
        {"seed", OPT_U64, &o.seed, "S", "seed of shapes and values"},
        {0},
    };
    const struct opt_help help = {
        "selftest [--backend cuda] [options]",
        "Runs every operation of a backend beside the CPU's on random shapes, two tiny models that are built\n"
        "into the program, and laws 1 to 3 (lossless, batch invariance, replay equals live): a PASS or FAIL\n"
        "line an item, then what products cost on the device. Exit code 1 when an item failed.",
        "  banditspec selftest --backend cuda --device 1\n",
    };
    int rc = opt_parse(table, &help, argc, argv, err), items = 0;
    if (rc) return rc > 0 ? 0 : rc;
    struct selftest s; // what is missing altogether is one line, not a FAIL for each item
    if ((rc = selftest_open(&s, o.backend, &(struct backend_options){.threads = o.threads, .device = o.device}, o.seed, o.large, err))) return rc;
    selftest_close(&s);
    int failed = test_operations(&o, &items) + test_models(&o, &items);
    if (!failed && print_speed(&o, err)) return -1;
    printf("\n%d of %d items passed\n", items - failed, items);
    return failed ? err_set(err, "%d item%s of backend '%s' failed", failed, failed > 1 ? "s" : "", o.backend) : 0;
}
