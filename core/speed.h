/* speed.h - what a backend's operations cost at decoding shapes, beside the bytes that they have to move. */
#ifndef CORE_SPEED_H
#define CORE_SPEED_H

#include "core/selftest.h"

struct speed {
    const char *what; // "product Q4_K, 4096 x 4096"
    int rows;         // of the pass, 0: none
    double bytes;     // the least that the job moves: inputs and outputs once each; 0: only its time counts
    double seconds;   // a call
};

/* Measures one after the other and hands each to `line`; side: of matrices, a multiple of 256. Buffers are kept until selftest_close. */
int speed_measure(struct selftest *s, int side, void (*line)(void *user, const struct speed *x), void *user, struct err *err);

#endif
