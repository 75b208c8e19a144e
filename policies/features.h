/* features.h - the context of a round: what is known before it, as a vector for contextual policies.
 *
 *   z_0  1
 *   z_1  min(tokens emitted so far / 1024, 1)
 *   z_2  ln(prompt tokens) / 10
 *   z_3  moving average of accepted / gamma, memory 7/8 a drafted round, 0.5 at the start
 *   z_4  accepted / gamma of the newest drafted round, 0 before the first
 *   z_5  of the drafter in question: a copier's match / 16, at most 1; else its newest top probability; 0 while unknown
 *   z_6  the target's margin / 16, at most 1
 *   z_7  log2(requests in the pass) / 8
 *
 * All lie in [0, 1] or near it. The list is ours; the scales of z_5 and z_6 are guesses. The averages run on over
 * prompts: a new one resets nothing. What a world does not give reads as 0.
 * Check: position 512, a prompt of 100, nothing played, alone: (1, 0.5, 0.4605, 0.5, 0, 0, 0, 0). */
#ifndef POLICIES_FEATURES_H
#define POLICIES_FEATURES_H

#include <math.h>

#include "policies/policy.h"

enum { FEATURES = 8 };
enum { FEATURES_ASKS = POLICY_PEEK | POLICY_SIGNAL | POLICY_MARGIN }; // flags of a policy that uses them

struct features { // what is remembered of past outcomes
    double average, newest; // of accepted / gamma
    double top[];           // (D) newest top probability
};

static inline size_t features_size(const struct problem *p) { return sizeof(struct features) + (size_t)p->D * sizeof(double); }

static inline void features_init(struct features *f) { f->average = 0.5; }

/* x limited to [0, 1]; 0 for what is no number. */
static inline double features_unit(double x) { return x > 0 ? fmin(x, 1) : 0; }

/* The context for `drafter`, or for plain decoding when it is -1. */
static inline void features_see(const struct features *f, const struct view *v, int drafter, double z[FEATURES]) {
    bool copier = v->peek && drafter >= 0 && v->peek[drafter].proposed >= 0;
    z[0] = 1;
    z[1] = features_unit(v->pos / 1024.0);
    z[2] = v->prompt_tokens > 1 ? log(v->prompt_tokens) / 10 : 0;
    z[3] = f->average;
    z[4] = f->newest;
    z[5] = drafter < 0 ? 0 : copier ? features_unit(v->peek[drafter].match / 16.0) : f->top[drafter];
    z[6] = features_unit((double)v->margin / 16);
    z[7] = v->batch > 1 ? log2(v->batch) / 8 : 0;
}

static inline void features_update(struct features *f, const struct problem *p, const struct outcome *o) {
    int drafter = p->arms[o->arm].drafter;
    if (drafter < 0 || o->gamma < 1) return;
    f->newest = (double)o->accepted / o->gamma;
    f->average += (f->newest - f->average) / 8;
    if (o->signal && o->proposed > 0) f->top[drafter] = features_unit((double)o->signal[2 * (o->proposed - 1)]);
}

#endif
