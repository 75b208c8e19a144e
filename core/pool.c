/* pool.c - see pool.h.
 *
 * `ticket` holds the step's number in its high half and the chunks left in its low half, so that
 * one compare-and-swap claims a chunk of exactly the step it was read from. A claimed chunk keeps
 * its step alive (`pending`), so `run` and `user` are stable from claim to completion. */
#include "core/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/mem.h"

enum { SPINS = 20000, PATIENCE = 2000 }; // about 50 us before a worker sleeps; 5 us before a waiting caller yields

struct worker {
    struct pool *pool;
    pthread_t thread;
    int id;
};

struct pool {
    _Alignas(64) _Atomic uint64_t ticket;
    _Alignas(64) atomic_int pending;
    _Alignas(64) void (*run)(void *user, int chunk, int worker);
    void *user;
    atomic_int sleepers;
    atomic_bool closing;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    int threads, started;
    struct worker *workers; // (threads - 1), owned
};

static inline void relax(void) {
#if defined __x86_64__
    __builtin_ia32_pause();
#endif
}

/* Claims and runs chunks until none are left. */
static void work(struct pool *p, int id) {
    uint64_t t = atomic_load_explicit(&p->ticket, memory_order_acquire);
    while (t & UINT32_MAX) {
        if (!atomic_compare_exchange_weak_explicit(&p->ticket, &t, t - 1, memory_order_acq_rel, memory_order_acquire)) continue;
        p->run(p->user, (int)(t & UINT32_MAX) - 1, id);
        atomic_fetch_sub_explicit(&p->pending, 1, memory_order_acq_rel);
        t = atomic_load_explicit(&p->ticket, memory_order_acquire);
    }
}

static bool idle(struct pool *p) { return !(atomic_load(&p->ticket) & UINT32_MAX) && !atomic_load(&p->closing); }

static void *worker_main(void *argument) {
    struct worker *w = argument;
    struct pool *p = w->pool;
    while (!atomic_load_explicit(&p->closing, memory_order_relaxed)) {
        int spins = 0;
        while (spins < SPINS && idle(p)) spins++, relax();
        if (spins == SPINS) {
            pthread_mutex_lock(&p->lock);
            atomic_fetch_add(&p->sleepers, 1); // before the last look: pool_run looks at it after publishing
            while (idle(p)) pthread_cond_wait(&p->wake, &p->lock);
            atomic_fetch_sub(&p->sleepers, 1);
            pthread_mutex_unlock(&p->lock);
        }
        work(p, w->id);
    }
    return NULL;
}

int pool_open(struct pool **out, int threads, struct err *err) {
    struct pool *p = mem_alloc(1, sizeof *p, "the thread pool", err);
    if (!p) return -1;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    p->threads = threads;
    if (!(p->workers = mem_alloc((size_t)threads, sizeof *p->workers, "threads", err))) goto fail;
    for (int i = 0; i < threads - 1; i++) {
        p->workers[i] = (struct worker){.pool = p, .id = i + 1};
        if (pthread_create(&p->workers[i].thread, NULL, worker_main, &p->workers[i])) {
            err_set(err, "cannot start thread %d of %d (a smaller --threads needs fewer)", i + 2, threads);
            goto fail;
        }
        p->started++;
    }
    *out = p;
    return 0;
fail:
    pool_close(p);
    return -1;
}

void pool_close(struct pool *p) {
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->closing, true);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->started; i++) pthread_join(p->workers[i].thread, NULL);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    mem_free(p->workers);
    mem_free(p);
}

int pool_threads(const struct pool *p) { return p->threads; }

void pool_run(struct pool *p, int chunks, void (*run)(void *user, int chunk, int worker), void *user) {
    if (p->threads == 1 || chunks <= 1) {
        for (int i = 0; i < chunks; i++) run(user, i, 0);
        return;
    }
    p->run = run, p->user = user;
    atomic_store_explicit(&p->pending, chunks, memory_order_relaxed);
    uint64_t step = (atomic_load_explicit(&p->ticket, memory_order_relaxed) >> 32) + 1;
    atomic_store(&p->ticket, step << 32 | (uint32_t)chunks);
    if (atomic_load(&p->sleepers)) {
        pthread_mutex_lock(&p->lock);
        pthread_cond_broadcast(&p->wake);
        pthread_mutex_unlock(&p->lock);
    }
    work(p, 0);
    for (int spins = 0; atomic_load_explicit(&p->pending, memory_order_acquire); spins++) {
        relax();
        if (spins > PATIENCE) sched_yield(); // a worker in the middle of a chunk has lost its core
    }
}
