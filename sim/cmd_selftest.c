/* cmd_selftest.c - `banditspec selftest`: a backend against the CPU's on this machine, and how fast it is. */
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/cmd.h"
#include "core/opt.h"
#include "core/selftest.h"
#include "core/speed.h"
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

struct table {
    double peak; // bytes a second, 0: unknown
    int lines;
};

static void print_line(void *user, const struct speed *x) {
    struct table *t = user;
    const double rate = x->bytes / x->seconds;
    char rows[16] = "";
    t->lines++;
    if (x->rows) snprintf(rows, sizeof rows, "%d", x->rows);
    printf("%-40s %4s %12.1f", x->what, rows, x->seconds * 1e6);
    if (x->bytes > 0) printf(" %12.1f %9.1f", x->bytes / 1e3, rate / 1e9);
    if (x->bytes > 0 && t->peak > 0) printf(" %6.1f %%", 100 * rate / t->peak);
    putchar('\n');
    fflush(stdout);
}

/* Matrices of 4096 on a card, smaller ones where --large is small. */
static int print_speed(const struct options *o, struct err *err) {
    struct selftest s;
    struct table t = {0};
    const int side = o->large < 2048 ? o->large / 256 * 256 : 4096;
    if (selftest_open(&s, o->backend, &(struct backend_options){.threads = o->threads, .device = o->device}, o->seed, side, err)) return -1;
    if (s.ops->peak) t.peak = s.ops->peak(s.b);
    printf("\n%s", s.ops->device(s.b));
    if (t.peak > 0) printf(", memory of %.0f GB/s by its attributes", t.peak / 1e9);
    printf("\n%-40s %4s %12s %12s %9s%s\n", "", "rows", "microseconds", "least, kB", "GB/s", t.peak > 0 ? "  of peak" : "");
    int rc = speed_measure(&s, side, print_line, &t, err);
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
        "line an item, then what every family of operations costs at the shapes of an 8B model, beside the\n"
        "bytes it has to move and the memory's peak. Exit code 1 when an item failed.",
        "  banditspec selftest --backend cuda --device 1\n",
    };
    int rc = opt_parse(table, &help, argc, argv, err), items = 0;
    if (rc) return rc > 0 ? 0 : rc;
    struct selftest s; // what is missing altogether is one line, not a FAIL for each item
    if ((rc = selftest_open(&s, o.backend, &(struct backend_options){.threads = o.threads, .device = o.device}, o.seed, o.large, err))) return rc;
    selftest_close(&s);
    int failed = test_operations(&o, &items) + test_models(&o, &items);
    if (!failed) { // by hand, since its lines are many
        struct err speed_err = {""};
        int64_t start = clock_ns();
        const int speed_rc = print_speed(&o, &speed_err);
        putchar('\n');
        failed += report("speed of every family of operations was measured", speed_rc, start, &speed_err), items++;
    }
    printf("\n%d of %d items passed\n", items - failed, items);
    return failed ? err_set(err, "%d item%s of backend '%s' failed", failed, failed > 1 ? "s" : "", o.backend) : 0;
}
