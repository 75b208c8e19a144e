/* test_policy_pinned_bayes.c - Bayesian policies, round by round, against slow readings of their formulas (tests/history.h).
 *
 * Draws come from the generator's own distributions, in the order that the policies' headers give. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <gsl/gsl_cdf.h>

#include "tests/history.h"

enum { RATE = REWARD_RATE, LEN = REWARD_LEN };

/* c = a, b, reward, doubt. All betas of a round are drawn at once (rng_betas); plain decoding draws one that it does not use. */
static void thompson_unpooled(const struct past *h, const double *c, struct rng *rng, double *v) {
    struct rng_shape shape[32];
    double theta[16];
    for (int i = 0; i < h->p->K; i++) {
        double won = 0, lost = 0;
        if (h->p->arms[i].gamma) trials_of(h, false, i, &won, &lost);
        shape[2 * i] = rng_shape(c[0] + won), shape[2 * i + 1] = rng_shape(c[1] + lost);
    }
    rng_betas(rng, shape, theta, h->p->K);
    for (int i = 0; i < h->p->K; i++) v[i] = over_cost(h, c[2], c[3], i, h->p->arms[i].gamma ? mu(h->p->arms[i].gamma, theta[i]) : 1);
}

static void thompson(const struct past *h, const double *c, struct rng *rng, double *v) {
    struct rng_shape shape[8];
    double theta[4];
    for (int d = 0; d < h->p->D; d++) {
        int any = 0;
        double won, lost;
        while (h->p->arms[any].gamma == 0 || h->p->arms[any].drafter != d) any++;
        trials_of(h, true, any, &won, &lost);
        shape[2 * d] = rng_shape(c[0] + won), shape[2 * d + 1] = rng_shape(c[1] + lost);
    }
    rng_betas(rng, shape, theta, h->p->D);
    for (int i = 0; i < h->p->K; i++)
        v[i] = over_cost(h, c[2], c[3], i, h->p->arms[i].gamma ? mu(h->p->arms[i].gamma, theta[h->p->arms[i].drafter]) : 1);
}

static void test_thompson(void **state) {
    (void)state;
    pinned("thompson", thompson, (double[]){1, 1, VALUE_RATE, 0.1});
    pinned("thompson:value=len", thompson, (double[]){1, 1, VALUE_LEN, 0});
    pinned("thompson:pooled=0", thompson_unpooled, (double[]){1, 1, VALUE_RATE, 0.1});
    pinned("thompson:a=0.5,b=2,doubt=0.3", thompson, (double[]){0.5, 2, VALUE_RATE, 0.3});
}

static void ts_hazard(const struct past *h, const double *c, struct rng *rng, double *v) {
    double h_dk[4][8];
    for (int d = 0; d < h->p->D; d++)
        for (int k = 1; k <= h->p->L; k++) {
            double won = 0, lost = 0;
            for (int s = 0; s < h->t; s++) {
                const struct outcome *o = &h->o[s];
                if (h->p->arms[o->arm].gamma == 0 || h->p->arms[o->arm].drafter != d) continue;
                won += o->accepted >= k;
                lost += o->accepted == k - 1 && o->gamma >= k;
            }
            h_dk[d][k - 1] = rng_beta(rng, c[0] + won, c[1] + lost);
        }
    for (int i = 0; i < h->p->K; i++) {
        double emitted = 1;
        for (int j = 1; j <= h->p->arms[i].gamma; j++) {
            double product = 1;
            for (int k = 1; k <= j; k++) product *= h_dk[h->p->arms[i].drafter][k - 1];
            emitted += product;
        }
        v[i] = over_cost(h, c[2], c[3], i, emitted);
    }
}

static void test_ts_hazard(void **state) {
    (void)state;
    pinned("ts-hazard", ts_hazard, (double[]){1, 1, VALUE_RATE, 0.1});
    pinned("ts-hazard:reward=len", ts_hazard, (double[]){1, 1, VALUE_LEN, 0});
    pinned("ts-hazard:a=2,b=0.5,doubt=0.3", ts_hazard, (double[]){2, 0.5, VALUE_RATE, 0.3});
}

