/* own.c - see own.h. */
#include "sim/own.h"

#include "core/clock.h"
#include "core/mem.h"
#include "sim/episode.h"

enum { NOTED = 256, PASSES = 5, ENOUGH_NS = 200000 };

struct notes {
    struct step at[NOTED];
    int n;
};

static int note(void *user, const struct step *s, struct err *err) {
    (void)err;
    struct notes *n = user;
    if (n->n < NOTED) {
        n->at[n->n] = *s;
        n->at[n->n++].outcome.signal = NULL; // the world's, gone by then
    }
    return 0;
}

static double pass(struct agent *a, const struct notes *n, const struct peek *peeks) {
    int64_t start = clock_ns(), spent = 0;
    long rounds = 0;
    volatile int sink = 0;
    while (spent < ENOUGH_NS) {
        agent_reset(a);
        for (int i = 0; i < n->n; i++) {
            struct rng rng = rng_at(1, a->stream, 0, (uint32_t)i);
            const struct view view = {.pos = n->at[i].pos, .max_new = 1 << 20, .batch = 1, .peek = a->policy->flags & (POLICY_PEEK | POLICY_ALL) ? peeks : NULL};
            sink = agent_choose(a, &view, &rng);
            agent_update(a, &n->at[i].outcome);
        }
        rounds += n->n;
        spent = clock_ns() - start;
    }
    (void)sink;
    return (double)spent / (double)rounds;
}

int own_measure(const struct player *x, const struct problem *p, const struct oracle *o, struct world_trace w, double *ns, struct err *err) {
    struct notes *n = mem_alloc(1, sizeof *n, "rounds", err);
    struct peek *peeks = mem_alloc((size_t)(p->D ? p->D : 1), sizeof *peeks, "peeks", err);
    struct agent a = {0};
    struct episode_total sum = {0};
    int q = 0, rc = n && peeks ? 0 : ERR_FAILED;
    *ns = 0;
    if (!rc && x->kind == PLAYER_POLICY) {
        for (int d = 0; d < p->D; d++) peeks[d].proposed = -1;
        for (int i = 1; i < w.trace->Q; i++)
            if (w.trace->sequences[i].tokens > w.trace->sequences[q].tokens) q = i;
        if (!(rc = player_agent(x, p, o, &a, err))) {
            const struct episode_watch watch = {note, n};
            rc = episode_run(&w.world, &a, 1, q, 0, NULL, 0, &watch, &sum, err);
        }
        for (int i = 0; !rc && n->n && i < PASSES; i++) {
            double once = pass(&a, n, peeks);
            if (!i || once < *ns) *ns = once;
        }
        agent_close(&a);
    }
    mem_free(n), mem_free(peeks);
    return rc;
}
