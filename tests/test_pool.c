/* test_pool.c - every chunk once, no worker twice at a time, nobody left asleep; also with more
 * threads than cores. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/pool.h"
#include "core/rng.h"

enum { CHUNKS = 300, WORKERS = 8 };
static const int thread_counts[] = {1, 2, 3, 8};

/* What a step's chunks leave behind. Plain counters where the pool must order the accesses. */
struct tally {
    int threads, chunks;
    int ran[CHUNKS];            // plain: one chunk is one thread's, and pool_run orders it before its return
    atomic_bool busy[WORKERS];
    atomic_int overlaps, strays;
    int scratch[WORKERS];       // plain: a worker's own
    atomic_int arrived;
};

static struct pool *open_pool(int threads) {
    struct err err = {""};
    struct pool *p = NULL;
    if (pool_open(&p, threads, &err)) fail_msg("%s", err.text);
    assert_int_equal(pool_threads(p), threads);
    return p;
}

static void count(void *user, int chunk, int worker) {
    struct tally *t = user;
    if (chunk < 0 || chunk >= t->chunks || worker < 0 || worker >= t->threads) {
        atomic_fetch_add(&t->strays, 1);
        return;
    }
    if (atomic_exchange(&t->busy[worker], true)) atomic_fetch_add(&t->overlaps, 1);
    t->ran[chunk]++;
    t->scratch[worker]++;
    atomic_store(&t->busy[worker], false);
}

static void assert_each_once(struct tally *t, int step) {
    int sum = 0;
    for (int i = 0; i < CHUNKS; i++)
        if (t->ran[i] != (i < t->chunks)) fail_msg("%d threads, step %d: chunk %d of %d ran %d times", t->threads, step, i, t->chunks, t->ran[i]);
    for (int w = 0; w < WORKERS; w++) sum += t->scratch[w];
    assert_int_equal(sum, t->chunks);
    assert_int_equal(t->overlaps, 0);
    assert_int_equal(t->strays, 0);
}

static void run_step(struct pool *p, int threads, int chunks, int step) {
    struct tally t = {.threads = threads, .chunks = chunks}; // of this step alone: a late chunk would write into a dead frame
    pool_run(p, chunks, count, &t);
    assert_each_once(&t, step);
}

static void test_every_chunk_runs_exactly_once(void **state) {
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct pool *p = open_pool(thread_counts[i]);
        struct rng r = rng_at(1, 0, 0, 0);
        for (int step = 0; step < 4000; step++)
            run_step(p, thread_counts[i], step % 4 == 0 ? rng_below(&r, CHUNKS + 1) : rng_below(&r, 12), step);
        pool_close(p);
    }
}

static void test_sleeping_workers_wake(void **state) {
    (void)state;
    for (int step = 0; step < 12; step++) {
        struct pool *p = open_pool(4);
        for (int i = 0; i < 3; i++) {
            usleep(step % 3 == 0 ? 3000 : 200 * (useconds_t)step); // asleep, about to fall asleep, awake
            run_step(p, 4, 50, step);
        }
        pool_close(p);
    }
}

/* Waits until all chunks of the step are being run at once: takes every worker. */
static void meet(void *user, int chunk, int worker) {
    struct tally *t = user;
    int64_t give_up = clock_ns() + 20ll * 1000 * 1000 * 1000;
    (void)chunk;
    t->scratch[worker]++;
    atomic_fetch_add(&t->arrived, 1);
    while (atomic_load(&t->arrived) < t->chunks && clock_ns() < give_up) sched_yield();
    if (atomic_load(&t->arrived) < t->chunks) atomic_fetch_add(&t->strays, 1);
}

static void test_every_worker_takes_part_when_each_is_needed(void **state) {
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        int threads = thread_counts[i];
        if (threads == 1) continue;
        struct pool *p = open_pool(threads);
        for (int step = 0; step < 6; step++) {
            struct tally t = {.threads = threads, .chunks = threads};
            usleep(step % 2 ? 3000 : 0);
            pool_run(p, threads, meet, &t);
            assert_int_equal(t.strays, 0); // 20 s were not enough: somebody sleeps on
            for (int w = 0; w < threads; w++) assert_int_equal(t.scratch[w], 1);
        }
        pool_close(p);
    }
}

/* The results of one step are the next one's input, as in a forward pass. */
struct relay {
    int from[64], to[64];
};

static void pass_on(void *user, int chunk, int worker) {
    struct relay *r = user;
    (void)worker;
    r->to[chunk] = r->from[(chunk + 1) % 64] + r->from[(chunk + 7) % 64];
    if (r->to[chunk] > 1000000) r->to[chunk] %= 9973;
}

static void test_a_step_sees_all_that_the_last_one_wrote(void **state) {
    (void)state;
    struct relay first = {{0}, {0}};
    for (size_t i = 0; i < 4; i++) {
        struct pool *p = open_pool(thread_counts[i]);
        struct relay r = {{0}, {0}};
        for (int k = 0; k < 64; k++) r.from[k] = k * k;
        for (int step = 0; step < 3000; step++) {
            pool_run(p, 64, pass_on, &r);
            memcpy(r.from, r.to, sizeof r.from);
        }
        if (i == 0) first = r;
        assert_memory_equal(r.from, first.from, sizeof r.from);
        pool_close(p);
    }
}

static void test_a_pool_opens_and_closes_again_and_again(void **state) {
    (void)state;
    pool_close(NULL);
    for (int i = 0; i < 150; i++) {
        int threads = thread_counts[i % 4];
        struct pool *p = open_pool(threads);
        if (i % 3 == 0) usleep(300); // some workers have gone to sleep
        for (int step = 0; step < i % 5; step++) run_step(p, threads, 20, step);
        pool_close(p); // some never did anything
    }
}

static void test_two_pools_do_not_mix(void **state) {
    (void)state;
    struct pool *a = open_pool(2), *b = open_pool(3);
    for (int step = 0; step < 500; step++) run_step(step % 2 ? a : b, step % 2 ? 2 : 3, 30, step);
    pool_close(a);
    pool_close(b);
}

static void test_no_memory_for_a_pool_is_an_error(void **state) {
    (void)state;
    for (int nth = 1; nth <= 2; nth++) {
        struct err err = {""};
        struct pool *p = NULL;
        mem_fail_after(nth);
        assert_int_equal(pool_open(&p, 4, &err), -1);
        mem_fail_after(0);
        assert_non_null(strstr(err.text, "cannot allocate"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_chunk_runs_exactly_once),
        cmocka_unit_test(test_sleeping_workers_wake),
        cmocka_unit_test(test_every_worker_takes_part_when_each_is_needed),
        cmocka_unit_test(test_a_step_sees_all_that_the_last_one_wrote),
        cmocka_unit_test(test_a_pool_opens_and_closes_again_and_again),
        cmocka_unit_test(test_two_pools_do_not_mix),
        cmocka_unit_test(test_no_memory_for_a_pool_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
