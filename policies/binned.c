/* binned.c - a policy of its own in each bin of one number known before the round.
 *
 * The simplest contextual bandit (Bubeck & Cesa-Bianchi 2012, section 4.1, one instance per context), with bins that
 * double in width, as Li et al., arXiv 2512.22420 (Nightjar), keep one bandit per batch size:
 *   bin = floor( log2( max(x / unit, 1) ) ), at most bins - 1
 *   by=position: tokens emitted so far      by=prompt: prompt tokens      by=batch: requests in the pass
 *   by=accepted: 1 + tokens accepted in the newest drafted round          by=match: 1 + longest match of any copier
 * Each bin holds the state of `inner`, with the defaults of its parameters, and learns the rounds chosen in it.
 * Check: by=position, unit=16: bins begin at 0, 32, 64, 128, ... */
#include "policies/policy.h"

#include <math.h>

enum { INNER, BY, UNIT, BINS };
enum { POSITION, PROMPT, BATCH, ACCEPTED, MATCH };
enum { MOST = 16 }; // bins

extern const struct policy policy_thompson, policy_ts_hazard, policy_kl_ucb_tgd, policy_imed_tgd, policy_ucb1, policy_exp3_ix,
    policy_tsallis_inf;
static const struct policy *const inners[] = {
    &policy_thompson, &policy_ts_hazard, &policy_kl_ucb_tgd, &policy_imed_tgd, &policy_ucb1, &policy_exp3_ix, &policy_tsallis_inf,
};
enum { INNERS = sizeof inners / sizeof *inners };

struct binned {
    double bin;      // of the newest choice
    double accepted; // in the newest drafted round
    double at[];     // (bins) states of the inner policy
};

static size_t inner_size(const struct policy *q, const struct problem *p) { return (q->size(p) + 7) / 8 * 8; }

static size_t binned_size(const struct problem *p) {
    size_t most = 0;
    for (int i = 0; i < INNERS; i++)
        if (inner_size(inners[i], p) > most) most = inner_size(inners[i], p);
    return sizeof(struct binned) + MOST * most;
}

static void defaults(const struct policy *q, double param[POLICY_PARAMS]) {
    for (int i = 0; q->params[i].name; i++) param[i] = q->params[i].value;
}

static void *bin_state(struct binned *s, const struct policy *q, const struct problem *p, double bin) {
    return (char *)s->at + (size_t)bin * inner_size(q, p);
}

static int binned_check(const struct problem *p, const double *param, struct err *err) {
    (void)p;
    if (param[BINS] == floor(param[BINS])) return 0;
    return err_set(err, "policy 'binned': 'bins' wants a whole number, got '%g'", param[BINS]);
}

static void binned_init(void *state, const struct problem *p, const double *param) {
    const struct policy *q = inners[(int)param[INNER]];
    double inner[POLICY_PARAMS];
    defaults(q, inner);
    for (int bin = 0; bin < param[BINS] && q->init; bin++) q->init(bin_state(state, q, p, bin), p, inner);
}

static double seen(const struct binned *s, const struct problem *p, const double *param, const struct view *v) {
    int match = 0;
    switch ((int)param[BY]) {
    case POSITION: return v->pos;
    case PROMPT: return v->prompt_tokens;
    case BATCH: return v->batch;
    case ACCEPTED: return 1 + s->accepted;
    default:
        for (int d = 0; d < p->D && v->peek; d++)
            if (v->peek[d].match > match) match = v->peek[d].match;
        return 1 + match;
    }
}

static int binned_select(void *state, const struct problem *p, const double *param, const struct view *v, struct rng *rng) {
    struct binned *s = state;
    const struct policy *q = inners[(int)param[INNER]];
    double inner[POLICY_PARAMS];
    defaults(q, inner);
    s->bin = fmin(ilogb(fmax(seen(s, p, param, v) / param[UNIT], 1)), param[BINS] - 1);
    return q->select(bin_state(s, q, p, s->bin), p, inner, rng);
}

static void binned_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct binned *s = state;
    const struct policy *q = inners[(int)param[INNER]];
    double inner[POLICY_PARAMS];
    defaults(q, inner);
    q->update(bin_state(s, q, p, s->bin), p, inner, o);
    if (p->arms[o->arm].gamma) s->accepted = o->accepted;
}

const struct policy policy_binned = {
    .name = "binned", .setting = "contextual",
    .summary = "another policy, one of its own for each bin of a context",
    .cite = "Bubeck & Cesa-Bianchi 2012, section 4.1; bins by batch size as in arXiv 2512.22420 (Nightjar)",
    .bound = "sum over the bins of the inner policy's bound for the rounds in them",
    .flags = POLICY_RANDOM | POLICY_SECONDS | POLICY_PEEK,
    .params = {
        {"inner", 0, 0, INNERS - 1, "thompson|ts-hazard|kl-ucb-tgd|imed-tgd|ucb1|exp3-ix|tsallis-inf",
         "what plays in each bin, with its defaults"},
        {"by", ACCEPTED, 0, 4, "position|prompt|batch|accepted|match", "the number that is binned"},
        {"unit", 1, 1e-3, 1e6, NULL, "width of the first bin; bins double from there"},
        {"bins", 4, 1, MOST, NULL, "how many; the last has no end"},
    },
    .check = binned_check,
    .size = binned_size, .init = binned_init, .select_seeing = binned_select, .update = binned_update,
};
