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
    int R;                  // requests that may be decoded at once; 0 or 1: one
};

/* What a copier found before the round, for policies that ask (POLICY_PEEK). */
struct peek {
    int proposed; // tokens it would draft, up to L and the token budget; -1: not a copier, so not asked
    int match;    // tokens of the history that its match has in common with the newest ones, 0 for none
};

/* What is known before a round: a function of the sequence's text and of past rounds, so the same live and in replay. */
struct view {
    int pos;           // tokens emitted so far
    int prompt_tokens;
    int max_new;       // token budget of the sequence
    int batch;         // requests decoded in the same pass, at least 1
    float margin;      // the target's largest logit less the second at the newest token (POLICY_MARGIN, else 0)
    const struct peek *peek; // (D) for POLICY_PEEK, else null
};

/* One drafted token, as `deepen` sees it. */
struct drafted {
    int arm;
    int depth;        // tokens drafted so far, this one included: 1..
    float top_prob;   // the drafter's largest probability where it drew this token
    float entropy;    // of that distribution, in nats
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
    int request;     // of a batch, 0..R-1
    const float *signal; // (proposed, 2) top probability and entropy by depth (POLICY_SIGNAL); null for copiers, trees and plain
};

/* What the drafters that were asked before a round would have been worth with L tokens (POLICY_ALL: all of them, POLICY_PEEK: copiers). */
struct hindsight {
    int pos;             // where the round began
    const int *proposed; // (D) 0..L, -1: was not asked
    const int *accepted; // (D) 0..proposed, -1
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
    // What it asks the world for; each is charged as what it costs.
    POLICY_PEEK = 4,    // copiers draft before the choice: view.peek
    POLICY_ALL = 8,     // every drafter drafts L tokens in every round: `learn_all` (trees cannot)
    POLICY_SIGNAL = 16, // confidences of drafted tokens: outcome.signal, `deepen`
    POLICY_MARGIN = 32, // view.margin
    POLICY_BATCH = 64,  // shares a verification quota over the requests of a batch: `share`
    // Of itself:
    POLICY_CARRIES = 128, // is made to carry on from sequence to sequence, and does where nobody says otherwise
};

/* Four episodes of a policy side by side (lanes.h), each as the policy's own methods play it, bit for bit: for simulators. Lanes are numbered
 * 0..3; a method plays n fours, one after the other. */
enum { POLICY_LANES = 4 };
struct outcome_lanes { // struct outcome of each
    int arm[POLICY_LANES], gamma[POLICY_LANES], proposed[POLICY_LANES], accepted[POLICY_LANES], emitted[POLICY_LANES], nodes[POLICY_LANES];
    double draft_s[POLICY_LANES], verify_s[POLICY_LANES];
};
struct policy_four {
    void *state;            // size bytes, aligned to 64
    struct rng_four rng;    // at the start of each one's round
    struct outcome_lanes o; // `select` fills in the arms
};
struct policy_lanes {
    size_t (*size)(const struct problem *p); // a multiple of 64
    void (*init)(void *state, const struct problem *p, const double *param, int lane); // that lane as new
    void (*select)(struct policy_four *const *at, int n, const struct problem *p, const double *param);
    /* All lanes; one whose episode has ended, or that has none, learns what nobody will ask it and is then made new. */
    void (*update)(struct policy_four *const *at, int n, const struct problem *p, const double *param);
    const struct policy_lanes *plain; // the same for any processor: what tests hold this to. Null: this is it
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
    int (*select_seeing)(void *state, const struct problem *p, const double *param, const struct view *v, struct rng *rng); // in its place
    /* After each drafted token of a model drafter: one more? Null: up to the arm's gamma. */
    bool (*deepen)(void *state, const struct problem *p, const double *param, const struct drafted *x);
    /* POLICY_ALL and POLICY_PEEK: in order of positions, once the text L tokens on is known; what the end of a sequence leaves open is dropped. */
    void (*learn_all)(void *state, const struct problem *p, const double *param, const struct hindsight *h);
    /* POLICY_BATCH: an arm for each of n requests (request[i] in 0..R-1, views by i) whose gammas add up to at most `quota`. */
    void (*share)(void *state, const struct problem *p, const double *param, const struct view *v, const int *request, int n, int quota,
                  struct rng *rng, int *arm);
    void (*update)(void *state, const struct problem *p, const double *param, const struct outcome *o); // null: learns nothing
    /* For tests and plots: the (K) probabilities that the latest choice was drawn from, uniform before the first. Null: has none. */
    const double *(*probabilities)(const void *state, const struct problem *p);
    const struct policy_lanes *lanes; // null: episodes are played one by one
};

#ifndef BANDITSPEC_PLUGIN // what follows is the program's side, which a plug-in (plugin.h) does not see

/* The table of list.h, null-terminated. */
extern const struct policy *const policies[];

/* The i-th of all: list.h, then what policy_add brought; null past the end. */
const struct policy *policy_at(int i);

const struct policy *policy_find(const char *name);
const struct policy *policy_nearest(const char *name); // what a mistyped name may have meant, or null
bool policy_resembles(const char *name, const char *meant); // a slip or two away, or its beginning

/* One more policy for --policy, which must stay where it is: a plug-in's. `from` names its file in messages. A table
 * that does not hold together and a name that is taken are refused. */
enum { POLICY_ADDED = 64 }; // at most
int policy_add(const struct policy *p, const char *from, struct err *err);

/* Loads plug-ins (n paths, never names to search for) for the rest of the process and adds their policies; a file given
 * twice counts once. In plugin.c, which is no part of the library. */
int plugins_load(const char *const *paths, int n, struct err *err);

/* A policy with its parameters and state, bound to one problem. */
struct agent {
    const struct policy *policy;
    struct problem problem;
    double param[POLICY_PARAMS];
    char spec[256];   // canonical text: name, then the parameters that differ from their defaults (an arm always, by name)
    uint32_t stream;  // rng_stream(spec)
    size_t size;
    void *state;      // owned
    void *warm;       // (size) what a reset returns to (state_load); null: as new. Owned
};

/* From "name:key=value,key=value". `p` and its arms must outlive the agent. Unknown names,
 * keys and values out of range fail with one line in `err` that lists what is known. */
int agent_open(struct agent *a, const char *spec, const struct problem *p, struct err *err);
void agent_close(struct agent *a);
void agent_reset(struct agent *a); // as new, or as loaded: a fresh prompt under --scope prompt

static inline int agent_choose(struct agent *a, const struct view *v, struct rng *rng) {
    return a->policy->select_seeing ? a->policy->select_seeing(a->state, &a->problem, a->param, v, rng)
                                    : a->policy->select(a->state, &a->problem, a->param, rng);
}
/* The same with nothing to see: the first round of a sequence without a prompt. */
static inline int agent_select(struct agent *a, struct rng *rng) {
    const struct view nothing = {.pos = 1, .batch = 1};
    return agent_choose(a, &nothing, rng);
}
static inline bool agent_deepen(struct agent *a, const struct drafted *x) {
    return !a->policy->deepen || a->policy->deepen(a->state, &a->problem, a->param, x);
}
static inline void agent_update(struct agent *a, const struct outcome *o) {
    if (a->policy->update) a->policy->update(a->state, &a->problem, a->param, o);
}

/* Expands {a,b,c} grids of a spec: "ucbspec:delta={0.1,0.5}" gives two specs. Each is a
 * mem_text the caller frees; returns how many were written to out (at most max), or a negative
 * error with nothing left to free. The first brace varies slowest. */
int policy_grid(const char *spec, char **out, int max, struct err *err);

#endif // BANDITSPEC_PLUGIN
#endif
