/* test_policy_pinned_stochastic.c - stochastic policies, round by round, against slow readings of their formulas (tests/history.h). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/history.h"

enum { RATE = REWARD_RATE, LEN = REWARD_LEN };

/* Baselines. */

static void plain(const struct past *h, const double *c, struct rng *rng, double *v) {
    (void)c, (void)rng;
    for (int i = 0; i < h->p->K; i++) v[i] = h->p->arms[i].gamma == 0;
}

static void test_baselines(void **state) {
    (void)state;
    struct arm arms[K_MAX];
    for (int world = 0; world < WORLDS; world++) {
        struct problem p = pinned_problem(world, arms);
        struct agent none, fixed, any;
        struct err err;
        assert_int_equal(agent_open(&none, "none", &p, &err), world == 1 ? ERR_USAGE : 0); // no plain arm in world 1
        assert_int_equal(agent_open(&fixed, "fixed:arm=3", &p, &err), 0);
        assert_int_equal(agent_open(&any, "random", &p, &err), 0);
        for (uint32_t t = 0; t < ROUNDS; t++) {
            struct rng rng = rng_at(3, 0, 0, t), same = rng;
            double v[K_MAX], u = rng_uniform(&same);
            struct past h = {.p = &p, .t = 0};
            plain(&h, NULL, NULL, v);
            if (world != 1) assert_true(v[agent_select(&none, &rng)] == 1);
            assert_int_equal(agent_select(&fixed, &rng), 3);
            int arm = agent_select(&any, &rng);
            assert_true(u >= (double)arm / p.K && u < (arm + 1.0) / p.K);
        }
        if (world != 1) agent_close(&none);
        agent_close(&fixed);
        agent_close(&any);
    }
}

/* Indices of means: c = reward, a parameter. */

static void ucb1(const struct past *h, const double *c, struct rng *rng, double *v) {
    (void)rng;
    if (starts(h, v)) return;
    for (int i = 0; i < h->p->K; i++) v[i] = mean_reward(h, c[0], i) + pow(c[1] * log(h->t) / plays(h, i), 0.5);
}

static void test_ucb1(void **state) {
    (void)state;
    pinned("ucb1", ucb1, (double[]){RATE, 2});
    pinned("ucb1:alpha=0.1", ucb1, (double[]){RATE, 0.1});
    pinned("ucb1:reward=len,alpha=0.5", ucb1, (double[]){LEN, 0.5});
}

static void ucb1_tuned(const struct past *h, const double *c, struct rng *rng, double *v) {
    (void)rng;
    if (starts(h, v)) return;
    for (int i = 0; i < h->p->K; i++) {
        double n = plays(h, i), V = reward_variance(h, c[0], i) + sqrt(2 * log(h->t) / n);
        v[i] = mean_reward(h, c[0], i) + sqrt(log(h->t) / n * (V < 0.25 ? V : 0.25));
    }
}

static void test_ucb1_tuned(void **state) {
    (void)state;
    pinned("ucb1-tuned", ucb1_tuned, (double[]){RATE});
    pinned_for(LONG, "ucb1-tuned:reward=len", ucb1_tuned, (double[]){LEN}); // until the variance counts
}

static void ucb_v(const struct past *h, const double *c, struct rng *rng, double *v) {
    (void)rng;
    if (starts(h, v)) return;
    for (int i = 0; i < h->p->K; i++) {
        double n = plays(h, i), E = c[1] * log(h->t);
        v[i] = mean_reward(h, c[0], i) + sqrt(2 * reward_variance(h, c[0], i) * E / n) + 3 * c[2] * E / n;
    }
}

static void test_ucb_v(void **state) {
    (void)state;
    pinned("ucb-v", ucb_v, (double[]){RATE, 1.2, 1});
    pinned("ucb-v:zeta=1.1,c=0.05", ucb_v, (double[]){RATE, 1.1, 0.05});
    pinned("ucb-v:reward=len,c=0.3", ucb_v, (double[]){LEN, 1.2, 0.3});
}

static void moss(const struct past *h, const double *c, struct rng *rng, double *v) {
    (void)rng;
    if (starts(h, v)) return;
    for (int i = 0; i < h->p->K; i++) {
        double n = plays(h, i), T = c[2] > 0 ? c[2] : h->t, scale = c[2] > 0 ? 1 : (1 + c[1]) / 2;
        double log_plus = T > h->p->K * n ? log(T / (h->p->K * n)) : 0;
        v[i] = mean_reward(h, c[0], i) + sqrt(scale * log_plus / n);
    }
}

