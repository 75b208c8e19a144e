/* selftest.h - a backend under whole models: a golden text, and laws 1 to 3 through the commands themselves. The models are tiny ones of
 * tests/golden/tiny, built into the program. */
#ifndef SIM_SELFTEST_H
#define SIM_SELFTEST_H

#include "core/backend.h"

struct model_test {
    const char *backend, *device;
    int threads;
    char dir[4000]; // of its own, under TMPDIR
};

struct model_test_item {
    const char *name;
    int (*run)(struct model_test *t, struct err *err);
};

extern const struct model_test_item model_test_items[]; // ends with a null name

int model_test_open(struct model_test *t, struct err *err); // backend, device and threads are set
void model_test_close(struct model_test *t);

#endif
