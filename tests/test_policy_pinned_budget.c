/* test_policy_pinned_budget.c - policies of tokens per second, against slow readings of their formulas (tests/history.h). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/history.h"

/* c = alpha, 1: width L. */
static void ratio_ucb(const struct past *h, const double *c, struct rng *rng, double *v) {
    double least = INFINITY;
    (void)rng;
    if (starts(h, v)) return;
    for (int s = 0; s < h->t; s++) least = fmin(least, seconds_at(h, s));
    for (int i = 0; i < h->p->K; i++) {
        double n = plays(h, i), gamma = h->p->arms[i].gamma, mean = mean_seconds(h, i), V = 0;
        for (int s = 0; s < h->t; s++) V += h->o[s].arm == i ? pow(seconds_at(h, s) - mean, 2) / n : 0;
        double tokens = mean_emitted(h, i) + (c[1] == 1 ? h->p->L : gamma) * sqrt(c[0] * log(h->t) / n);
        v[i] = fmin(tokens, gamma + 1) / fmax(least, mean - sqrt(2 * V * log(h->t) / n));
    }
}

static void test_ratio_ucb(void **state) {
    (void)state;
    pinned("ratio-ucb", ratio_ucb, (double[]){0.5, 0});
    pinned("ratio-ucb:alpha=0.1,width=L", ratio_ucb, (double[]){0.1, 1});
}

static void f_kube(const struct past *h, const double *c, struct rng *rng, double *v) {
    (void)rng;
    if (starts(h, v)) return;
    for (int i = 0; i < h->p->K; i++) {
        double cost = expected_seconds(h, i, 0);
        v[i] = mean_emitted(h, i) / (h->p->L + 1) / cost + sqrt(c[0] * log(h->t) / plays(h, i)) / cost;
    }
}

static void test_f_kube(void **state) {
    (void)state;
    pinned("f-kube", f_kube, (double[]){2});
    pinned("f-kube:alpha=0.1", f_kube, (double[]){0.1});
}

/* c = version, lambda. */
static void ucb_bv(const struct past *h, const double *c, struct rng *rng, double *v) {
    double longest = 0, l = INFINITY;
    bool open = false;
    (void)rng;
    if (starts(h, v)) return;
    for (int s = 0; s < h->t; s++) longest = fmax(longest, seconds_at(h, s));
    for (int i = 0; i < h->p->K; i++) l = fmin(l, mean_seconds(h, i) / longest);
    if (c[0] == 1) l = c[1];
    for (int i = 0; i < h->p->K; i++) {
        double e = sqrt(log(h->t) / plays(h, i)), r = mean_emitted(h, i) / (h->p->L + 1), cost = mean_seconds(h, i) / longest;
        if (e >= l && !open) open = true, only(h, v, i); // the first with an open bound
        if (open) continue;
        v[i] = r / cost + (c[0] == 1 ? (1 + 1 / l) * e / (l - e) : 1 / l * (1 + 1 / (l - e)) * e);
    }
}

static void test_ucb_bv(void **state) {
    (void)state;
    pinned("ucb-bv", ucb_bv, (double[]){2});
    pinned("ucb-bv:version=1", ucb_bv, (double[]){1, 0.5});
    pinned("ucb-bv:version=1,lambda=1", ucb_bv, (double[]){1, 1});
    pinned("ucb-bv:version=1,lambda=0.8", ucb_bv, (double[]){1, 0.8});
}