static void test_moss(void **state) {
    (void)state;
    pinned("moss", moss, (double[]){RATE, 1.35, 0});
    pinned("moss:alpha=0.2,reward=len", moss, (double[]){LEN, 0.2, 0});
    pinned("moss:horizon=128", moss, (double[]){RATE, 0, 128});
    pinned("moss:horizon=40,reward=len", moss, (double[]){LEN, 0, 40});
}

static void kl_ucb(const struct past *h, const double *c, struct rng *rng, double *v) {
    (void)rng;
    if (starts(h, v)) return;
    double f = log(h->t) + (c[1] > 0 && log(h->t) > 1 ? c[1] * log(log(h->t)) : 0);
    for (int i = 0; i < h->p->K; i++) v[i] = coin_bound(mean_reward(h, c[0], i), f / plays(h, i));
}

static void test_kl_ucb(void **state) {
    (void)state;
    pinned("kl-ucb", kl_ucb, (double[]){RATE, 0});
    pinned("kl-ucb:c=3", kl_ucb, (double[]){RATE, 3});
    pinned("kl-ucb:reward=len", kl_ucb, (double[]){LEN, 0});
}

static double log_plus(double x) { return x > 1 ? log(x) : 0; }

static void kl_ucb_pp(const struct past *h, const double *c, struct rng *rng, double *v) {
    (void)rng;
    if (starts(h, v)) return;
    for (int i = 0; i < h->p->K; i++) {
        double n = plays(h, i), y = (c[1] > 0 ? c[1] : h->t) / h->p->K / n;
        v[i] = coin_bound(mean_reward(h, c[0], i), log_plus(y * (1 + pow(log_plus(y), 2))) / n);
    }
}

static void test_kl_ucb_pp(void **state) {
    (void)state;
    pinned("kl-ucb-pp", kl_ucb_pp, (double[]){RATE, 128});
    pinned("kl-ucb-pp:horizon=0", kl_ucb_pp, (double[]){RATE, 0});
    pinned("kl-ucb-pp:horizon=1000,reward=len", kl_ucb_pp, (double[]){LEN, 1000});
}

static void imed(const struct past *h, const double *c, struct rng *rng, double *v) {
    (void)rng;
    if (starts(h, v)) return;
    double most = 0;
    for (int i = 0; i < h->p->K; i++) most = fmax(most, mean_reward(h, c[0], i));
    for (int i = 0; i < h->p->K; i++) v[i] = -(plays(h, i) * coin_kl(mean_reward(h, c[0], i), most) + log(plays(h, i)));
}

static void test_imed(void **state) {
    (void)state;
    pinned("imed", imed, (double[]){RATE});
    pinned("imed:reward=len", imed, (double[]){LEN});
}

/* c = schedule (1: fall), eps or c, gap. */
static void epsilon_greedy(const struct past *h, const double *c, struct rng *rng, double *v) {
    double eps = c[0] == 1 ? c[1] * h->p->K / (c[2] * c[2] * (h->t + 1)) : c[1];
    if (rng_uniform(rng) < eps) return only(h, v, (int)floor(rng_uniform(rng) * h->p->K));
    if (starts(h, v)) return;
    for (int i = 0; i < h->p->K; i++) v[i] = mean_reward(h, RATE, i);
}

static void test_epsilon_greedy(void **state) {
    (void)state;
    pinned("epsilon-greedy", epsilon_greedy, (double[]){0, 0.1});
    pinned("epsilon-greedy:eps=0.5", epsilon_greedy, (double[]){0, 0.5});
    pinned("epsilon-greedy:schedule=fall,c=0.3,gap=0.5", epsilon_greedy, (double[]){1, 0.3, 0.5});
}

static void etc(const struct past *h, const double *c, struct rng *rng, double *v) {
    int explore = (int)c[1] * h->p->K;
    (void)rng;
    if (h->t < explore) return only(h, v, h->t % h->p->K);
    struct past first = past_first(h, explore); // what comes after teaches nothing
    for (int i = 0; i < h->p->K; i++) v[i] = mean_reward(&first, c[0], i);
}

