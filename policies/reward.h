/* reward.h - one number in [0, 1] for a round, for policies that know nothing of tokens and seconds.
 *
 *   reward=len:  accepted / L
 *   reward=rate: (emitted / seconds) / rate_max,   rate_max = (L + 1) / (least verify seconds of a round so far)
 * No arm can emit more than L + 1 tokens, nor in less time than the cheapest verification, so the
 * rate lies in [0, 1]. rate_max is a function of the outcomes alone: replay with the live timings repeats it. It only
 * ever grows, and by the first round of plain decoding, or of the shortest draft, it is about final.
 * Policies that keep sums keep them raw and apply the scale when they read: a new rate_max then holds for
 * old rounds too. Those that keep estimated losses use the scale of the moment.
 * With `len` a longer draft of the same drafter is never worse, so every consistent policy ends at the
 * largest gamma; that is why `rate` is the default.
 * Check: L=4, 3 emitted in 0.5 s after a least verification of 0.25 s: rate 0.3. */
#ifndef POLICIES_REWARD_H
#define POLICIES_REWARD_H

#include <math.h>

#include "core/elementary.h"
#include "policies/policy.h"

enum { REWARD_RATE, REWARD_LEN };
#define REWARD_PARAM {"reward", REWARD_RATE, 0, 1, "rate|len", "tokens per second over the highest possible, or accepted tokens over L"}

/* Zeroed is new. */
struct reward {
    double least_s; // verify seconds of the cheapest round, 0 before the first
    double scale;   // raw reward times scale lies in [0, 1]
    double most;    // 1 / scale: the largest raw reward
};

/* The raw reward of a round: tokens, or tokens per second. */
static inline double reward_raw(struct reward *r, const struct problem *p, double kind, const struct outcome *o) {
    if (kind == REWARD_LEN) {
        if (r->most != p->L) r->most = p->L, r->scale = 1 / r->most;
        return o->accepted;
    }
    // A clock may report nothing: a nanosecond keeps the rate finite, and is no record for the least.
    bool record = o->verify_s > 1e-9 && (r->least_s == 0 || o->verify_s < r->least_s);
    if (record) r->least_s = o->verify_s;
    if (record || r->scale == 0) {
        r->scale = (r->least_s > 0 ? r->least_s : 1e-9) / (p->L + 1);
        r->most = 1 / r->scale;
    }
    return elementary_min(o->emitted / elementary_max(o->draft_s + o->verify_s, 1e-9), r->most);
}

/* The reward of a round in [0, 1], at the scale of the moment. */
static inline double reward_of(struct reward *r, const struct problem *p, double kind, const struct outcome *o) {
    double raw = reward_raw(r, p, kind, o);
    return elementary_min(raw * r->scale, 1);
}

#endif