/* Fifty rounds hardly leave the open bounds: 3000 rounds of steady arms, then the index itself. */
static void compare_closed(const char *spec, double l, double factor) {
    static const int tokens[2] = {3, 2};
    static const double seconds[2] = {1.0, 0.8};
    struct arm arms[2] = {{.drafter = 0, .gamma = 4}, {.drafter = 0, .gamma = 2}};
    struct problem p = {.K = 2, .D = 1, .L = 4, .arms = arms};
    struct agent a;
    struct err err;
    double n[2] = {0};
    int compared = 0;
    assert_int_equal(agent_open(&a, spec, &p, &err), 0);
    for (int t = 0; t < 3000; t++) {
        double D[2];
        int arm = agent_select(&a, NULL);
        for (int i = 0; i < 2 && t >= 2; i++) {
            double e = sqrt(log(t) / n[i]);
            double bonus = factor > 0 ? factor * e / (l - e) : e / l * (1 + 1 / (l - e));
            D[i] = e < l ? tokens[i] / 5.0 / seconds[i] + bonus : INFINITY;
        }
        if (t >= 2 && isfinite(D[0]) && isfinite(D[1])) {
            assert_int_equal(arm, D[1] > D[0]);
            compared++;
        }
        n[arm]++;
        agent_update(&a, &(struct outcome){.arm = arm, .gamma = arms[arm].gamma, .proposed = arms[arm].gamma,
                                           .accepted = tokens[arm] - 1, .emitted = tokens[arm], .verify_s = seconds[arm]});
    }
    assert_true(compared > 2500);
    agent_close(&a);
}

static void test_ucb_bv_compares_its_index_once_bounds_are_closed(void **state) {
    (void)state;
    compare_closed("ucb-bv", 0.8, 0); // the cheaper arm's 0.8 s over 1 s
    compare_closed("ucb-bv:version=1,lambda=0.7", 0.7, 1 + 1 / 0.7);
}

/* c = 1: coins. Those of a round are the first two draws of its generator. */
static void ratio_ts(const struct past *h, const double *c, struct rng *rng, double *v) {
    double R[K_MAX] = {0}, C[K_MAX] = {0}, n[K_MAX] = {0};
    for (int s = 0; s < h->t; s++) {
        double longest = 0, reward = h->o[s].emitted / (h->p->L + 1.0);
        struct rng then = *rng;
        then.round = (uint32_t)s;
        for (int r = 0; r < (c[0] == 1 ? s + 1 : h->t); r++) longest = fmax(longest, seconds_at(h, r));
        double cost = seconds_at(h, s) / longest;
        if (c[0] == 1) reward = rng_uniform(&then) < reward, cost = rng_uniform(&then) < cost;
        n[h->o[s].arm]++, R[h->o[s].arm] += reward, C[h->o[s].arm] += cost;
    }
    if (c[0] == 1) rng_uniform(rng), rng_uniform(rng);
    for (int i = 0; i < h->p->K; i++) {
        double r = rng_beta(rng, 1 + R[i], 1 + n[i] - R[i]);
        v[i] = r / rng_beta(rng, 1 + C[i], 1 + n[i] - C[i]);
    }
}

static void test_ratio_ts(void **state) {
    (void)state;
    pinned("ratio-ts", ratio_ts, (double[]){0});
    pinned("ratio-ts:update=coin", ratio_ts, (double[]){1});
}

/* Every round's x at the rho of now, then the index of the policy inside, from the history. c = which. */
enum { UCB1, UCB1_TUNED, UCB_V, MOSS, KL_UCB, KL_UCB_PP, IMED, BOLTZMANN, TS_BERN, TS_GAUSS, EPSILON_GREEDY };