static void test_etc(void **state) {
    (void)state;
    pinned("etc", etc, (double[]){RATE, 2});
    pinned("etc:m=5,reward=len", etc, (double[]){LEN, 5});
}

/* Turn after turn from the start: c = reward, delta. */
static void elim(const struct past *h, const double *c, struct rng *rng, double *v) {
    int left[K_MAX], K = h->p->K, s = 0, n = 0;
    (void)rng;
    for (int i = 0; i < K; i++) left[i] = i;
    while (K > 1 && s + K <= h->t) {
        double x[K_MAX], most = 0, b, stay = 0;
        s += K, n++;
        struct past then = past_first(h, s);
        b = sqrt(log(4 * h->p->K * (double)s * s / c[1]) / (2.0 * n));
        for (int j = 0; j < K; j++) most = fmax(most, x[j] = mean_reward(&then, c[0], left[j]));
        for (int j = 0; j < K; j++)
            if (x[j] + b >= most - b) left[(int)stay++] = left[j];
        K = (int)stay;
    }
    only(h, v, K == 1 ? left[0] : left[h->t - s]);
}

static void test_elim(void **state) {
    (void)state;
    pinned("elim", elim, (double[]){RATE, 0.05});
    pinned_for(LONG, "elim:delta=1,reward=len", elim, (double[]){LEN, 1}); // until arms drop out
}

/* Fifty rounds drop none: here two arms whose rewards are 1 and 0, and the 26 turns of its header. */
static void test_elim_drops_an_arm_when_its_bound_says_so(void **state) {
    (void)state;
    struct arm arms[2] = {{.drafter = 0, .gamma = 4}, {.drafter = 1, .gamma = 4}};
    struct problem p = {.K = 2, .D = 2, .L = 4, .arms = arms};
    struct agent a;
    struct err err;
    int plays_of[2] = {0};
    assert_int_equal(agent_open(&a, "elim:reward=len", &p, &err), 0);
    for (uint32_t t = 0; t < 200; t++) {
        int arm = agent_select(&a, NULL);
        struct outcome o = {.arm = arm, .gamma = 4, .proposed = 4, .accepted = arm ? 0 : 4, .emitted = arm ? 1 : 5};
        plays_of[arm]++;
        agent_update(&a, &o);
    }
    assert_int_equal(plays_of[1], 26);
    agent_close(&a);
}

static void boltzmann(const struct past *h, const double *c, struct rng *rng, double *v) {
    if (starts(h, v)) return;
    double u = rng_uniform(rng), sum = 0, below = 0;
    int arm = 0;
    for (int i = 0; i < h->p->K; i++) sum += exp(mean_reward(h, c[0], i) / c[1]);
    for (int i = 0; i < h->p->K; i++)
        if ((below += exp(mean_reward(h, c[0], i) / c[1]) / sum) <= u) arm = i + 1;
    only(h, v, arm);
}

static void test_boltzmann(void **state) {
    (void)state;
    pinned("boltzmann", boltzmann, (double[]){RATE, 0.1});
    pinned("boltzmann:tau=0.02,reward=len", boltzmann, (double[]){LEN, 0.02});
}

static void metasd_ucb(const struct past *h, const double *c, struct rng *rng, double *v) {
    double least = INFINITY;
    (void)rng;
    if (starts(h, v)) return;
    for (int i = 0; i < h->p->K; i++) least = fmin(least, mean_seconds(h, i));
    for (int i = 0; i < h->p->K; i++) {
        double sum = 0;
        for (int s = 0; s < h->t; s++) {
            const struct outcome *o = &h->o[s];
            int tested = o->accepted + 1 < o->gamma ? o->accepted + 1 : o->gamma;
            if (o->arm == i) sum += c[0] == 0 ? (double)o->accepted / h->p->L : tested ? (double)o->accepted / tested : 0;
        }
        v[i] = sum / plays(h, i) * (c[2] == 1 ? least / mean_seconds(h, i) : 1) + c[1] * sqrt(2 * log(h->t) / plays(h, i));
    }
}

static void test_metasd_ucb(void **state) {
    (void)state;
    pinned("metasd-ucb", metasd_ucb, (double[]){1, 1, 1});
    pinned("metasd-ucb:reward=be,price=0", ucb1, (double[]){LEN, 2});
    pinned("metasd-ucb:reward=be,price=0,beta=0.3", metasd_ucb, (double[]){0, 0.3, 0});
    pinned("metasd-ucb:reward=be,beta=0.1", metasd_ucb, (double[]){0, 0.1, 1});
}

