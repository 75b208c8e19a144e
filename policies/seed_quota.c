/* seed_quota.c - the rule of the first public implementation of BanditSpec for a batch under a quota, and its repair.
 *
 * sail-sg/BanditSpec, generate_utils.py, ucb_spec_generate_with_batch_mask (commit 4e6dd86). The plan (policies/seed_quota.h) gives gamma
 * and how many requests are chosen: those of highest score, ties to the lowest place in the batch. In the t-th round, with n_i
 * rounds in which request i was chosen and m_i its mean of emitted tokens in them,
 *   mode=seed:     m_i + sqrt( 6 ln t / sum n ) in single precision, one bonus for all. Every request drafts gamma: as coded,
 *                  the mask is full before the choice. Whenever one is not chosen, the first of the batch learns too: its mean, not
 *                  its count.
 *   mode=intended: the same score in double precision; who is not chosen drafts one token less.
 *   mode=per_request_bonus: m_i + sqrt( 6 ln t / n_i ), infinite before the first; otherwise as intended.
 *   mode=repaired: (ours) that score on accepted tokens, and the quota is spent: every request drafts gamma and the chosen ones, as many as
 *                  tokens are left, one more. A super-arm of CUCB (Chen, Wang, Yuan 2013) whose base arms are requests.
 * The shared bonus is 0 before the first call, where the seed divides by zero. With it requests never chosen keep mean 0 and chosen
 * ones have 1 or more: the first choice stands for ever.
 * In the modes of the seed all_quota = quota + requests. A single request drafts min(L, most).
 * Check: 156 rows, 12 requests: gamma 4, 8 chosen, in round 1 the first eight. */
#include "policies/seed_quota.h"

#include <math.h>

#include "policies/chain.h"

enum { MODE, MOST, DRAFTER };
enum { REPAIRED, SEED, INTENDED, PER_REQUEST_BONUS };

struct seed_quota {
    double t;         // rounds that were learned from
    double calls;     // sum of n
    double bonus;     // of the newest share, where one is shared
    bool open;        // nothing was learned of it yet
    int drafter, first, places; // first of the batch, and how many were chosen
    struct seed_quota_request {
        double n, mean, score;
        int pos, ranked;  // ranked: by place, the request chosen
        bool chosen, passed;
    } of[];           // (R)
};

static int requests(const struct problem *p) { return p->R > 1 ? p->R : 1; }

static size_t seed_quota_size(const struct problem *p) {
    return sizeof(struct seed_quota) + (size_t)requests(p) * sizeof(struct seed_quota_request);
}

static int seed_quota_check(const struct problem *p, const double *param, struct err *err) {
    if (param[MOST] != floor(param[MOST])) return err_set(err, "policy 'seed-quota': 'most' wants a whole number, got '%g'", param[MOST]);
    if (p->R > 1 && chain_plain(p) < 0)
        return err_set(err, "policy 'seed-quota' wants the arm 'plain': a quota may leave a request nothing to draft");
    return chain_check(p, "seed-quota", param[DRAFTER], err);
}

static void seed_quota_init(void *state, const struct problem *p, const double *param) {
    struct seed_quota *s = state;
    s->drafter = chain_drafter(p, (int)param[DRAFTER]);
}

/* Another sequence in the place of an old one starts anew. */
static void meet(struct seed_quota *s, int request, int pos) {
    struct seed_quota_request *x = &s->of[request];
    if (pos < x->pos) {
        s->calls -= x->n;
        x->n = x->mean = 0;
    }
    x->pos = pos;
}

static double score(const struct seed_quota *s, const struct seed_quota_request *x, double mode) {
    if (mode == SEED) return (float)x->mean + (float)s->bonus;
    if (mode == INTENDED) return x->mean + s->bonus;
    return x->n > 0 ? x->mean + sqrt(6 * log(s->t + 1) / x->n) : INFINITY;
}

/* As tensors of single precision round it: 6 ln t, the quotient, then the root. */
static double shared_bonus(const struct seed_quota *s, double mode) {
    double log_t = log(s->t + 1);
    if (!(s->calls > 0)) return 0; // as coded 0/0 or 1/0: the same for all, so they tie
    return mode == SEED ? sqrt((double)((float)(6 * log_t) / (float)s->calls)) : sqrt(6 * log_t / s->calls);
}

