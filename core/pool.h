/* pool.h - threads that wait for the next piece of a forward pass.
 *
 * A pass is some three hundred short parallel steps, so a step must begin within a microsecond:
 * workers spin for a while before they sleep. A step is cut into chunks that whoever is free
 * claims, the caller included, and nobody waits for a worker that has not claimed one: on a busy
 * machine, where a worker may not be running at all, the others do its share. */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include "core/err.h"

struct pool;

/* threads >= 1 counts the caller. */
int pool_open(struct pool **p, int threads, struct err *err);
void pool_close(struct pool *p);
int pool_threads(const struct pool *p);

/* Calls run(user, chunk, worker) for every chunk 0..chunks-1, in any order, and returns when all
 * are done. worker (0..threads-1) names scratch space: no two calls with one worker overlap. */
void pool_run(struct pool *p, int chunks, void (*run)(void *user, int chunk, int worker), void *user);

#endif