static void seq_halving(const struct past *h, const double *c, struct rng *rng, double *v) {
    int left[K_MAX], S = h->p->K, at = 0, phases = (int)ceil(log2(h->p->K));
    (void)rng;
    for (int i = 0; i < S; i++) left[i] = i;
    while (S > 1) {
        int each = (int)(c[1] / (S * phases));
        if (each < 1) each = 1;
        if (h->t < at + S * each) return only(h, v, left[(h->t - at) / each]);
        struct past phase = past_first(h, at + S * each);
        double sum[K_MAX] = {0};
        for (int s = at; s < phase.t; s++) sum[phase.o[s].arm] += reward_at(&phase, c[0], s);
        for (int stay = (S + 1) / 2; S > stay; S--) { // the last of the worst goes
            int worst = 0;
            for (int j = 0; j < S; j++)
                if (sum[left[j]] <= sum[left[worst]] + 1e-12) worst = j;
            for (int j = worst; j + 1 < S; j++) left[j] = left[j + 1];
        }
        at = phase.t;
    }
    only(h, v, left[0]);
}

static void test_seq_halving(void **state) {
    (void)state;
    pinned("seq-halving", seq_halving, (double[]){RATE, 64});
    pinned("seq-halving:budget=30", seq_halving, (double[]){RATE, 30});
    pinned("seq-halving:budget=1,reward=len", seq_halving, (double[]){LEN, 1});
}

static void seed_ucb_fixed(const struct past *h, const double *c, struct rng *rng, double *v) {
    double most = 0;
    (void)rng;
    if (h->t < 7) return only(h, v, h->t % h->p->K);
    if (starts(h, v)) return;
    for (int s = 0; s < h->t; s++) most = fmax(most, h->o[s].emitted / seconds_at(h, s));
    for (int i = 0; i < h->p->K; i++) {
        double sum = 0;
        for (int s = 0; s < h->t; s++) sum += h->o[s].arm == i ? h->o[s].emitted / seconds_at(h, s) / most : 0;
        v[i] = sum / plays(h, i) + sqrt(c[0] * log(h->t + 1) / plays(h, i));
    }
}

static void test_seed_ucb_fixed(void **state) {
    (void)state;
    pinned("seed-ucb-fixed", seed_ucb_fixed, (double[]){6});
    pinned("seed-ucb:bonus=arm,arithmetic=f64,scale=max", seed_ucb_fixed, (double[]){6});
}

/* Forgetting: each round weighs keep^age, or 1 in a window and 0 before. c = reward, keep (above 1: window), index. */
enum { D_KL_UCB = 1, D_IMED, D_UCBSPEC };

static void d_index(const struct past *h, const double *c, struct rng *rng, double *v) {
    double n[K_MAX] = {0}, x[K_MAX] = {0}, all = 0, most = 0;
    int K = h->p->K;
    (void)rng;
    for (int s = 0; s < h->t; s++) {
        double weight = c[1] > 1 ? s >= h->t - c[1] : pow(c[1], h->t - 1 - s);
        n[h->o[s].arm] += weight, x[h->o[s].arm] += weight * reward_at(h, c[0], s), all += weight;
    }
    for (int i = 0; i < K; i++)
        if (n[i] == 0) return only(h, v, i);
    for (int i = 0; i < K; i++) most = fmax(most, x[i] /= n[i]);
    double log_all = all > 1 ? log(all) : 0;
    for (int i = 0; i < K; i++) {
        if (c[2] == D_KL_UCB) v[i] = coin_bound(x[i], log_all / n[i]);
        else if (c[2] == D_IMED) v[i] = -log(n[i]) - n[i] * coin_kl(x[i], most);
        else v[i] = x[i] + 0.5 * sqrt((1 + n[i]) / pow(n[i], 2) * (1 + 2 * log(K * exp(2 * log_all) * sqrt(1 + n[i]) / 0.5)));
    }
}

