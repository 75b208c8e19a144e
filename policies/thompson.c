/* thompson.c - Thompson sampling on the acceptance rate of each drafter.
 *
 * Thompson 1933; the accepted lengths of arXiv 2505.15141, eq. (10) (policies/tgd.h), for
 * which the Beta distribution is conjugate: a draft is a run of Bernoulli trials, so a round
 * with A accepted is A successes and, when A < gamma, one failure. Every gamma of a drafter
 * informs all the others. Each round draws theta_d ~ Beta(a + successes, b + failures), once
 * per drafter in index order, and plays the arm of highest value, ties to the lowest number:
 *   value=len:  mu_gamma(theta_d) = 1 + theta_d + ... + theta_d^gamma    eq. (130)
 *   value=rate: mu_gamma(theta_d) / cost, tokens per second
 *
 * The cost of an arm is its mean seconds a round, where one imagined round of
 *   (1 - doubt) (verify(width) + draft)
 * counts besides those played. So an arm never played still has a cost, a little optimistic,
 * and no arm is played only because it never was. The prediction knows:
 *   verify: the least-squares line of verify seconds over drafted tokens, over all rounds of all arms. Its
 *           slope stays between 0 and proportional to 1 + tokens: a wider pass is never cheaper, nor
 *           dearer than token by token. One width seen: the optimistic end, proportional
 *           for narrower and flat for wider, so that the second width tells the slope.
 *   draft:  the drafter's mean seconds per token asked for (free until it was timed),
 *           and its mean drafted share of what was asked, which scales the width.
 * Not timed are the first round (cold caches) and the first round of each drafter, which has to catch
 * up on the prompt: one slow start would weigh for a whole answer. Before any timing all costs are equal. */
#include <math.h>

#include "policies/policy.h"
#include "policies/tgd.h"

enum { A, B, VALUE, DOUBT };
enum { RATE, LEN };

struct thompson_drafter {
    double successes, failures;
    double rounds, asked, proposed;  // sums
    double timed_asked, draft_s;     // the same over timed rounds
    double theta;                    // of the latest choice
};

struct thompson_arm {
    double n, seconds; // timed rounds and their sum, those cut short by the token budget left out
};

struct thompson {
    double rounds;
    struct {               // running least squares (Welford 1962): x drafted tokens, y seconds
        double n, mean_x, mean_y, sxx, sxy;
    } verify;
    double each[];         // (D) struct thompson_drafter, then (K) struct thompson_arm
};

static struct thompson_drafter *drafters(struct thompson *s) { return (struct thompson_drafter *)s->each; }

static struct thompson_arm *arms(struct thompson *s, const struct problem *p) {
    return (struct thompson_arm *)(drafters(s) + p->D);
}

static size_t thompson_size(const struct problem *p) {
    return sizeof(struct thompson) + (size_t)p->D * sizeof(struct thompson_drafter) + (size_t)p->K * sizeof(struct thompson_arm);
}

static double verify_seconds(const struct thompson *s, double drafted) {
    double most = s->verify.mean_y / (1 + s->verify.mean_x); // slope of a cost proportional to the width
    double slope = drafted < s->verify.mean_x ? most : 0;
    if (s->verify.sxx > 0) slope = fmin(fmax(s->verify.sxy / s->verify.sxx, 0), most);
    return s->verify.mean_y + slope * (drafted - s->verify.mean_x);
}

static double predicted_seconds(struct thompson *s, const struct arm *arm) {
    if (arm->gamma == 0) return verify_seconds(s, 0);
    const struct thompson_drafter *d = &drafters(s)[arm->drafter];
    double share = d->asked > 0 ? d->proposed / d->asked : 1;
    double draft = d->timed_asked > 0 ? d->draft_s / d->timed_asked : 0;
    return verify_seconds(s, arm->gamma * share) + arm->gamma * draft;
}

static double cost(struct thompson *s, const struct problem *p, const double *param, int i) {
    const struct thompson_arm *arm = &arms(s, p)[i];
    double seconds = (arm->seconds + (1 - param[DOUBT]) * predicted_seconds(s, &p->arms[i])) / (arm->n + 1);
    return fmax(seconds, 1e-12); // a clock that reports nothing makes all arms equal
}

static double value(struct thompson *s, const struct problem *p, const double *param, int i) {
    const struct arm *arm = &p->arms[i];
    double emitted = arm->gamma ? tgd_mean(arm->gamma, drafters(s)[arm->drafter].theta) : 1;
    return param[VALUE] == LEN || s->verify.n == 0 ? emitted : emitted / cost(s, p, param, i);
}

static int thompson_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct thompson *s = state;
    for (int d = 0; d < p->D; d++) {
        struct thompson_drafter *drafter = &drafters(s)[d];
        drafter->theta = rng_beta(rng, param[A] + drafter->successes, param[B] + drafter->failures);
    }
    double best = -1;
    int arm = 0;
    for (int i = 0; i < p->K; i++) {
        double have = value(s, p, param, i);
        if (have > best) best = have, arm = i;
    }
    return arm;
}

static void learn_verify(struct thompson *s, double drafted, double seconds) {
    s->verify.n++;
    double before = drafted - s->verify.mean_x;
    s->verify.mean_x += before / s->verify.n;
    s->verify.mean_y += (seconds - s->verify.mean_y) / s->verify.n;
    s->verify.sxx += before * (drafted - s->verify.mean_x);
    s->verify.sxy += before * (seconds - s->verify.mean_y);
}

static void thompson_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct thompson *s = state;
    const struct arm *arm = &p->arms[o->arm];
    struct thompson_drafter *d = arm->gamma ? &drafters(s)[arm->drafter] : NULL;
    bool warm = s->rounds++ > 0, timed = warm && (!d || d->rounds > 0);
    (void)param;
    if (warm) learn_verify(s, o->proposed, o->verify_s);
    if (timed && o->gamma == arm->gamma) {
        arms(s, p)[o->arm].n++;
        arms(s, p)[o->arm].seconds += o->draft_s + o->verify_s;
    }
    if (!d) return;
    d->rounds++;
    d->successes += o->accepted;
    d->failures += o->accepted < o->gamma;
    d->asked += o->gamma;
    d->proposed += o->proposed;
    if (timed) {
        d->timed_asked += o->gamma;
        d->draft_s += o->draft_s;
    }
}

const struct policy policy_thompson = {
    .name = "thompson", .setting = "stochastic",
    .summary = "Thompson sampling on each drafter's acceptance rate, all gammas pooled",
    .cite = "Thompson 1933; arXiv 2505.15141 eq. (10), (130) for the model",
    .bound = "(1+eps) sum Delta_i ln T / kl + O(K/eps^2) for Bernoulli arms (Agrawal & Goyal 2012)",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {
        {"a", 1, 1e-3, 1e6, NULL, "prior successes per drafter"},
        {"b", 1, 1e-3, 1e6, NULL, "prior failures per drafter"},
        {"value", RATE, 0, 1, "rate|len", "maximise tokens per second, or emitted tokens per round"},
        {"doubt", 0.1, 0, 1, NULL, "share taken off a predicted cost until rounds tell; more tries more arms"},
    },
    .size = thompson_size, .select = thompson_select, .update = thompson_update,
};