static void rank(struct seed_quota *s, const int *request, int n) {
    for (int place = 0; place < s->places; place++) {
        int best = -1;
        for (int i = 0; i < n; i++) {
            const struct seed_quota_request *x = &s->of[request[i]];
            if (!x->chosen && (best < 0 || x->score > s->of[request[best]].score)) best = i;
        }
        s->of[request[best]].chosen = true;
        s->of[place].ranked = request[best];
    }
}

static void seed_quota_share(void *state, const struct problem *p, const double *param, const struct view *v, const int *request, int n,
                             int quota, struct rng *rng, int *arm) {
    struct seed_quota *s = state;
    double mode = param[MODE];
    int most = (int)param[MOST] < p->L ? (int)param[MOST] : p->L;
    struct seed_quota_plan plan = seed_quota_plan(quota + n, n, most, mode == REPAIRED);
    (void)rng;
    for (int i = 0; i < n; i++) meet(s, request[i], v[i].pos);
    s->bonus = shared_bonus(s, mode);
    for (int i = 0; i < n; i++) {
        struct seed_quota_request *x = &s->of[request[i]];
        x->score = score(s, x, mode);
        x->chosen = false;
    }
    s->places = plan.chosen;
    rank(s, request, n);
    s->first = request[0];
    s->open = true;
    for (int i = 0; i < n; i++) {
        struct seed_quota_request *x = &s->of[request[i]];
        bool less = !x->chosen && (mode == INTENDED || mode == PER_REQUEST_BONUS), more = x->chosen && mode == REPAIRED;
        x->passed = request[i] == s->first && s->places < n && mode == SEED;
        arm[i] = chain_arm(p, s->drafter, plan.gamma - (less && plan.gamma) + (more && plan.gamma < most));
    }
}

static int seed_quota_select(void *state, const struct problem *p, const double *param, const struct view *v, struct rng *rng) {
    int arm, request = 0;
    seed_quota_share(state, p, param, v, &request, 1, p->L, rng, &arm);
    return arm;
}

static void seed_quota_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct seed_quota *s = state;
    struct seed_quota_request *x = &s->of[o->request];
    double reward = param[MODE] == REPAIRED ? o->accepted : o->emitted;
    (void)p;
    s->t += s->open;
    s->open = false;
    if (!x->chosen && !x->passed) return;
    if (param[MODE] == SEED) x->mean = ((float)x->mean * (float)x->n + (float)reward) / ((float)x->n + 1);
    else x->mean = (x->mean * x->n + reward) / (x->n + 1);
    x->n += x->chosen;
    s->calls += x->chosen;
}

double seed_quota_mean(const struct agent *a, int request) { return ((const struct seed_quota *)a->state)->of[request].mean; }

double seed_quota_bonus(const struct agent *a) { return ((const struct seed_quota *)a->state)->bonus; }

int seed_quota_ranked(const struct agent *a, int place) {
    const struct seed_quota *s = a->state;
    return place < s->places ? s->of[place].ranked : -1;
}

const struct policy policy_seed_quota = {
    .name = "seed-quota", .setting = "combinatorial",
    .summary = "the first public implementation's rule for a quota over a batch, and its repair",
    .cite = "sail-sg/BanditSpec generate_utils.py ucb_spec_generate_with_batch_mask (4e6dd86)",
    .bound = "none in the modes seed and intended: greedy after round 1",
    .flags = POLICY_BATCH,
    .params = {
        {"mode", REPAIRED, 0, 3, "repaired|seed|intended|per_request_bonus", "whose rule: ours, as coded, or as its code reads"},
        {"most", 4, 1, ARM_GAMMA_MAX, NULL, "longest draft; 4 as coded"},
        CHAIN_DRAFTER,
    },
    .check = seed_quota_check,
    .size = seed_quota_size, .init = seed_quota_init, .select_seeing = seed_quota_select,
    .share = seed_quota_share, .update = seed_quota_update,
};