static void test_forgetting_with_other_indices(void **state) {
    (void)state;
    pinned("d-ucb:index=kl-ucb", d_index, (double[]){RATE, 0.98, D_KL_UCB});
    pinned("d-ucb:index=imed,keep=0.9", d_index, (double[]){RATE, 0.9, D_IMED});
    pinned("d-ucb:index=ucbspec", d_index, (double[]){RATE, 0.98, D_UCBSPEC});
    pinned("sw-ucb:index=kl-ucb,window=20", d_index, (double[]){RATE, 20, D_KL_UCB});
    pinned("sw-ucb:index=imed,window=30", d_index, (double[]){RATE, 30, D_IMED});
    pinned("sw-ucb:index=ucbspec,window=30", d_index, (double[]){RATE, 30, D_UCBSPEC});
    pinned("d-ucb:index=kl-ucb,keep=1", kl_ucb, (double[]){RATE, 0});
    pinned("d-ucb:index=imed,keep=1", imed, (double[]){RATE});
}

/* Acceptance rates of drafters: c = pooled, reward, a parameter, doubt. */

static void kl_ucb_tgd(const struct past *h, const double *c, struct rng *rng, double *v) {
    double f = h->t > 0 ? log(h->t) : 0;
    (void)rng;
    if (c[2] > 0 && f > 1) f += c[2] * log(f);
    for (int i = 0; i < h->p->K; i++) {
        double won, lost, q = 1;
        trials_of(h, c[0] == 1, i, &won, &lost);
        won += c[4] * c[5], lost += c[4] * (1 - c[5]);
        if (won + lost > 0) q = coin_bound(won / (won + lost), f / (won + lost));
        v[i] = over_cost(h, c[1], c[3], i, mu(h->p->arms[i].gamma, q));
    }
}

static void test_kl_ucb_tgd(void **state) {
    (void)state;
    pinned("kl-ucb-tgd", kl_ucb_tgd, (double[]){1, VALUE_RATE, 0, 0.1, 0, 0});
    pinned("kl-ucb-tgd:pooled=0,c=3,doubt=0.3", kl_ucb_tgd, (double[]){0, VALUE_RATE, 3, 0.3, 0, 0});
    pinned("kl-ucb-tgd:reward=len", kl_ucb_tgd, (double[]){1, VALUE_LEN, 0, 0, 0, 0});
    pinned("kl-ucb-tgd:warm=3,accept=0.6", kl_ucb_tgd, (double[]){1, VALUE_RATE, 0, 0.1, 3, 0.6});
}

/* With lengths alone and one gamma for all of a drafter, the longest always plays: only drafters are pinned. */
static void imed_tgd(const struct past *h, const double *c, struct rng *rng, double *v) {
    double value[K_MAX], n[K_MAX], p[K_MAX], price[K_MAX], most = 0;
    int K = h->p->K, longest = -1;
    (void)rng;
    for (int i = 0; i < K; i++) {
        const struct arm *arm = &h->p->arms[i];
        double won, lost;
        trials_of(h, c[0] == 1, i, &won, &lost);
        if (arm->gamma == 0) won = plays(h, i), lost = 0;
        else won += c[3] * c[4], lost += c[3] * (1 - c[4]);
        n[i] = won + lost, p[i] = won / n[i];
        price[i] = c[1] == VALUE_LEN || h->t < 2 ? 1 : expected_seconds(h, i, c[2]);
        if (n[i] == 0 && (longest < 0 || arm->gamma > h->p->arms[longest].gamma)) longest = i;
    }
    if (longest >= 0) return only(h, v, longest);
    for (int i = 0; i < K; i++) most = fmax(most, value[i] = mu(h->p->arms[i].gamma, p[i]) / price[i]);
    for (int i = 0; i < K; i++) {
        int gamma = h->p->arms[i].gamma;
        double want = most * price[i], lo = p[i], hi = 1;
        for (int k = 0; k < 100; k++) {
            double q = (lo + hi) / 2;
            if (mu(gamma, q) < want) lo = q; else hi = q;
        }
        v[i] = -log(n[i]);
        if (value[i] < most * (1 - 1e-12)) v[i] = want < gamma + 1 ? v[i] - n[i] * coin_kl(p[i], lo) : -INFINITY;
    }
}

