/* history.h - a policy's first 50 decisions against a slow reading of its formula.
 *
 * A reading knows nothing but the rounds so far: in every round it adds up the whole history anew, in its own order, and
 * solves by bisection, so that no state, no running update and no short cut of the policy's can hide. It writes a
 * value for each arm, of which the policy has to play the highest (one of them, where whole tokens make several equal but for
 * rounding); random ones get the same generator. Worlds: gammas of one
 * drafter; four drafters at one gamma; plain decoding with a model drafter and a copier that often finds fewer tokens, where the token
 * budget cuts the last rounds short.
 *
 *     static void ucb1(const struct past *h, const double *c, struct rng *rng, double *v) { ... }
 *     pinned("ucb1:alpha=0.5", ucb1, (double[]){REWARD_RATE, 0.5});                                     */
#ifndef TESTS_HISTORY_H
#define TESTS_HISTORY_H

#include <math.h>
#include <stdio.h>

#include "policies/cost.h"
#include "policies/policy.h"
#include "policies/reward.h"

enum { ROUNDS = 50, LONG = 600, WORLDS = 3, SEEDS = 3, K_MAX = 7 };

struct past {
    const struct problem *p;
    int t;                    // rounds so far
    struct outcome o[LONG];
};

typedef void reading(const struct past *h, const double *c, struct rng *rng, double *v);

/* The rounds before the s-th. */
static inline struct past past_first(const struct past *h, int s) {
    struct past first = *h;
    first.t = s;
    return first;
}

/* Only this arm: a decision that is no index. */
static inline void only(const struct past *h, double *v, int arm) {
    for (int i = 0; i < h->p->K; i++) v[i] = i == arm;
}

static inline int plays(const struct past *h, int i) {
    int n = 0;
    for (int s = 0; s < h->t; s++) n += h->o[s].arm == i;
    return n;
}

/* The first arm never played, -1 when all were. */
static inline int unplayed(const struct past *h) {
    for (int i = 0; i < h->p->K; i++)
        if (plays(h, i) == 0) return i;
    return -1;
}

/* Writes the decision where it is to play an arm never played. */
static inline bool starts(const struct past *h, double *v) {
    int arm = unplayed(h);
    if (arm >= 0) only(h, v, arm);
    return arm >= 0;
}

static inline double seconds_at(const struct past *h, int s) { return h->o[s].verify_s + h->o[s].draft_s; }

/* The s-th round's reward as seen now (policies/reward.h). */
static inline double reward_at(const struct past *h, double kind, int s) {
    if (kind == REWARD_LEN) return (double)h->o[s].accepted / h->p->L;
    double least = INFINITY;
    for (int r = 0; r < h->t; r++) least = fmin(least, h->o[r].verify_s);
    return (h->o[s].emitted / seconds_at(h, s)) / ((h->p->L + 1) / least);
}

static inline double mean_reward(const struct past *h, double kind, int i) {
    double sum = 0;
    for (int s = h->t - 1; s >= 0; s--)
        if (h->o[s].arm == i) sum += reward_at(h, kind, s);
    return sum / plays(h, i);
}

static inline double reward_variance(const struct past *h, double kind, int i) {
    double sum = 0, mean = mean_reward(h, kind, i);
    for (int s = 0; s < h->t; s++)
        if (h->o[s].arm == i) sum += (reward_at(h, kind, s) - mean) * (reward_at(h, kind, s) - mean);
    return sum / plays(h, i);
}

static inline double mean_emitted(const struct past *h, int i) {
    double sum = 0;
    for (int s = 0; s < h->t; s++) sum += h->o[s].arm == i ? h->o[s].emitted : 0;
    return sum / plays(h, i);
}

static inline double mean_seconds(const struct past *h, int i) {
    double sum = 0;
    for (int s = h->t - 1; s >= 0; s--) sum += h->o[s].arm == i ? seconds_at(h, s) : 0;
    return sum / plays(h, i);
}

