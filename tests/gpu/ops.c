/* ops.c - every operation of the CUDA backend against the CPU's (core/selftest.h), on the emulation: one case an item.
 *
 * Arguments: tries of each item, and the first one's number; a mode of the emulation is the environment's affair (test_gpu.sh). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/selftest.h"

static int tries = 3, first, large = 1200;

static void run_item(void **state) {
    const struct selftest_item *item = *state;
    struct selftest s;
    struct err err = {""};
    for (int cache = 0; cache < 2; cache++) { // halves, then floats
        setenv("BANDITSPEC_CUDA", cache ? "kv=f32" : "", 1);
        if (selftest_open(&s, "cuda", &(struct backend_options){.threads = 1}, 1, large, &err)) fail_msg("%s", err.text);
        for (int i = 0; i < tries; i++)
            if (selftest_try(&s, item, first + cache * tries + i, &err)) fail_msg("%s", err.text);
        selftest_close(&s);
    }
}

int main(int argc, char **argv) {
    struct CMUnitTest tests[64] = {{0}};
    int n = 0;
    if (argc > 1) tries = atoi(argv[1]);
    if (argc > 2) first = atoi(argv[2]);
    if (argc > 3) large = atoi(argv[3]);
    for (const struct selftest_item *i = selftest_items; i->name; i++)
        if (argc < 5 || strstr(i->name, argv[4])) tests[n++] = (struct CMUnitTest){.name = i->name, .test_func = run_item, .initial_state = (void *)i};
    return _cmocka_run_group_tests("ops", tests, (size_t)n, NULL, NULL);
}