static void test_imed_tgd(void **state) {
    (void)state;
    pinned("imed-tgd", imed_tgd, (double[]){1, VALUE_RATE, 0.1, 0, 0});
    pinned("imed-tgd:pooled=0,doubt=0.2", imed_tgd, (double[]){0, VALUE_RATE, 0.2, 0, 0});
    pinned("imed-tgd:pooled=0,reward=len", imed_tgd, (double[]){0, VALUE_LEN, 0, 0, 0});
    pinned("imed-tgd:warm=3,accept=0.6", imed_tgd, (double[]){1, VALUE_RATE, 0.1, 3, 0.6});
}

/* Distributions of accepted lengths. */

/* The dual by thirds: max over l in [0, 1/(1-mu)] of the concave sum w_k ln(1 - l (k/m - mu)). */
static double slow_kinf(const double *count, int m, double n, double mean) {
    double lo = 0, hi = 1 / (1 - mean), value[2];
    for (int step = 0; step < 200; step++) {
        double l[2] = {lo + (hi - lo) / 3, hi - (hi - lo) / 3};
        for (int e = 0; e < 2; e++) {
            value[e] = 0;
            for (int k = 0; k <= m; k++)
                if (count[k] > 0) value[e] += count[k] / n * log(fmax(1 - l[e] * ((double)k / m - mean), 0));
        }
        if (value[0] < value[1]) lo = l[0]; else hi = l[1];
    }
    return fmax(value[0], 0);
}

static double slow_kinf_bound(const double *count, int m, double n, double d) {
    double lo = 0, hi = 1;
    for (int k = 0; k <= m; k++) lo += count[k] / n * k / m;
    for (int step = 0; step < 60; step++) {
        double mean = (lo + hi) / 2;
        if (slow_kinf(count, m, n, mean) <= d) lo = mean; else hi = mean;
    }
    return lo;
}

static void emp_kl_ucb(const struct past *h, const double *c, struct rng *rng, double *v) {
    (void)rng;
    if (starts(h, v)) return;
    double f = log(h->t), count[9];
    if (c[1] > 0 && f > 1) f += c[1] * log(f);
    for (int i = 0; i < h->p->K; i++) {
        int gamma = h->p->arms[i].gamma;
        double n = counts_of(h, i, count);
        v[i] = over_cost(h, c[0], c[2], i, gamma ? 1 + gamma * slow_kinf_bound(count, gamma, n, f / n) : 1);
    }
}

static void test_emp_kl_ucb(void **state) {
    (void)state;
    pinned("emp-kl-ucb", emp_kl_ucb, (double[]){VALUE_RATE, 0, 0.1});
    pinned("emp-kl-ucb:reward=len", emp_kl_ucb, (double[]){VALUE_LEN, 0, 0});
    pinned("emp-kl-ucb:c=1,doubt=0.2", emp_kl_ucb, (double[]){VALUE_RATE, 1, 0.2});
}

static void imed_emp(const struct past *h, const double *c, struct rng *rng, double *v) {
    (void)rng;
    if (starts(h, v)) return;
    double count[9], price[K_MAX], value[K_MAX], most = 0;
    for (int i = 0; i < h->p->K; i++) {
        double n = counts_of(h, i, count), sum = 0;
        for (int k = 0; k <= h->p->L; k++) sum += count[k] * (k + 1);
        price[i] = c[0] == VALUE_LEN ? 1 : expected_seconds(h, i, c[1]);
        most = fmax(most, value[i] = sum / n / price[i]);
    }
    for (int i = 0; i < h->p->K; i++) {
        int gamma = h->p->arms[i].gamma;
        double n = counts_of(h, i, count), want = most * price[i] - 1;
        v[i] = -log(n);
        if (value[i] < most) v[i] = gamma && want < gamma ? v[i] - n * slow_kinf(count, gamma, n, want / gamma) : -INFINITY;
    }
}

static void test_imed_emp(void **state) {
    (void)state;
    pinned("imed-emp", imed_emp, (double[]){VALUE_RATE, 0.1});
    pinned("imed-emp:reward=len", imed_emp, (double[]){VALUE_LEN, 0});
    pinned("imed-emp:doubt=0.3", imed_emp, (double[]){VALUE_RATE, 0.3});
}

