/* stopwatch.h - processor time of this thread, and the order in which timings are sorted for their median. For benches. */
#ifndef TESTS_STOPWATCH_H
#define TESTS_STOPWATCH_H

#include <time.h>

static inline double cpu_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static inline int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

#endif