/* Seconds a round of arm `i` is expected to take: the words of policies/cost.h. */
static inline double expected_seconds(const struct past *h, int i, double doubt) {
    const struct arm *arm = &h->p->arms[i];
    double x = 0, y = 0, xx = 0, xy = 0, seconds = 0, asked = 0, proposed = 0, timed_asked = 0, draft = 0, rounds = 0;
    bool seen = false;
    for (int s = 1; s < h->t; s++) x += h->o[s].proposed / (h->t - 1.0), y += h->o[s].verify_s / (h->t - 1.0);
    for (int s = 1; s < h->t; s++) {
        xx += (h->o[s].proposed - x) * (h->o[s].proposed - x);
        xy += (h->o[s].proposed - x) * (h->o[s].verify_s - y);
    }
    for (int s = 0; s < h->t; s++) {
        const struct outcome *o = &h->o[s];
        bool drafts = h->p->arms[o->arm].gamma > 0, mine = arm->gamma && drafts && h->p->arms[o->arm].drafter == arm->drafter;
        bool timed = s > 0 && (!mine || seen);
        if (mine) {
            seen = true, asked += o->gamma, proposed += o->proposed;
            if (timed) timed_asked += o->gamma, draft += o->draft_s;
        }
        if (o->arm == i && timed && o->gamma == arm->gamma) rounds++, seconds += seconds_at(h, s);
    }
    double width = arm->gamma * (asked > 0 ? proposed / asked : 1), steepest = y / (1 + x);
    double slope = xx > 1e-9 ? fmin(fmax(xy / xx, 0), steepest) : width < x ? steepest : 0;
    double predicted = y + slope * (width - x) + arm->gamma * (timed_asked > 0 ? draft / timed_asked : 0);
    return (seconds + (1 - doubt) * predicted) / (rounds + 1);
}

/* Emitted tokens over those seconds; the tokens themselves before any timing, and with reward=len. */
static inline double over_cost(const struct past *h, double kind, double doubt, int i, double emitted) {
    return kind == VALUE_LEN || h->t < 2 ? emitted : emitted / expected_seconds(h, i, doubt);
}

/* Accepted and rejected tokens of an arm, or of all arms of its drafter. */
static inline void trials_of(const struct past *h, bool pooled, int i, double *accepted, double *rejected) {
    *accepted = *rejected = 0;
    for (int s = 0; s < h->t; s++) {
        const struct outcome *o = &h->o[s];
        const struct arm *a = &h->p->arms[o->arm];
        if (pooled ? !a->gamma || a->drafter != h->p->arms[i].drafter : o->arm != i) continue;
        *accepted += o->accepted;
        if (o->accepted < o->gamma) ++*rejected;
    }
}

/* How often an arm accepted 0..L tokens; its rounds. */
static inline double counts_of(const struct past *h, int i, double *count) {
    double n = 0;
    for (int k = 0; k <= h->p->L; k++) count[k] = 0;
    for (int s = 0; s < h->t; s++)
        if (h->o[s].arm == i) count[h->o[s].accepted]++, n++;
    return n;
}

/* Kaplan & Meier's mean accepted tokens of a drafting arm, depth by depth over all rounds of its drafter (policies/side.h). */
static inline double side_mean_of(const struct past *h, int i, double *n) {
    double reach = 1, mean = 0;
    *n = INFINITY;
    for (int k = 1; k <= h->p->arms[i].gamma && reach > 0; k++) {
        double tested = 0, passed = 0;
        for (int s = 0; s < h->t; s++) {
            const struct outcome *o = &h->o[s];
            if (h->p->arms[o->arm].gamma == 0 || h->p->arms[o->arm].drafter != h->p->arms[i].drafter) continue;
            passed += o->accepted >= k;
            tested += o->accepted >= k || (o->accepted == k - 1 && o->gamma >= k);
        }
        *n = fmin(*n, tested / reach);
        reach *= tested > 0 ? passed / tested : 1;
        mean += reach;
    }
    return mean;
}

/* The graph: consecutive gammas of plain and a drafter, equal gammas of two. */
static inline bool consecutive(const struct problem *p, int i, int j) {
    const struct arm *a = &p->arms[i], *b = &p->arms[j];
    int drafter = a->gamma ? a->drafter : b->drafter, lo = a->gamma < b->gamma ? a->gamma : b->gamma, hi = a->gamma + b->gamma - lo;
    if (a->gamma == b->gamma) return a->gamma > 0 && i != j;
    if ((a->gamma && a->drafter != drafter) || (b->gamma && b->drafter != drafter)) return false;
    for (int k = 0; k < p->K; k++) {
        bool same = p->arms[k].gamma == 0 || p->arms[k].drafter == drafter;
        if (same && p->arms[k].gamma > lo && p->arms[k].gamma < hi) return false;
    }
    return true;
}

/* The arm of highest mean after s rounds, -1 while arms are untried. */
static inline int leader_at(const struct past *h, double kind, int s) {
    struct past then = past_first(h, s);
    int best = 0;
    if (unplayed(&then) >= 0) return -1;
    for (int i = 1; i < h->p->K; i++)
        if (mean_reward(&then, kind, i) > mean_reward(&then, kind, best) + 1e-12) best = i;
    return best;
}

static inline double mu(int gamma, double q) {
    double sum = 0;
    for (int k = 0; k <= gamma; k++) sum += pow(q, k);
    return sum;
}

