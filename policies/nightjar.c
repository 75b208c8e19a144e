/* nightjar.c - Nightjar: least latency per token for the batch size at hand, explored in bins.
 *
 * Li et al., "Nightjar: dynamic adaptive speculative decoding for large language models serving", arXiv 2512.22420, Algorithm 1
 * (ADA-BINGREEDY) and eq. (4), after a digest of the paper. For each batch size apart, time runs in blocks j = 1, 2, ... of
 * 2^(j-1) bins of `bin` rounds (the length is ours), each with one arm:
 *   with chance 1/b, b the bins of this block begun so far, any arm; else the least
 *   mean of seconds / emitted + 1{the round before was plain and gamma > 0} switch / gamma   over arms tried, ties to the lowest number
 * Catching up after plain rounds is part of an outcome's seconds here, so the switch term is 0 unless asked for (theirs: a table,
 * 0.018 s to 0.1 s). A block's first bin always explores. Sizes above the most requests at once count as that.
 * Check: one batch size, bin 1: rounds 1, 2 and 4 explore for certain. */
#include "policies/policy.h"

#include <math.h>

#include "policies/whole.h"

enum { BIN, SWITCH };

struct nightjar {
    int context;       // of the latest choice
    int plain;         // the latest round was one of plain decoding
};

struct nightjar_bin {  // (B) batch sizes, behind the struct nightjar
    double bins, begun; // of this block: how many there are, b
    double left;       // rounds left of the bin
    int arm;
};

struct nightjar_arm {  // (B, K), behind those
    double n, mean;    // rounds, seconds per token
};

static int sizes(const struct problem *p) { return p->R > 1 ? p->R : 1; }

static size_t nightjar_size(const struct problem *p) {
    return sizeof(struct nightjar) + (size_t)sizes(p) * (sizeof(struct nightjar_bin) + (size_t)p->K * sizeof(struct nightjar_arm));
}

static struct nightjar_bin *bins_of(struct nightjar *s) { return (struct nightjar_bin *)(s + 1); }

static struct nightjar_arm *arms_of(struct nightjar *s, const struct problem *p, int context) {
    return (struct nightjar_arm *)(bins_of(s) + sizes(p)) + (size_t)context * (size_t)p->K;
}

static int nightjar_check(const struct problem *p, const double *param, struct err *err) {
    (void)p;
    return whole("nightjar", "bin", param[BIN], err);
}

static int least(struct nightjar *s, const struct problem *p, const double *param) { // eq. (4)
    const struct nightjar_arm *arms = arms_of(s, p, s->context);
    double best = INFINITY;
    int arm = 0;
    for (int i = 0; i < p->K; i++) {
        int gamma = p->arms[i].gamma;
        double have = arms[i].mean + (s->plain && gamma ? param[SWITCH] / gamma : 0);
        if (arms[i].n > 0 && have < best) best = have, arm = i;
    }
    return arm;
}

static int nightjar_select(void *state, const struct problem *p, const double *param, const struct view *v, struct rng *rng) {
    struct nightjar *s = state;
    s->context = (v->batch < 1 ? 1 : v->batch < sizes(p) ? v->batch : sizes(p)) - 1;
    struct nightjar_bin *bin = &bins_of(s)[s->context];
    if (bin->left > 0) return bin->arm;
    if (bin->begun == bin->bins) bin->bins = bin->bins ? 2 * bin->bins : 1, bin->begun = 0;
    bin->begun++;
    bin->left = param[BIN];
    return bin->arm = rng_uniform(rng) < 1 / bin->begun ? rng_below(rng, p->K) : least(s, p, param);
}

static void nightjar_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct nightjar *s = state;
    struct nightjar_bin *bin = &bins_of(s)[s->context];
    struct nightjar_arm *arm = &arms_of(s, p, s->context)[o->arm];
    (void)param;
    if (bin->left > 0) bin->left--;
    arm->mean += ((o->draft_s + o->verify_s) / o->emitted - arm->mean) / ++arm->n;
    s->plain = !p->arms[o->arm].gamma;
}

const struct policy policy_nightjar = {
    .name = "nightjar", .setting = "contextual",
    .summary = "least seconds per token for the batch size, explored in bins",
    .cite = "arXiv 2512.22420 (Nightjar), Algorithm 1, eq. (4)",
    .bound = "O( sqrt(T) ) up to logarithms, by batch size",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {
        {"bin", 8, 1, 1e6, NULL, "rounds for which an arm stays"},
        {"switch", 0, 0, 1000, NULL, "seconds that the first draft after plain decoding costs beside its own"},
    },
    .check = nightjar_check,
    .size = nightjar_size, .select_seeing = nightjar_select, .update = nightjar_update,
};
