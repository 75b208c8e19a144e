/* ts_gauss.c - Thompson sampling with a normal posterior.
 *
 * With n rounds of an arm, x their mean reward in [0, 1] and S their sum of squared deviations from it, in index order:
 *   variance=known:   theta ~ N( n x / (n + 1), sigma^2 / (n + 1) )            Agrawal & Goyal, AISTATS 2013, prior N(0, sigma^2)
 *   variance=unknown: theta = x + sqrt( S / (n d) ) T_d,  d = n + 2 prior - 1   Honda & Takemura, "Optimality of Thompson
 *                     sampling for Gaussian bandits depends on priors", AISTATS 2014; each arm max(2, 3 - floor(2 prior)) times first
 * The highest plays, ties to the lowest number. T_d is Student's t with d degrees of freedom: a normal draw, then a gamma
 * draw of shape d/2. prior = -1/2 attains their bound; 0 (Jeffreys) and more do not. sigma = 1/2 bounds the spread of [0, 1] rewards;
 * the paper takes 1. The unknown form does not change with the scale of the reward. */
#include "policies/flat.h"

enum { REWARD, VARIANCE, SIGMA, PRIOR };
enum { KNOWN, UNKNOWN };

static double student(struct rng *rng, double freedom) {
    double normal = rng_normal(rng), chi2 = 2 * rng_gamma(rng, freedom / 2);
    return normal / sqrt(fmax(chi2, 1e-300) / freedom);
}

static double draw(const struct flat *s, const double *param, int i, struct rng *rng) {
    double n = s->arm[i].n, mean = flat_mean(s, i), freedom = n + 2 * param[PRIOR] - 1;
    if (param[VARIANCE] == KNOWN) return n * mean / (n + 1) + param[SIGMA] / sqrt(n + 1) * rng_normal(rng);
    return mean + sqrt(flat_variance(s, i) / freedom) * student(rng, freedom); // S/n is the variance
}

static int ts_gauss_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct flat *s = state;
    double best = -INFINITY, first = param[VARIANCE] == KNOWN ? 0 : fmax(2, 3 - floor(2 * param[PRIOR]));
    int arm = 0;
    for (int i = 1; i < p->K; i++)
        if (s->arm[i].n < s->arm[arm].n) arm = i;
    if (s->arm[arm].n < first) return arm;
    for (int i = arm = 0; i < p->K; i++) {
        double theta = draw(s, param, i, rng);
        if (theta > best) best = theta, arm = i;
    }
    return arm;
}

static void ts_gauss_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    flat_update(state, p, param[REWARD], o);
}

const struct policy policy_ts_gauss = {
    .name = "ts-gauss", .setting = "Bayesian",
    .summary = "Thompson sampling with a normal posterior of the mean reward",
    .cite = "Agrawal & Goyal 2013, Gaussian priors; Honda & Takemura 2014",
    .bound = "known: O( sqrt(K T ln K) ); unknown: 2 sum Delta_i ln T / ln(1 + Delta_i^2 / sigma_i^2) (1 + o(1)) for normal rewards",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"variance", KNOWN, 0, 1, "known|unknown", "sigma is given, or learned with the mean"},
        {"sigma", 0.5, 1e-6, 1e6, NULL, "standard deviation of a reward, variance=known"},
        {"prior", -0.5, -0.5, 100, NULL, "power of 1/sigma^2 in the prior, less 1, variance=unknown"},
    },
    .size = flat_size, .select = ts_gauss_select, .update = ts_gauss_update,
};