static inline double coin_kl(double p, double q) {
    double kl = 0;
    if (p > 0) kl += p * (log(p) - log(q));
    if (p < 1) kl += (1 - p) * (log(1 - p) - log(1 - q));
    return fmax(kl, 0);
}

/* The largest q in [p, 1] with kl(p, q) <= d. */
static inline double coin_bound(double p, double d) {
    double lo = p, hi = 1;
    for (int i = 0; i < 100; i++) {
        double q = lo + (hi - lo) / 2;
        if (coin_kl(p, q) <= d) lo = q; else hi = q;
    }
    return lo;
}

static inline struct problem pinned_problem(int world, struct arm *arms) {
    struct problem p = {.arms = arms};
    if (world == 1) {
        for (p.K = 0; p.K < 4; p.K++) arms[p.K] = (struct arm){.drafter = p.K, .gamma = 4};
        p.D = 4, p.L = 4;
        return p;
    }
    arms[p.K++] = (struct arm){.drafter = -1};
    p.D = world == 0 ? 1 : 2, p.L = 8;
    for (int d = 0; d < p.D; d++)
        for (int gamma = world == 0 ? 1 : 2; gamma <= 8; gamma *= 2) arms[p.K++] = (struct arm){.drafter = d, .gamma = gamma};
    return p;
}

static inline struct outcome pinned_outcome(const struct problem *p, int world, int seed, int arm, int t) {
    static const double accept[4] = {0.7, 0.55, 0.8, 0.4};
    const struct arm *a = &p->arms[arm];
    struct rng r = rng_at((uint64_t)(100 * world + seed), 1, (uint32_t)arm, (uint32_t)t);
    struct outcome o = {.arm = arm, .gamma = a->gamma};
    if (world == 2 && t >= ROUNDS - 6 && t < ROUNDS && o.gamma > ROUNDS - t) o.gamma = ROUNDS - t; // the token budget
    o.proposed = o.gamma;
    if (world == 2 && a->drafter == 1 && o.gamma) o.proposed = rng_below(&r, o.gamma + 1); // a copier
    while (o.accepted < o.proposed && rng_uniform(&r) < accept[a->drafter]) o.accepted++;
    o.emitted = o.accepted + 1;
    o.draft_s = 0.003 * o.proposed * (1 + 0.3 * rng_uniform(&r)) * (a->drafter + 2) / 3;
    // A little dearer by width; as dear as token by token; cheaper by width, which a cost model should not believe.
    o.verify_s = (seed == 0 ? 0.03 + 0.001 * o.proposed : seed == 1 ? 0.006 * (1 + o.proposed) : 0.03 - 0.001 * o.proposed) *
                 (1 + 0.3 * rng_uniform(&r));
    return o;
}

static inline void pinned_round(struct agent *a, reading *read, const double *c, struct past *h, int world, int seed, int *ties) {
    struct rng rng = rng_at((uint64_t)seed, a->stream, (uint32_t)world, (uint32_t)h->t), same = rng;
    double v[K_MAX], best = -INFINITY;
    int arm = agent_select(a, &rng), near = 0;
    read(h, c, &same, v);
    for (int i = 0; i < h->p->K; i++) best = fmax(best, v[i]);
    for (int i = 0; i < h->p->K; i++) near += v[i] >= best - 1e-9 * fmax(1, fabs(best));
    if (!(v[arm] >= best - 1e-9 * fmax(1, fabs(best)))) {
        for (int i = 0; i < h->p->K; i++) print_message("  arm %d: %.12g\n", i, v[i]);
        fail_msg("%s, world %d, seed %d: round %d plays arm %d", a->spec, world, seed, h->t, arm);
    }
    *ties += near > 1;
    h->o[h->t] = pinned_outcome(h->p, world, seed, arm, h->t);
    agent_update(a, &h->o[h->t++]);
}

static inline void pinned_for(int rounds, const char *spec, reading *read, const double *c) {
    for (int world = 0; world < WORLDS; world++)
        for (int seed = 0; seed < SEEDS; seed++) {
            struct arm arms[K_MAX];
            struct problem p = pinned_problem(world, arms);
            struct past h = {.p = &p};
            struct agent a;
            struct err err;
            int ties = 0;
            if (agent_open(&a, spec, &p, &err)) fail_msg("%s", err.text);
            while (h.t < rounds) pinned_round(&a, read, c, &h, world, seed, &ties);
            if (ties > 2 * rounds / 5) fail_msg("%s, world %d, seed %d: %d rounds without a single best arm", spec, world, seed, ties);
            agent_close(&a);
        }
}

static inline void pinned(const char *spec, reading *read, const double *c) { pinned_for(ROUNDS, spec, read, c); }

#endif