/* c = pooled, c, horizon, a, b, doubt. */
static void bayes_ucb(const struct past *h, const double *c, struct rng *rng, double *v) {
    (void)rng;
    for (int i = 0; i < h->p->K; i++) {
        double won, lost, tail = 1 / ((h->t + 1) * pow(log(c[2]), c[1])), q = 1;
        trials_of(h, c[0] == 1, i, &won, &lost);
        if (h->p->arms[i].gamma && won + lost > 0) q = gsl_cdf_beta_Qinv(tail, c[3] + won, c[4] + lost);
        v[i] = over_cost(h, VALUE_RATE, c[5], i, mu(h->p->arms[i].gamma, q));
    }
}

static void test_bayes_ucb(void **state) {
    (void)state;
    pinned("bayes-ucb", bayes_ucb, (double[]){1, 0, 128, 1, 1, 0.1});
    pinned("bayes-ucb:pooled=0,c=5,horizon=1000,a=0.5,b=0.5,doubt=0.2", bayes_ucb, (double[]){0, 5, 1000, 0.5, 0.5, 0.2});
}

/* c = reward, a, b, 1: coins. The coin of a round is the first draw of its generator, which only that round's choice saw. */
static void ts_bern(const struct past *h, const double *c, struct rng *rng, double *v) {
    double won[K_MAX] = {0}, n[K_MAX] = {0};
    for (int s = 0; s < h->t; s++) {
        int i = h->o[s].arm;
        struct rng then = *rng;
        then.round = (uint32_t)s;
        struct past seen = past_first(h, s + 1);
        n[i]++;
        won[i] += c[3] == 1 ? rng_uniform(&then) < reward_at(&seen, c[0], s) : reward_at(h, c[0], s);
    }
    if (c[3] == 1) rng_uniform(rng);
    for (int i = 0; i < h->p->K; i++) v[i] = rng_beta(rng, c[1] + won[i], c[2] + n[i] - won[i]);
}

static void test_ts_bern(void **state) {
    (void)state;
    pinned("ts-bern", ts_bern, (double[]){RATE, 1, 1, 0});
    pinned("d-ts:keep=1", ts_bern, (double[]){RATE, 1, 1, 0});
    pinned("ts-bern:reward=len,a=0.5,b=0.5", ts_bern, (double[]){LEN, 0.5, 0.5, 0});
    pinned("ts-bern:update=coin", ts_bern, (double[]){RATE, 1, 1, 1});
    pinned("ts-bern:update=coin,reward=len,a=2", ts_bern, (double[]){LEN, 2, 1, 1});
}

/* c = reward, sigma. */
static void ts_gauss_known(const struct past *h, const double *c, struct rng *rng, double *v) {
    for (int i = 0; i < h->p->K; i++) {
        double n = plays(h, i), sum = 0;
        for (int s = 0; s < h->t; s++) sum += h->o[s].arm == i ? reward_at(h, c[0], s) : 0;
        v[i] = sum / (n + 1) + sqrt(c[1] * c[1] / (n + 1)) * rng_normal(rng);
    }
}

/* c = reward, prior, rounds of each arm first. */
static void ts_gauss_unknown(const struct past *h, const double *c, struct rng *rng, double *v) {
    if (h->t < c[2] * h->p->K) return only(h, v, h->t % h->p->K);
    for (int i = 0; i < h->p->K; i++) {
        double n = plays(h, i), S = n * reward_variance(h, c[0], i), d = n + 2 * c[1] - 1;
        double normal = rng_normal(rng), chi2 = 2 * rng_gamma(rng, d / 2);
        v[i] = mean_reward(h, c[0], i) + sqrt(S / (n * d)) * normal * sqrt(d / chi2);
    }
}