/* Every draft is cut to 1 token: no arm is ever played in full, and yet each start is over after K rounds. */
static void test_arms_longer_than_the_budget_do_not_stay_untried(void **state) {
    (void)state;
    static const char *const specs[] = {"emp-kl-ucb", "imed-emp"};
    struct arm arms[K_MAX];
    struct problem p = pinned_problem(0, arms);
    for (int s = 0; s < 2; s++) {
        struct agent a;
        struct err err;
        int played[K_MAX] = {0};
        assert_int_equal(agent_open(&a, specs[s], &p, &err), 0);
        for (int t = 0; t < 200; t++) {
            int arm = agent_select(&a, NULL), gamma = arms[arm].gamma < 1 ? 0 : 1;
            if (t < p.K) assert_int_equal(played[arm], 0);
            played[arm]++;
            agent_update(&a, &(struct outcome){.arm = arm, .gamma = gamma, .proposed = gamma, .accepted = gamma && t % 2,
                                               .emitted = 1 + (gamma && t % 2), .draft_s = 0.001 * gamma, .verify_s = 0.03});
        }
        for (int i = 0; i < p.K; i++) assert_true(played[i] < 190);
        agent_close(&a);
    }
}

/* c = reward, alpha, doubt. */
static void ucb_side(const struct past *h, const double *c, struct rng *rng, double *v) {
    (void)rng;
    for (int i = 0; i < h->p->K; i++) {
        int gamma = h->p->arms[i].gamma;
        double n, mean = side_mean_of(h, i, &n), bound = n > 0 ? 1 + mean + gamma * sqrt(c[1] * log(h->t) / n) : gamma + 1;
        v[i] = over_cost(h, c[0], c[2], i, gamma ? fmin(bound, gamma + 1) : 1);
    }
}

static void test_ucb_side(void **state) {
    (void)state;
    pinned("ucb-side", ucb_side, (double[]){VALUE_RATE, 0.5, 0.1});
    pinned("ucb-side:alpha=0.02,reward=len", ucb_side, (double[]){VALUE_LEN, 0.02, 0});
    pinned("ucb-side:alpha=0.05,doubt=0", ucb_side, (double[]){VALUE_RATE, 0.05, 0});
}

static void osub(const struct past *h, const double *c, struct rng *rng, double *v) {
    int leader = leader_at(h, c[0], h->t), led = 0, degree = 0, K = h->p->K;
    (void)rng;
    if (starts(h, v)) return;
    for (int s = 0; s <= h->t; s++) led += leader_at(h, c[0], s) == leader;
    for (int i = 0; i < K; i++) {
        int n = 0;
        for (int j = 0; j < K; j++) n += consecutive(h->p, i, j);
        if (n > degree) degree = n;
    }
    if ((led - 1) % (degree + 1) == 0) return only(h, v, leader);
    double f = log(led);
    if (c[1] > 0 && f > 1) f += c[1] * log(f);
    for (int i = 0; i < K; i++)
        v[i] = i == leader || consecutive(h->p, leader, i) ? coin_bound(mean_reward(h, c[0], i), f / plays(h, i)) : -1;
}

static void test_osub(void **state) {
    (void)state;
    pinned("osub", osub, (double[]){RATE, 0});
    pinned("osub:c=3", osub, (double[]){RATE, 3});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_baselines),
        cmocka_unit_test(test_ucb1),
        cmocka_unit_test(test_ucb1_tuned),
        cmocka_unit_test(test_ucb_v),
        cmocka_unit_test(test_moss),
        cmocka_unit_test(test_kl_ucb),
        cmocka_unit_test(test_kl_ucb_pp),
        cmocka_unit_test(test_imed),
        cmocka_unit_test(test_epsilon_greedy),
        cmocka_unit_test(test_etc),
        cmocka_unit_test(test_elim),
        cmocka_unit_test(test_elim_drops_an_arm_when_its_bound_says_so),
        cmocka_unit_test(test_boltzmann),
        cmocka_unit_test(test_metasd_ucb),
        cmocka_unit_test(test_seq_halving),
        cmocka_unit_test(test_seed_ucb_fixed),
        cmocka_unit_test(test_forgetting_with_other_indices),
        cmocka_unit_test(test_kl_ucb_tgd),
        cmocka_unit_test(test_imed_tgd),
        cmocka_unit_test(test_emp_kl_ucb),
        cmocka_unit_test(test_imed_emp),
        cmocka_unit_test(test_arms_longer_than_the_budget_do_not_stay_untried),
        cmocka_unit_test(test_ucb_side),
        cmocka_unit_test(test_osub),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
