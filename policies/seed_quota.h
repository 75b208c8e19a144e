/* seed_quota.h - the plan of the seed's batch rule, and what seed-quota holds inside, for tests. */
#ifndef POLICIES_SEED_QUOTA_H
#define POLICIES_SEED_QUOTA_H

#include "policies/policy.h"

struct seed_quota_plan {
    int gamma;  // drafted tokens of every request
    int chosen; // requests that are preferred
};

/* sail-sg/BanditSpec, ucb_spec_generate_with_batch_mask with gamma = -1; all_quota counts the rows of the pass:
 *   gamma = min(max(all_quota / batch - 1, 0), most)          most = 4 there
 *   chosen = min(max((all_quota - (gamma + 1) batch) / batch, 0), batch)
 * as coded; `repaired` leaves out the second division by batch, so that what is left over is spent: a row a request. */
static inline struct seed_quota_plan seed_quota_plan(int all_quota, int batch, int most, bool repaired) {
    struct seed_quota_plan x = {.gamma = all_quota / batch - 1};
    x.gamma = x.gamma < 0 ? 0 : x.gamma > most ? most : x.gamma;
    x.chosen = (all_quota - (x.gamma + 1) * batch) / (repaired ? 1 : batch);
    x.chosen = x.chosen < 0 ? 0 : x.chosen > batch ? batch : x.chosen;
    return x;
}

/* Of an agent that plays seed-quota. */
double seed_quota_mean(const struct agent *a, int request);
double seed_quota_bonus(const struct agent *a);          // of the newest share, in the modes where one is shared
int seed_quota_ranked(const struct agent *a, int place); // request at this place of the newest ranking, -1 behind the chosen ones

#endif