static void dinkelbach(const struct past *h, const double *c, struct rng *rng, double *v) {
    double tokens = 1, seconds = INFINITY, longest = 0, sum = 0, mean[K_MAX], var[K_MAX], most = 0, t = h->t;
    int K = h->p->K;
    if (c[0] == EPSILON_GREEDY && rng_uniform(rng) < 0.1) return only(h, v, (int)(rng_uniform(rng) * K));
    if (c[0] != TS_BERN && c[0] != TS_GAUSS && starts(h, v)) return;
    for (int s = 0; s < h->t; s++) {
        tokens += h->o[s].emitted, sum += seconds_at(h, s);
        seconds = fmin(seconds, seconds_at(h, s)), longest = fmax(longest, seconds_at(h, s));
    }
    double rho = tokens / (seconds + sum), low = 1 - rho * longest;
    for (int i = 0; i < K; i++) {
        double n = plays(h, i), squares = 0;
        mean[i] = 0;
        for (int s = 0; s < h->t; s++) {
            double x = (h->o[s].emitted - rho * seconds_at(h, s) - low) / (h->p->L + 1 - low);
            if (h->o[s].arm == i) mean[i] += x / n, squares += x * x / n;
        }
        var[i] = squares - mean[i] * mean[i];
        most = fmax(most, mean[i]);
    }
    for (int i = 0; i < K; i++) {
        double n = plays(h, i), y = 128 / (K * n), y_plus = y > 1 ? log(y) : 0, g = y * (1 + y_plus * y_plus);
        double V = var[i] + sqrt(2 * log(t) / n);
        switch ((int)c[0]) {
        case UCB1: v[i] = mean[i] + sqrt(c[1] * log(t) / n); break;
        case UCB1_TUNED: v[i] = mean[i] + sqrt(log(t) / n * fmin(0.25, V)); break;
        case UCB_V: v[i] = mean[i] + sqrt(2 * var[i] * 1.2 * log(t) / n) + 3 * 1.2 * log(t) / n; break;
        case MOSS: v[i] = mean[i] + sqrt(1.175 * fmax(0, log(t / (K * n))) / n); break;
        case KL_UCB: v[i] = coin_bound(mean[i], log(t) / n); break;
        case KL_UCB_PP: v[i] = coin_bound(mean[i], g > 1 ? log(g) / n : 0); break;
        case IMED: v[i] = -n * coin_kl(mean[i], most) - log(n); break;
        case EPSILON_GREEDY: case BOLTZMANN: v[i] = mean[i]; break;
        case TS_BERN: v[i] = rng_beta(rng, 1 + n * mean[i], 1 + n - n * mean[i]); break;
        case TS_GAUSS: v[i] = n * mean[i] / (n + 1) + 0.5 / sqrt(n + 1) * rng_normal(rng); break;
        }
    }
    if (c[0] != BOLTZMANN) return;
    double total = 0, u = rng_uniform(rng), below = 0;
    int arm = 0;
    for (int i = 0; i < K; i++) total += exp(mean[i] / 0.1);
    for (int i = 0; i < K; i++)
        if ((below += exp(mean[i] / 0.1) / total) <= u) arm = i + 1;
    only(h, v, arm);
}

static void test_dinkelbach(void **state) {
    (void)state;
    pinned("dinkelbach", dinkelbach, (double[]){UCB1, 0.5});
    pinned("dinkelbach:alpha=0.05", dinkelbach, (double[]){UCB1, 0.05});
    pinned("dinkelbach:of=ucb1-tuned", dinkelbach, (double[]){UCB1_TUNED});
    pinned("dinkelbach:of=ucb-v", dinkelbach, (double[]){UCB_V});
    pinned("dinkelbach:of=moss", dinkelbach, (double[]){MOSS});
    pinned("dinkelbach:of=kl-ucb", dinkelbach, (double[]){KL_UCB});
    pinned("dinkelbach:of=kl-ucb-pp", dinkelbach, (double[]){KL_UCB_PP});
    pinned("dinkelbach:of=imed", dinkelbach, (double[]){IMED});
    pinned("dinkelbach:of=ts-bern", dinkelbach, (double[]){TS_BERN});
    pinned("dinkelbach:of=ts-gauss", dinkelbach, (double[]){TS_GAUSS});
    pinned("dinkelbach:of=boltzmann", dinkelbach, (double[]){BOLTZMANN});
    pinned("dinkelbach:of=epsilon-greedy", dinkelbach, (double[]){EPSILON_GREEDY});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ratio_ucb),
        cmocka_unit_test(test_f_kube),
        cmocka_unit_test(test_ucb_bv),
        cmocka_unit_test(test_ucb_bv_compares_its_index_once_bounds_are_closed),
        cmocka_unit_test(test_ratio_ts),
        cmocka_unit_test(test_dinkelbach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
