/* myopic_rate.c - draft one token more while it brings more tokens a second than decoding does on average.
 *
 * Ours, from the renewal-reward theorem: at the rate rho of tokens a second, a second is worth rho tokens. After k drafted tokens,
 * all of them accepted with chance P_k, one more is drafted iff
 *   P_k h_{k+1} > rho c_{k+1}
 *   P_k     product of the drafter's confidences in this draft (policies/confidence.h)
 *   h_k     how often token k was accepted when it was tested, (1 + accepted) / (1 + tested): 1 until it was
 *   c_k     seconds of drafting a k-th token and verifying one row more (policies/cost.h)
 *   rho     emitted tokens over seconds, both multiplied by `keep` a round
 * The token to come has not been looked at, so its own confidence cannot enter; P_k carries what this draft has shown.
 * With k = 0 the rule says whether to draft at all. If not, plain decoding plays where it is among the arms, and one draft is tried
 * after every `probe` such rounds. The longest arm of one drafter plays otherwise; copiers, never asked, draft it whole.
 * Until there are seconds to go by, drafts are full.
 * Check: rho = 50, c = 0.004: a draft goes on while P h > 0.2. */
#include <string.h>

#include "policies/confidence.h"
#include "policies/cost.h"

enum { CALIBRATE, KEEP, PROBE, DRAFTER };

struct myopic_rate { // behind the struct cost
    struct confidence confidence;
    struct speaker speaker;
    double tokens, seconds; // discounted
    double waited;          // rounds since the newest draft
    double kept;            // P_k of the draft in the making
    struct { double tested, accepted; } depth[]; // (L)
};

static size_t myopic_rate_size(const struct problem *p) {
    return cost_size(p) + sizeof(struct myopic_rate) + (size_t)p->L * sizeof(double[2]);
}

static int myopic_rate_check(const struct problem *p, const double *param, struct err *err) {
    if (param[PROBE] != floor(param[PROBE]))
        return err_set(err, "policy 'myopic-rate': 'probe' wants a whole number, got '%g'", param[PROBE]);
    return speaker_check(p, "myopic-rate", param[DRAFTER], err);
}

static void myopic_rate_init(void *state, const struct problem *p, const double *param) {
    struct myopic_rate *s = cost_end(state, p);
    confidence_init(&s->confidence);
    speaker_init(&s->speaker, p, param[DRAFTER]);
}

/* Does the token at `depth` pay, when those before it hold with chance `kept`? */
static bool pays(void *state, const struct problem *p, int depth, double kept) {
    const struct myopic_rate *s = cost_end(state, p);
    const struct cost *c = state;
    if (c->verify.n == 0 || !(s->seconds > 0)) return true;
    double h = (1 + s->depth[depth - 1].accepted) / (1 + s->depth[depth - 1].tested);
    return kept * h > s->tokens / s->seconds * cost_token(c, s->speaker.drafter, depth);
}

static int myopic_rate_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct myopic_rate *s = cost_end(state, p);
    int plain = chain_plain(p);
    (void)rng;
    bool probe = param[PROBE] > 0 && s->waited >= param[PROBE];
    if (plain >= 0 && (s->speaker.drafter < 0 || (!probe && !pays(state, p, 1, 1)))) return plain;
    return chain_arm(p, s->speaker.drafter, p->L);
}

static bool myopic_rate_deepen(void *state, const struct problem *p, const double *param, const struct drafted *x) {
    struct myopic_rate *s = cost_end(state, p);
    if (x->depth == 1) s->kept = 1;
    s->kept *= confidence_of(&s->confidence, param[CALIBRATE], (double)x->top_prob);
    return x->depth < p->L && pays(state, p, x->depth + 1, s->kept);
}

static void myopic_rate_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct myopic_rate *s = cost_end(state, p);
    const struct cost *c = state;
    if (c->rounds > 0) { // the first round is cold
        s->tokens = param[KEEP] * s->tokens + o->emitted;
        s->seconds = param[KEEP] * s->seconds + o->draft_s + o->verify_s;
    }
    cost_update(state, p, o);
    s->waited = o->gamma ? 0 : s->waited + 1;
    for (int k = 0; k < o->proposed && k <= o->accepted; k++) {
        s->depth[k].tested++;
        s->depth[k].accepted += k < o->accepted;
    }
    confidence_learn(&s->confidence, o);
    if (speaker_learn(&s->speaker, p, o)) memset(s->depth, 0, (size_t)p->L * sizeof *s->depth); // another's are not its
}

const struct policy policy_myopic_rate = {
    .name = "myopic-rate", .setting = "stopping",
    .summary = "draft on while one more token pays for its seconds at the current rate",
    .cite = "ours, renewal-reward theorem; thresholds on the product of confidences as in arXiv 2405.19715",
    .flags = POLICY_SIGNAL | POLICY_SECONDS,
    .params = {
        CONFIDENCE_CALIBRATE(CALIBRATE_YES),
        {"keep", 0.99, 0, 1, NULL, "weight of the past in the current rate after one more round"},
        {"probe", 32, 0, 1e9, NULL, "rounds of plain decoding after which a draft is tried; 0: never"},
        CONFIDENCE_DRAFTER,
    },
    .check = myopic_rate_check,
    .size = myopic_rate_size, .init = myopic_rate_init, .select = myopic_rate_select,
    .deepen = myopic_rate_deepen, .update = myopic_rate_update,
};
