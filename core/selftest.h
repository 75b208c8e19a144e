/* selftest.h - a backend's operations against the CPU backend's, on random shapes.
 *
 * An item is one operation; its i-th try draws shapes and values from (seed, item, i) alone, so a failure is found again by its
 * numbers. The tests of the CUDA backend run more tries of the same items on its emulation. */
#ifndef CORE_SELFTEST_H
#define CORE_SELFTEST_H

#include "core/backend.h"
#include "core/rng.h"

struct selftest {
    const struct backend_type *ops, *cpu_ops;
    struct backend *b, *cpu;
    uint64_t seed;
    bool float_cache;  // the backend under test keeps keys and values as floats: tighter bounds
    int large;         // largest matrix side and context: small where a device is emulated
    struct rng rng;    // of the try at hand
    double worst;      // largest difference seen by the item at hand, in units of what is allowed
};

struct selftest_item {
    const char *name;  // "matmul Q4_K"
    int type;          // a tensor_type, for items that have one
    int (*run)(struct selftest *s, const struct selftest_item *item, struct err *err);
};

extern const struct selftest_item selftest_items[]; // ends with a null name

/* Rows of a pass that items may use; the backend under test and the CPU must have reserved them (selftest_open does). */
enum { SELFTEST_ROWS = 40 };

/* Opens both backends. */
int selftest_open(struct selftest *s, const char *backend, const struct backend_options *options, uint64_t seed, int large, struct err *err);
void selftest_close(struct selftest *s);

/* One try of an item; -1 with the place and both values in err. Buffers are kept until selftest_close. */
int selftest_try(struct selftest *s, const struct selftest_item *item, int number, struct err *err);

/* A random matrix of a tensor_type, on the backend under test alone, `copies` times. */
int selftest_weights(struct selftest *s, uint32_t type, int rows, int cols, int copies, struct weight *w, struct err *err);

#endif
