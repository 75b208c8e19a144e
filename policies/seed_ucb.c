/* seed_ucb.c - the rule of the first public implementation of BanditSpec, as coded, and repaired.
 *
 * sail-sg/BanditSpec, generate_utils.py, ucb_length_spec_generate (commit 4e6dd86). With t
 * rounds so far, n of them with an arm, and rewards in emitted tokens per second:
 *   t < warmup: arm t mod K; after it the highest mean + bonus, ties to the lowest number
 *   bonus=shared: sqrt( 6 ln(t+1) / t ), the same number for every arm, as coded: it
 *                 changes no comparison, so the rule is greedy after the warm-up
 *   bonus=arm:    sqrt( 6 ln(t+1) / n ), the textbook rule the code reads like
 *   scale=max:    means are divided by the highest reward so far: hundreds of tokens per second would drown
 *                 any bonus, which is made for rewards in [0, 1]
 * warmup=7 is `out_index < 8` counted from 1 (the text describes 8); arithmetic=f32 keeps
 * means and scores as single-precision tensors do. seed-ucb-fixed is the same policy with the repairs as its defaults.
 * Check: K=4, rounds 1..7 play arms 0 1 2 3 0 1 2. */
#include "policies/seed_ucb.h"

#include <math.h>

enum { WARMUP, BONUS, ARITHMETIC, SCALE };
enum { SHARED, PER_ARM };
enum { F32, F64 };
enum { RAW, MAX };

struct seed_ucb {
    int64_t t;
    double most;     // highest reward so far
    struct seed_ucb_arm {
        int64_t n;
        double mean; // tokens per second; a float's value under arithmetic=f32
    } arm[]; // (K)
};

static size_t seed_ucb_size(const struct problem *p) {
    return sizeof(struct seed_ucb) + (size_t)p->K * sizeof(struct seed_ucb_arm);
}

static int seed_ucb_check(const struct problem *p, const double *param, struct err *err) {
    (void)p;
    if (param[WARMUP] == floor(param[WARMUP])) return 0;
    return err_set(err, "policies 'seed-ucb' and 'seed-ucb-fixed': 'warmup' wants a whole number, got '%g'", param[WARMUP]);
}

static double score(const struct seed_ucb *s, int i, const double *param) {
    const struct seed_ucb_arm *arm = &s->arm[i];
    double plays = (double)(param[BONUS] == SHARED ? s->t : arm->n);
    if (plays == 0) return param[BONUS] == SHARED ? 0 : INFINITY; // round 1, or an arm the warm-up missed
    double bonus = sqrt(6 * log((double)(s->t + 1)) / plays), mean = param[SCALE] == MAX ? arm->mean / s->most : arm->mean;
    return param[ARITHMETIC] == F32 ? (float)mean + (float)bonus : mean + bonus;
}

static int seed_ucb_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct seed_ucb *s = state;
    (void)rng;
    if (s->t < param[WARMUP]) return (int)(s->t % p->K);
    double best = -1;
    int arm = 0;
    for (int i = 0; i < p->K; i++) {
        double have = score(s, i, param);
        if (have > best) best = have, arm = i;
    }
    return arm;
}

static void seed_ucb_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct seed_ucb *s = state;
    struct seed_ucb_arm *arm = &s->arm[o->arm];
    (void)p;
    // A clock may report nothing: a nanosecond keeps the reward finite.
    double reward = o->emitted / fmax(o->draft_s + o->verify_s, 1e-9);
    s->t++;
    s->most = fmax(s->most, reward);
    arm->n++;
    if (param[ARITHMETIC] == F32) {
        float n = (float)arm->n; // as coded, each step rounded: (mean (n-1) + reward) / n
        arm->mean = ((float)arm->mean * (n - 1) + (float)reward) / n;
    } else {
        double n = (double)arm->n;
        arm->mean = (arm->mean * (n - 1) + reward) / n;
    }
}

double seed_ucb_mean(const struct agent *a, int arm) {
    const struct seed_ucb *s = a->state;
    return s->arm[arm].mean;
}

double seed_ucb_score(const struct agent *a, int arm) { return score(a->state, arm, a->param); }

#define PARAMS(bonus, arithmetic, scale) { \
        {"warmup", 7, 0, 1e6, NULL, "round-robin rounds at the start; 7 as coded, 8 as described"}, \
        {"bonus", bonus, 0, 1, "shared|arm", "one bonus for all arms (as coded) or one per arm"}, \
        {"arithmetic", arithmetic, 0, 1, "f32|f64", "precision of means and scores"}, \
        {"scale", scale, 0, 1, "raw|max", "tokens per second, or their share of the highest so far"}, \
    }

const struct policy policy_seed_ucb = {
    .name = "seed-ucb", .setting = "stochastic",
    .summary = "the first public implementation's rule on tokens per second",
    .cite = "sail-sg/BanditSpec generate_utils.py ucb_length_spec_generate (4e6dd86)",
    .bound = "none: greedy after the warm-up unless bonus=arm",
    .flags = POLICY_SECONDS,
    .params = PARAMS(SHARED, F32, RAW),
    .check = seed_ucb_check,
    .size = seed_ucb_size, .init = NULL, .select = seed_ucb_select, .update = seed_ucb_update,
};

const struct policy policy_seed_ucb_fixed = {
    .name = "seed-ucb-fixed", .setting = "stochastic",
    .summary = "the first public implementation's rule with a bonus per arm and rewards in [0, 1]",
    .cite = "sail-sg/BanditSpec generate_utils.py ucb_length_spec_generate (4e6dd86), repaired; Auer, Cesa-Bianchi, Fischer 2002",
    .bound = "O( sum ln T / Delta_i ) once the highest reward has been seen, that of UCB1 with alpha = 6",
    .flags = POLICY_SECONDS,
    .params = PARAMS(PER_ARM, F64, MAX),
    .check = seed_ucb_check,
    .size = seed_ucb_size, .init = NULL, .select = seed_ucb_select, .update = seed_ucb_update,
};
