/* lanes.h - many episodes of one policy, several abreast: what episode_run() plays one after the other, to the bit.
 *
 * Of a policy that can (policies/lanes.h). Each lane plays an episode of its own, from a new state, and takes the next task when it
 * has ended; what a policy decides and learns goes four lanes at a time, rounds of the world lane by lane. */
#ifndef SIM_LANES_H
#define SIM_LANES_H

#include "sim/episode.h"

enum { LANES_ABREAST = 16 };

/* One episode: sequence q of the world, with the randomness of (seed, ordinal). */
struct lanes_task {
    uint64_t seed;
    uint32_t ordinal;
    int q;
};

/* Whether an agent's episodes may be played so: each from a new state, and by a policy that sees nothing but outcomes. */
static inline bool lanes_can(const struct agent *a) {
    const struct policy *p = a->policy;
    return p->lanes && !a->warm && !(p->flags & WORLD_ASKS) && !p->select_seeing && !p->deepen;
}

/* Plays n tasks; totals (n) are each one's own. `worlds` are LANES_ABREAST independent worlds alike. The watch sees each episode's rounds
 * in their order and those of several mixed: steps say of which sequence they are. */
int lanes_run(struct world *const *worlds, struct agent *a, const struct lanes_task *tasks, int n, const struct episode_watch *watch,
              struct episode_total *totals, struct err *err);

#endif
