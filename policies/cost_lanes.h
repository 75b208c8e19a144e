/* cost_lanes.h - cost.h of four episodes side by side (lanes.h): the same fields by lane, the same operations. */
#ifndef POLICIES_COST_LANES_H
#define POLICIES_COST_LANES_H

#include "policies/cost.h"
#include "policies/lanes.h"

/* Zeroed is new. Behind it: (D + 1) struct cost_lanes_drafter, the last where plain rounds count for nobody, then (K) struct cost_lanes_arm. */
struct cost_lanes {
    four rounds, n, mean_x, mean_y, sxx, sxy, most, slope;
};
struct cost_lanes_drafter {
    four rounds, asked, proposed, timed_asked, draft_s, share, token_s;
};
struct cost_lanes_arm {
    four n, seconds;
};

static inline size_t cost_lanes_size(const struct problem *p) {
    return sizeof(struct cost_lanes) + (size_t)(p->D + 1) * sizeof(struct cost_lanes_drafter) + (size_t)p->K * sizeof(struct cost_lanes_arm);
}
static inline struct cost_lanes_drafter *cost_lanes_drafters(struct cost_lanes *c) { return (struct cost_lanes_drafter *)(c + 1); }
static inline struct cost_lanes_arm *cost_lanes_arms(struct cost_lanes *c, const struct problem *p) {
    return (struct cost_lanes_arm *)(cost_lanes_drafters(c) + p->D + 1);
}
static inline void *cost_lanes_end(struct cost_lanes *c, const struct problem *p) { return cost_lanes_arms(c, p) + p->K; }

LANES_INLINE four cost_lanes_verify(const struct cost_lanes *c, four drafted) {
    four slope = four_choose(c->sxx > 0, c->slope, four_choose(drafted < c->mean_x, c->most, four_of(0)));
    return c->mean_y + slope * (drafted - c->mean_x);
}

/* cost_rate of arm i in each lane. */
LANES_INLINE four cost_lanes_rate(struct cost_lanes *c, const struct problem *p, int i, double doubt, four emitted) {
    const struct arm *arm = &p->arms[i];
    const struct cost_lanes_arm *own = &cost_lanes_arms(c, p)[i];
    four predicted;
    if (arm->gamma == 0) predicted = cost_lanes_verify(c, four_of(0));
    else {
        const struct cost_lanes_drafter *d = &cost_lanes_drafters(c)[arm->drafter];
        four share = four_choose(d->asked > 0, d->share, four_of(1)), gamma = four_of(arm->gamma);
        predicted = cost_lanes_verify(c, gamma * share) + gamma * d->token_s;
    }
    four seconds = four_max((own->seconds + (1 - doubt) * predicted) / (own->n + 1), four_of(1e-12));
    return four_choose(c->n == 0, emitted, emitted / seconds);
}

LANES_INLINE void cost_lanes_update(struct cost_lanes *c, const struct problem *p, const struct outcome_lanes *o) {
    struct cost_lanes_drafter *drafters = cost_lanes_drafters(c), *d[4];
    struct cost_lanes_arm *arms = cost_lanes_arms(c, p), *played[4];
    four gamma, drafts, counts, nodes;
    for (int l = 0; l < 4; l++) {
        const struct arm *arm = &p->arms[o->arm[l]];
        played[l] = &arms[o->arm[l]];
        d[l] = &drafters[arm->gamma ? arm->drafter : p->D];
        gamma[l] = o->gamma[l];
        drafts[l] = arm->gamma;
        counts[l] = o->gamma[l] == arm->gamma || arm->stop.rule;
        nodes[l] = o->nodes[l] > 0 ? o->nodes[l] : o->proposed[l];
    }
    four_mask warm = c->rounds > 0;
    c->rounds += 1;

    four seconds = four_from(o->verify_s), n = c->n + 1, before = nodes - c->mean_x;
    four mean_x = c->mean_x + before / n, mean_y = c->mean_y + (seconds - c->mean_y) / n;
    four sxx = c->sxx + before * (nodes - mean_x), sxy = c->sxy + before * (seconds - mean_y), most = mean_y / (1 + mean_x);
    four slope = four_choose(sxx > 0, four_min(four_max(sxy / four_choose(sxx > 0, sxx, four_of(1)), four_of(0)), most), c->slope);
    c->n = four_choose(warm, n, c->n);
    c->mean_x = four_choose(warm, mean_x, c->mean_x), c->mean_y = four_choose(warm, mean_y, c->mean_y);
    c->sxx = four_choose(warm, sxx, c->sxx), c->sxy = four_choose(warm, sxy, c->sxy);
    c->most = four_choose(warm, most, c->most), c->slope = four_choose(warm, slope, c->slope);

    four rounds = LANES_GATHER(d, rounds), asked = LANES_GATHER(d, asked) + gamma, proposed = LANES_GATHER(d, proposed) + nodes;
    four_mask timed = warm & ((drafts == 0) | (rounds > 0)), whole = timed & (counts > 0);
    four draft_s = four_from(o->draft_s), share = four_choose(asked > 0, proposed / four_choose(asked > 0, asked, four_of(1)), LANES_GATHER(d, share));
    four own_n = LANES_GATHER(played, n), own_s = LANES_GATHER(played, seconds);
    own_n = four_choose(whole, own_n + 1, own_n), own_s = four_choose(whole, own_s + (draft_s + seconds), own_s);
    LANES_SCATTER(played, n, own_n);
    LANES_SCATTER(played, seconds, own_s);
    four timed_asked = LANES_GATHER(d, timed_asked), spent = LANES_GATHER(d, draft_s), token_s = LANES_GATHER(d, token_s);
    timed_asked = four_choose(timed, timed_asked + gamma, timed_asked), spent = four_choose(timed, spent + draft_s, spent);
    token_s = four_choose(timed & (timed_asked > 0), spent / four_choose(timed_asked > 0, timed_asked, four_of(1)), token_s);
    rounds += 1;
    LANES_SCATTER(d, rounds, rounds);
    LANES_SCATTER(d, asked, asked);
    LANES_SCATTER(d, proposed, proposed);
    LANES_SCATTER(d, share, share);
    LANES_SCATTER(d, timed_asked, timed_asked);
    LANES_SCATTER(d, draft_s, spent);
    LANES_SCATTER(d, token_s, token_s);
}

#endif
