/* flat_lanes.h - flat.h of four episodes side by side (lanes.h): means by lane, by the same operations. */
#ifndef POLICIES_FLAT_LANES_H
#define POLICIES_FLAT_LANES_H

#include "policies/lanes.h"

struct flat_lanes {
    four t;
    struct four_reward reward;
    struct flat_lane_arm {
        four n, mean;
    } arm[]; // (K)
};

static inline size_t flat_lanes_size(const struct problem *p) { return LANES_SIZE(struct flat_lanes, struct flat_lane_arm, p); }

static inline void flat_lanes_init(void *state, const struct problem *p, const double *param, int lane) {
    struct flat_lanes *s = state;
    (void)param;
    lanes_zero(state, flat_lanes_size(p), lane);
    four_reward_init(&s->reward, p, lane);
}

/* flat_mean of an arm in each lane. */
LANES_INLINE four flat_lanes_mean(const struct flat_lanes *s, int i) { return four_min(s->arm[i].mean * s->reward.scale, four_of(1)); }

/* flat_update of each. */
LANES_INLINE void flat_lanes_update(struct flat_lanes *s, const struct problem *p, bool len, const struct outcome_lanes *o) {
    four raw = four_reward_raw(&s->reward, p, len, o);
    LANES_ARMS(struct flat_lane_arm, arm, s, o);
    four n = LANES_GATHER(arm, n) + 1, mean = LANES_GATHER(arm, mean);
    mean += (raw - mean) / n;
    s->t += 1;
    LANES_SCATTER(arm, n, n);
    LANES_SCATTER(arm, mean, mean);
}

#endif