static void test_ts_gauss(void **state) {
    (void)state;
    pinned("ts-gauss", ts_gauss_known, (double[]){RATE, 0.5});
    pinned("ts-gauss:reward=len,sigma=1", ts_gauss_known, (double[]){LEN, 1});
    pinned("ts-gauss:variance=unknown", ts_gauss_unknown, (double[]){RATE, -0.5, 4});
    pinned("ts-gauss:variance=unknown,prior=0.6,reward=len", ts_gauss_unknown, (double[]){LEN, 0.6, 2});
}

/* c = prior of each length, prior of the longest, doubt, reward. */
static void dirichlet(const struct past *h, const double *c, struct rng *rng, double *v) {
    for (int i = 0; i < h->p->K; i++) {
        int gamma = h->p->arms[i].gamma;
        double count[9], w[9], sum = 0, emitted = 1;
        counts_of(h, i, count);
        for (int k = 0; k <= gamma && gamma; k++) {
            double shape = count[k] + (k == gamma ? c[1] : c[0]);
            sum += w[k] = shape > 0 ? rng_gamma(rng, shape) : 0;
        }
        for (int k = 0; k <= gamma && gamma; k++) emitted += k * (w[k] / sum);
        v[i] = over_cost(h, c[3], c[2], i, emitted);
    }
}

static void test_ts_dirichlet(void **state) {
    (void)state;
    pinned("ts-dirichlet", dirichlet, (double[]){1, 1, 0.1, VALUE_RATE});
    pinned("ts-dirichlet:prior=0.3,doubt=0.2", dirichlet, (double[]){0.3, 0.3, 0.2, VALUE_RATE});
    pinned("ts-dirichlet:reward=len", dirichlet, (double[]){1, 1, 0, VALUE_LEN});
}

static void test_npts(void **state) {
    (void)state;
    pinned("npts", dirichlet, (double[]){0, 1, 0.1, VALUE_RATE});
    pinned("npts:doubt=0", dirichlet, (double[]){0, 1, 0, VALUE_RATE});
    pinned("npts:reward=len", dirichlet, (double[]){0, 1, 0, VALUE_LEN});
}

static void ts_side(const struct past *h, const double *c, struct rng *rng, double *v) {
    for (int i = 0; i < h->p->K; i++) {
        double gamma = h->p->arms[i].gamma, n, mean = side_mean_of(h, i, &n);
        double emitted = gamma > 0 ? 1 + gamma * rng_beta(rng, c[0] + n * mean / gamma, c[1] + n - n * mean / gamma) : 1;
        v[i] = over_cost(h, VALUE_RATE, c[2], i, emitted);
    }
}

static void test_ts_side(void **state) {
    (void)state;
    pinned("ts-side", ts_side, (double[]){1, 1, 0.1});
    pinned("ts-side:a=0.5,b=2,doubt=0.3", ts_side, (double[]){0.5, 2, 0.3});
}

static void uts(const struct past *h, const double *c, struct rng *rng, double *v) {
    int leader = leader_at(h, c[0], h->t), led = 0, around = 0;
    if (starts(h, v)) return;
    for (int s = 0; s <= h->t; s++) led += leader_at(h, c[0], s) == leader;
    for (int i = 0; i < h->p->K; i++) around += i == leader || consecutive(h->p, leader, i);
    if (led % around == 0) return only(h, v, leader);
    for (int i = 0; i < h->p->K; i++) {
        double n = plays(h, i), won = n * mean_reward(h, c[0], i);
        v[i] = i == leader || consecutive(h->p, leader, i) ? rng_beta(rng, 1 + won, 1 + n - won) : -1;
    }
}

static void test_uts(void **state) {
    (void)state;
    pinned("uts", uts, (double[]){RATE});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thompson),
        cmocka_unit_test(test_ts_hazard),
        cmocka_unit_test(test_bayes_ucb),
        cmocka_unit_test(test_ts_bern),
        cmocka_unit_test(test_ts_gauss),
        cmocka_unit_test(test_ts_dirichlet),
        cmocka_unit_test(test_npts),
        cmocka_unit_test(test_ts_side),
        cmocka_unit_test(test_uts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
