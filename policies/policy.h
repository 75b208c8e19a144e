/* policy.h - what a policy is: one algorithm, one file, one const table.
 *
 * A policy chooses an arm (how to speculate) before every round and learns from what
 * the round brought. It sees the problem, its parameters, a generator and outcomes: no
 * clock, file, model or global, so live decoding and replay run the same code and
 * reach the same arms. Its state is one flat block without pointers: copied, saved and
 * reset with memcpy. `select` and `update` neither allocate nor fail.
 *
 * Adding one: a file policies/NAME.c that ends in `const struct policy policy_NAME`,
 * and the line POLICY(NAME) in policies/list.h. */
#ifndef POLICIES_POLICY_H
#define POLICIES_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/rng.h"
#include "policies/arms.h"

/* What a policy knows before the first round. Borrowed and constant for the run. */
struct problem {
    int K;                  // arms
    int D;                  // drafters
    int L;                  // largest gamma over all arms, at least 1
    const struct arm *arms; // (K)
};

/* One finished round, as the policy learns it. The round that ends a sequence is not
 * fed back. Side observations come free, since drafters are prefix-closed:
 * every gamma <= proposed of this drafter would have accepted min(gamma, accepted), and
 * every longer one exactly `accepted` when outcome_exact() holds. */
struct outcome {
    int arm;
    int gamma;       // what was asked for: min(arm's gamma, token budget left - 1)
    int proposed;    // drafted tokens, 0..gamma (fewer when the drafter found fewer)
    int accepted;    // A, 0..proposed
    int emitted;     // accepted + 1, the bonus token included
    double draft_s;  // seconds of drafting, catch-up included
    double verify_s; // seconds of the target's forward pass
    int nodes;       // tokens it verified beside the newest: a tree's nodes; 0: as many as proposed
};

static inline int outcome_nodes(const struct outcome *o) { return o->nodes > 0 ? o->nodes : o->proposed; }

/* True when the accepted length is A itself, not A cut off at gamma. */
static inline bool outcome_exact(const struct outcome *o) {
    return o->accepted < o->proposed || o->proposed < o->gamma;
}

struct param {
    const char *name; // null ends a table
    double value;     // default
    double lo, hi;    // allowed range, inclusive
    const char *words; // "shared|arm": the value is a word and stands for its index; "arm": an arm's name or number
    const char *meaning;
};

enum { POLICY_PARAMS = 8 }; // at most this many parameters

enum policy_flags {
    POLICY_RANDOM = 1,  // draws from the generator: seeds differ
    POLICY_SECONDS = 2, // learns from draft_s or verify_s: replay is exact only with the live run's timings
};

struct policy {
    const char *name;    // "ucbspec"
    const char *setting; // "baseline", "stochastic", "adversarial", ...: groups the listing
    const char *summary; // one line
    const char *cite;    // paper, algorithm, equations
    const char *bound;   // regret bound in words, or null
    unsigned flags;      // what holds for some values of the parameters holds for the policy
    struct param params[POLICY_PARAMS + 1];

    int (*check)(const struct problem *p, const double *param, struct err *err);    // can it play this problem? null: always
    size_t (*size)(const struct problem *p);                                        // bytes of state; null: none
    void (*init)(void *state, const struct problem *p, const double *param);        // state arrives zeroed; null: nothing to do
    int (*select)(void *state, const struct problem *p, const double *param, struct rng *rng); // 0..K-1
    void (*update)(void *state, const struct problem *p, const double *param, const struct outcome *o); // null: learns nothing
};

/* The table of list.h, null-terminated. */
extern const struct policy *const policies[];

const struct policy *policy_find(const char *name);

/* A policy with its parameters and state, bound to one problem. */
struct agent {
    const struct policy *policy;
    struct problem problem;
    double param[POLICY_PARAMS];
    char spec[256];   // canonical text: name, then the parameters that differ from their defaults (an arm always, by name)
    uint32_t stream;  // rng_stream(spec)
    size_t size;
    void *state;      // owned
};

/* From "name:key=value,key=value". `p` and its arms must outlive the agent. Unknown names,
 * keys and values out of range fail with one line in `err` that lists what is known. */
int agent_open(struct agent *a, const char *spec, const struct problem *p, struct err *err);
void agent_close(struct agent *a);
void agent_reset(struct agent *a); // as new: a fresh prompt under --scope prompt

static inline int agent_select(struct agent *a, struct rng *rng) {
    return a->policy->select(a->state, &a->problem, a->param, rng);
}
static inline void agent_update(struct agent *a, const struct outcome *o) {
    if (a->policy->update) a->policy->update(a->state, &a->problem, a->param, o);
}

/* Expands {a,b,c} grids of a spec: "ucbspec:delta={0.1,0.5}" gives two specs. Each is a
 * mem_text the caller frees; returns how many were written to out (at most max), or a negative
 * error with nothing left to free. The first brace varies slowest. */
int policy_grid(const char *spec, char **out, int max, struct err *err);

#endif
