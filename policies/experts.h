/* experts.h - full information: what every arm would have been worth at each round's beginning, for Hedge and its kin.
 *
 * Liu et al., "Not-a-Bandit: Provably No-Regret Drafter Selection in Speculative Decoding", arXiv 2510.20064 (HedgeSpec).
 * When the target's text is known L tokens past a round's beginning, every drafter's draft there can be judged. Drafters
 * draft deterministically given the text, so the estimate of Theorem 3 (policies/chain.h) is exact: est = min(A, gamma) + 1.
 * One loss vector a round, fed in order and with delay; what is not fed is not known (policy.h: learn_all).
 *   reward=len:  loss = 1 - est / (L + 1)
 *   reward=rate: loss = 1 - min( (est / seconds) / rate_max, 1 )       (policies/reward.h)
 * Every drafter drafts in every round whatever is played, so seconds = mean draft seconds of a round so far + the
 * line of verification at this width (policies/cost.h); an arm's own losses then weigh only how wide it verifies.
 * Experts are all arms (over=arm), or the longest chain of each drafter (over=drafter, as in the paper). Arms whose length a
 * stopping rule decides are none, unless there are no others: their drafts are not in the hindsight.
 * Flat state: struct cost, struct experts, then (4, K): arm of each expert, its newest loss, its sum, its weight.
 * Check: L=4, A=2, gamma=4, reward=len: loss 0.4. */
#ifndef POLICIES_EXPERTS_H
#define POLICIES_EXPERTS_H

#include "policies/chain.h"
#include "policies/cost.h"
#include "policies/reward.h"

enum { OVER_ARM, OVER_DRAFTER };
enum { PLAY_SAMPLE, PLAY_GREEDY };
#define EXPERTS_OVER {"over", OVER_ARM, 0, 1, "arm|drafter", "experts: every arm, or every drafter at its longest"}
#define EXPERTS_PLAY {"play", PLAY_SAMPLE, 0, 1, "sample|greedy", "an expert drawn by weight, or the heaviest"}
enum { EXPERTS_FLAGS = POLICY_RANDOM | POLICY_SECONDS | POLICY_ALL };

struct experts {
    double N;             // experts
    double n;             // losses learned
    double rounds, draft_s; // timed rounds and their draft seconds
    struct reward reward;
    double each[];        // (4, K)
};

static inline struct experts *experts_of(void *state, const struct problem *p) { return cost_end(state, p); }
static inline double *experts_loss(struct experts *s, const struct problem *p) { return s->each + p->K; }
static inline double *experts_sum(struct experts *s, const struct problem *p) { return s->each + 2 * p->K; }
static inline double *experts_weight(struct experts *s, const struct problem *p) { return s->each + 3 * p->K; }

size_t experts_size(const struct problem *p);
void experts_init(void *state, const struct problem *p, double over); // equal weights

/* Fills experts_loss from hindsight and counts it. */
void experts_see(void *state, const struct problem *p, double reward, const struct hindsight *h);

/* The arm of an expert drawn by weight, or of the heaviest, ties to the lowest number. */
int experts_play(void *state, const struct problem *p, double play, struct rng *rng);

void experts_update(void *state, const struct problem *p, const struct outcome *o); // seconds only

#endif
