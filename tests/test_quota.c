/* test_quota.c - a verification quota over a batch: the seed's rule against its golden runs, the greedy against brute force, bounds
 * against slow computations. tests/golden/policies/quota.json and quota_plan.json: the first public implementation, redone apart from
 * this code in Python with single-precision tensors' rounding. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/bernoulli.h"
#include "policies/cost.h"
#include "policies/quota.h"
#include "policies/seed_quota.h"
#include "tests/seeing_world.h"

enum { R = 12, L = 8 };

/* Plain and one drafter at 1..L. */
static struct arm arms[L + 1];

static struct problem problem_of(int n) {
    for (int g = 0; g <= L; g++) {
        arms[g] = (struct arm){.drafter = g ? 0 : -1, .gamma = g};
        snprintf(arms[g].name, sizeof arms[g].name, g ? "a:%d" : "plain", g);
    }
    return (struct problem){.K = L + 1, .D = 1, .L = L, .R = n, .arms = arms};
}

static struct agent agent_of(const char *spec, const struct problem *p) {
    struct agent a;
    struct err err;
    if (agent_open(&a, spec, p, &err)) fail_msg("%s", err.text);
    return a;
}

/* Round t of the batch, requests 0..n-1 in order; arm[i] of request i. */
static void share(struct agent *a, int n, int quota, int t, int *arm) {
    struct view v[R];
    int request[R];
    struct rng rng = rng_at(1, 1, 1, (uint32_t)t);
    for (int i = 0; i < n; i++) v[i] = (struct view){.pos = 1 + t, .batch = n}, request[i] = i;
    a->policy->share(a->state, &a->problem, a->param, v, request, n, quota, &rng, arm);
}

static json_t *load(const char *path) {
    json_error_t error;
    json_t *file = json_load_file(path, 0, &error);
    if (!file) fail_msg("%s:%d: %s", path, error.line, error.text);
    return file;
}

static int whole(const json_t *object, const char *key) {
    json_t *item = json_object_get(object, key);
    if (!json_is_integer(item)) fail_msg("no whole number '%s'", key);
    return (int)json_integer_value(item);
}

static double number(const json_t *array, int i) {
    json_t *item = json_array_get(array, (size_t)i);
    if (!json_is_number(item)) fail_msg("no number at %d", i);
    return json_number_value(item);
}

static void test_plans_equal_the_seed_s(void **state) {
    (void)state;
    json_t *file = load("tests/golden/policies/quota_plan.json"), *rows = json_object_get(file, "rows"), *row;
    size_t i;
    assert_true(json_array_size(rows) > 50);
    json_array_foreach(rows, i, row) {
        struct seed_quota_plan plan = seed_quota_plan(whole(row, "all_quota"), whole(row, "batch"), 4, false);
        assert_int_equal(plan.gamma, whole(row, "gamma"));
        assert_int_equal(plan.chosen, whole(row, "spec_quota"));
    }
    json_decref(file);
}

static void play_seed(const json_t *c, const json_t *run) {
    const json_t *table = json_object_get(c, "draft_accept_unlimited"), *steps = json_object_get(run, "steps"), *step;
    const char *mode = json_string_value(json_object_get(run, "mode"));
    int n = whole(run, "batch"), quota = whole(run, "all_quota") - n, gamma = whole(run, "gamma");
    bool seed = !strcmp(mode, "seed");
    char spec[64];
    size_t t;
    snprintf(spec, sizeof spec, "seed-quota:mode=%s", mode);
    struct problem p = problem_of(n);
    struct agent a = agent_of(spec, &p);
    assert_int_equal(n, R);
    json_array_foreach(steps, t, step) {
        int arm[R], total = 0, place = 0;
        share(&a, n, quota, (int)t, arm);
        const json_t *topk = json_object_get(step, "topk"), *bonus = json_object_get(step, "bonus");
        for (; place < (int)json_array_size(topk); place++) assert_int_equal(seed_quota_ranked(&a, place), (int)number(topk, place));
        assert_int_equal(seed_quota_ranked(&a, place), -1);
        if (json_is_number(bonus) && fabs(seed_quota_bonus(&a) - json_number_value(bonus)) > (seed ? 0 : 1e-12))
            fail_msg("%s: bonus %.17g in round %zu", mode, seed_quota_bonus(&a), t);
        for (int i = 0; i < n; i++) {
            int verified = (int)number(json_object_get(step, "drafts_verified"), i);
            int unlimited = (int)number(json_array_get(table, (size_t)i), (int)t);
            assert_int_equal(arms[arm[i]].gamma, verified);
            if (!seed) assert_int_equal(verified == gamma, gamma == 0 || number(json_object_get(step, "chosen"), i) == 1);
            total += verified;
            struct outcome o = {.arm = arm[i], .gamma = verified, .proposed = verified, .request = i};
            o.accepted = unlimited < verified ? unlimited : verified;
            o.emitted = o.accepted + 1;
            assert_int_equal(o.emitted, (int)number(json_object_get(step, "correct_len"), i));
            agent_update(&a, &o);
        }
        assert_true(total <= (quota > 0 ? quota : 0));
        for (int i = 0; i < n; i++) {
            double have = seed_quota_mean(&a, i), want = number(json_object_get(step, "mean"), i);
            if (seed ? have != want : fabs(have - want) > 1e-12)
                fail_msg("%s: mean of %d is %.17g instead of %.17g in round %zu", mode, i, have, want, t);
        }
    }
    agent_close(&a);
}

static void test_seed_quota_plays_the_published_runs(void **state) {
    (void)state;
    json_t *file = load("tests/golden/policies/quota.json"), *cases = json_object_get(file, "cases"), *c, *run;
    size_t i, k, runs = 0;
    json_array_foreach(cases, i, c) json_array_foreach(json_object_get(c, "runs"), k, run) play_seed(c, run), runs++;
    print_message("%zu runs of 50 rounds\n", runs);
    assert_true(runs >= 30);
    json_decref(file);
}

/* The repaired rule from its formula: every request gamma = Q / n, and the Q mod n of highest mean accepted + sqrt(6 ln t / n_i)
 * one more. */
static void test_the_repaired_rule_spends_the_quota(void **state) {
    (void)state;
    for (int quota = 0; quota <= 40; quota += 5) {
        struct problem p = problem_of(R);
        struct agent a = agent_of("seed-quota:most=3", &p);
        double sum[R] = {0}, calls[R] = {0};
        for (int t = 0; t < 80; t++) {
            int arm[R], gamma = quota / R < 3 ? quota / R : 3, left = quota - gamma * R, more = left < R ? left : R, total = 0;
            bool chosen[R] = {false};
            for (int place = 0; place < more; place++) {
                int best = -1;
                double most = -1;
                for (int i = 0; i < R; i++) {
                    double score = calls[i] ? sum[i] / calls[i] + sqrt(6 * log(t + 1) / calls[i]) : 1e9;
                    if (!chosen[i] && score > most) most = score, best = i;
                }
                chosen[best] = true;
            }
            share(&a, R, quota, t, arm);
            for (int i = 0; i < R; i++) {
                int want = gamma + (chosen[i] && gamma < 3);
                if (arms[arm[i]].gamma != want)
                    fail_msg("quota %d, round %d: request %d drafts %d, by the rule %d", quota, t, i, arms[arm[i]].gamma, want);
                struct seen_draft x = world_draft(5, 2 * i, t, i, L);
                struct outcome o = {.arm = arm[i], .gamma = want, .proposed = want, .request = i};
                o.accepted = x.accepted < want ? x.accepted : want;
                o.emitted = o.accepted + 1;
                agent_update(&a, &o);
                if (chosen[i]) sum[i] += o.accepted, calls[i]++;
                total += want;
            }
            assert_int_equal(total, quota < 3 * R ? quota : 3 * R);
        }
        agent_close(&a);
    }
}

/* ---- the greedy ---- */

static double value_of(const double *tail, const int *length, int n) {
    double sum = 0;
    for (int r = 0; r < n; r++)
        for (int j = 0; j < length[r]; j++) sum += tail[r * L + j];
    return sum;
}

/* Best over all choices of lengths, each of them tried. */
static double brute(const double *tail, const struct quota_lengths *l, int n, int quota, int r, int *length) {
    if (r == n) return value_of(tail, length, n);
    double best = -1;
    for (int k = 0; k < l->n && l->at[k] <= quota; k++) {
        length[r] = l->at[k];
        best = fmax(best, brute(tail, l, n, quota - l->at[k], r + 1, length));
    }
    return best;
}

static void falling_tail(double *tail, int n, uint32_t seed) {
    struct rng r = rng_at(17, seed, 0, 0);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < L; j++) tail[i * L + j] = (j ? tail[i * L + j - 1] : 1) * (rng_uniform(&r) < 0.1 ? 1 : rng_uniform(&r));
}

static void test_greedy_is_optimal(void **state) {
    (void)state;
    struct problem p = problem_of(3);
    struct quota_lengths l;
    struct quota_step heap[4];
    quota_lengths(&l, &p, 0);
    assert_int_equal(l.n, L + 1);
    for (uint32_t seed = 0; seed < 200; seed++)
        for (int n = 1; n <= 3; n++)
            for (int quota = 0; quota <= 3 * L + 2; quota += 1 + (n == 3)) {
                double tail[3 * L];
                int length[3], tried[3], total = 0;
                falling_tail(tail, n, seed);
                int spent = quota_fill(tail, L, n, quota, &l, heap, length, NULL, NULL);
                for (int r = 0; r < n; r++) total += length[r];
                assert_int_equal(total, spent);
                assert_int_equal(total, quota < n * L ? quota : n * L);
                double have = value_of(tail, length, n), want = brute(tail, &l, n, quota, 0, tried);
                if (fabs(have - want) > 1e-12)
                    fail_msg("seed %u, %d requests, quota %d: %.12g instead of %.12g", seed, n, quota, have, want);
            }
    const double check[] = {.9, .8, .1, 0, 0, 0, 0, 0, .7, .6, .5, 0, 0, 0, 0, 0};
    int length[2];
    quota_fill(check, L, 2, 4, &l, heap, length, NULL, NULL);
    assert_true(length[0] == 2 && length[1] == 2);
}

/* With gaps between the lengths on offer the greedy stays within the quota and within one step of the best. */
static void test_greedy_with_few_lengths_is_near_the_best(void **state) {
    (void)state;
    const struct quota_lengths l = {4, {0, 2, 4, 8}};
    struct quota_step heap[3];
    double lost = 0;
    for (uint32_t seed = 0; seed < 300; seed++)
        for (int quota = 0; quota <= 24; quota++) {
            double tail[3 * L];
            int length[3], tried[3];
            falling_tail(tail, 3, seed);
            int spent = quota_fill(tail, L, 3, quota, &l, heap, length, NULL, NULL);
            double have = value_of(tail, length, 3), want = brute(tail, &l, 3, quota, 0, tried);
            assert_true(spent <= quota && have <= want + 1e-12);
            lost = fmax(lost, want - have);
        }
    print_message("at most %.3f expected tokens lost\n", lost);
    assert_true(lost <= 1); // a step of two tokens that no longer fits brings at most what stood in its way
}

/* Equal requests share equally, to the lowest first. */
static void test_ties_are_spread(void **state) {
    (void)state;
    struct problem p = problem_of(4);
    struct quota_lengths l;
    struct quota_step heap[4];
    double tail[4 * L];
    int length[4];
    quota_lengths(&l, &p, 0);
    for (int i = 0; i < 4 * L; i++) tail[i] = 1;
    quota_fill(tail, L, 4, 10, &l, heap, length, NULL, NULL);
    assert_true(length[0] == 3 && length[1] == 3 && length[2] == 2 && length[3] == 2);
}

static double dear(const void *user, int total) { return *(const double *)user + total; }

/* Of all batches that spend in order of gain, the load-aware one has the highest tokens per second. */
static void test_load_aware_size_is_where_tokens_per_second_peak(void **state) {
    (void)state;
    struct problem p = problem_of(3);
    struct quota_lengths l;
    struct quota_step heap[3];
    quota_lengths(&l, &p, 0);
    int sizes = 0;
    for (uint32_t seed = 0; seed < 200; seed++)
        for (double fixed = 1; fixed < 100; fixed *= 2) {
            double tail[3 * L], best = -1;
            int length[3];
            falling_tail(tail, 3, seed);
            for (int quota = 0; quota <= 3 * L; quota++) {
                int total = quota_fill(tail, L, 3, quota, &l, heap, length, NULL, NULL);
                best = fmax(best, (3 + value_of(tail, length, 3)) / (fixed + total));
            }
            int total = quota_fill(tail, L, 3, 3 * L, &l, heap, length, dear, &fixed);
            double have = (3 + value_of(tail, length, 3)) / (fixed + total);
            if (fabs(have / best - 1) > 1e-12) fail_msg("seed %u, fixed %g: %g instead of %g tokens a second", seed, fixed, have, best);
            sizes += total > 0 && total < 3 * L;
        }
    assert_true(sizes > 300);
}

/* ---- cucb and greedy-quota against slow bounds ---- */

enum { ROUNDS = 120, N = 5 };
static struct outcome past[ROUNDS][N];
static bool gone[ROUNDS][N]; // a new sequence began in this place in this round

/* Takes the Q largest of all (r, j), one after the other. */
static void pick(double tail[N][L], int quota, int t, bool load, int *length) {
    struct cost *c = calloc(1, 8192);
    struct problem p = problem_of(N);
    double tokens = N;
    for (int i = 0; i < t * N; i++) {
        const struct outcome *of = &past[i / N][i % N];
        const struct outcome o = {.arm = 0, .gamma = 0, .proposed = of->proposed, .verify_s = of->draft_s + of->verify_s};
        cost_update(c, &p, &o);
    }
    for (int r = 0; r < N; r++) length[r] = 0;
    for (int total = 0; total < quota; total++) {
        int best = -1;
        for (int r = 0; r < N; r++) {
            if (length[r] == L) continue;
            double gain = tail[r][length[r]], most = best < 0 ? -1 : tail[best][length[best]];
            if (gain > most || (gain == most && length[r] < length[best])) best = r;
        }
        if (best < 0) break;
        double gain = tail[best][length[best]];
        double rate = tokens / cost_verify(c, (double)total / N), next = (tokens + gain) / cost_verify(c, (total + 1.0) / N);
        if (load && t > 0 && next < rate * (1 - 1e-12)) break;
        tokens += gain;
        length[best]++;
    }
    free(c);
}

static void cucb_tail(int t, double tail[N][L]) {
    for (int r = 0; r < N; r++)
        for (int j = 0; j < L; j++) {
            double seen = 0, accepted = 0;
            for (int i = 0; i < t; i++) {
                if (gone[i][r]) seen = accepted = 0;
                if (past[i][r].gamma <= j) continue;
                seen++, accepted += past[i][r].accepted > j;
            }
            if (gone[t][r]) seen = accepted = 0;
            tail[r][j] = seen ? fmin(1, accepted / seen + sqrt(3 * log(t) / (2 * seen))) : 1;
            if (j) tail[r][j] = fmin(tail[r][j], tail[r][j - 1]);
        }
}

/* By bisection on the definition of the bound. */
static double bound(double accepted, double tested, double budget) {
    if (!tested) return 1;
    double mean = accepted / tested, lo = mean, hi = 1;
    for (int i = 0; i < 60; i++) {
        double q = (lo + hi) / 2;
        if (tested * bernoulli_kl(mean, q) <= budget) lo = q;
        else hi = q;
    }
    return lo;
}

static void greedy_tail(int t, bool hazard, double tail[N][L]) {
    for (int r = 0; r < N; r++) {
        double tested[L] = {0}, accepted[L] = {0}, all = 0, hits = 0;
        for (int i = 0; i <= t; i++) {
            if (gone[i][r]) memset(tested, 0, sizeof tested), memset(accepted, 0, sizeof accepted);
            for (int j = 0; i < t && j < past[i][r].gamma && j <= past[i][r].accepted; j++)
                tested[j]++, accepted[j] += past[i][r].accepted > j;
        }
        for (int j = 0; j < L; j++) all += tested[j], hits += accepted[j];
        for (int j = 0; j < L; j++) {
            double q = hazard ? bound(accepted[j], tested[j], log(fmax(t, 1))) : bound(hits, all, log(fmax(t, 1)));
            tail[r][j] = (j ? tail[r][j - 1] : 1) * q;
        }
    }
}

static void play(const char *spec, int quota) {
    struct problem p = problem_of(N);
    struct agent a = agent_of(spec, &p);
    bool load = strstr(spec, "greedy") && !strstr(spec, "size=quota");
    int pos[N] = {0}, spent[2] = {1000, 0};
    for (int t = 0; t < ROUNDS; t++) {
        struct view v[N];
        double tail[N][L];
        int request[N], arm[N], want[N], total = 0;
        struct rng rng = rng_at(1, 1, 1, (uint32_t)t);
        for (int r = 0; r < N; r++) {
            gone[t][r] = t && pos[r] > 1 && rng_uniform(&rng) < 0.03; // where a sequence of one round ended, nobody can tell
            pos[r] = gone[t][r] ? 1 : pos[r] + 2;
            v[r] = (struct view){.pos = pos[r], .batch = N}, request[r] = r;
        }
        if (*spec == 'c') cucb_tail(t, tail);
        else greedy_tail(t, strstr(spec, "hazard"), tail);
        pick(tail, quota, t, load, want);
        a.policy->share(a.state, &p, a.param, v, request, N, quota, &rng, arm);
        for (int r = 0; r < N; r++) total += arms[arm[r]].gamma;
        assert_true(total <= quota);
        spent[0] = total < spent[0] ? total : spent[0], spent[1] = total > spent[1] ? total : spent[1];
        for (int r = 0; r < N; r++) {
            int have = arms[arm[r]].gamma;
            if (have != want[r]) fail_msg("%s: round %d gives request %d %d tokens, by the rule %d", spec, t, r, have, want[r]);
            struct seen_draft x = world_draft(3, 2 * r, t, r, L);
            past[t][r] = (struct outcome){.arm = arm[r], .gamma = have, .proposed = have, .request = r};
            past[t][r].draft_s = 0.001 * have, past[t][r].verify_s = (0.03 + 1e-4 * (t % 3)) / N + 0.001 * have; // its part of the pass
            past[t][r].accepted = x.accepted < have ? x.accepted : have;
            past[t][r].emitted = past[t][r].accepted + 1;
            agent_update(&a, &past[t][r]);
        }
    }
    if (load) print_message("%s: %d to %d of %d tokens\n", spec, spent[0], spent[1], quota);
    agent_close(&a);
}

static void test_cucb_shares_by_upper_bounds(void **state) {
    (void)state;
    for (int quota = 3; quota <= 45; quota += 7) play("cucb", quota);
}

static void test_greedy_quota_shares_by_acceptance_rates(void **state) {
    (void)state;
    for (int quota = 3; quota <= 45; quota += 7) {
        play("greedy-quota:size=quota", quota);
        play("greedy-quota:index=hazard,size=quota", quota);
        play("greedy-quota", quota);
        play("greedy-quota:index=hazard", quota);
    }
}

/* ---- one request, odd batches ---- */

static void test_a_single_request_plays_sensibly(void **state) {
    (void)state;
    static const char *const specs[] = {"cucb", "greedy-quota:size=quota", "seed-quota", "seed-quota:most=8", "greedy-quota"};
    for (size_t s = 0; s < sizeof specs / sizeof *specs; s++) {
        struct problem p = problem_of(0);
        struct agent a = agent_of(specs[s], &p);
        int last = 0;
        for (int t = 0; t < 300; t++) {
            struct rng rng = rng_at(2, 2, 2, (uint32_t)t), noise = rng_at(3, 3, 3, (uint32_t)t);
            const struct view v = {.pos = 1 + t, .batch = 1};
            int arm = last = agent_choose(&a, &v, &rng);
            struct outcome o = {.arm = arm, .gamma = arms[arm].gamma, .proposed = arms[arm].gamma, .verify_s = 0.03};
            o.draft_s = 0.01 * o.gamma;
            while (o.accepted < o.gamma && rng_uniform(&noise) < 0.6) o.accepted++;
            o.emitted = o.accepted + 1;
            agent_update(&a, &o);
            if (s < 4) assert_int_equal(arms[arm].gamma, s == 2 ? 4 : L);
        }
        // At 0.6 and 10 ms a token on 30 ms a pass, 1 and 2 tokens are best: 40.0 and 39.2 a second.
        if (s == 4 && (arms[last].gamma < 1 || arms[last].gamma > 3)) fail_msg("greedy-quota drafts %d tokens", arms[last].gamma);
        agent_close(&a);
    }
}

/* Any requests of the R, in any order, with arms that leave lengths out. */
static void test_shares_stay_within_any_quota(void **state) {
    (void)state;
    static const char *const specs[] = {
        "cucb", "greedy-quota", "greedy-quota:size=quota,index=hazard", "seed-quota", "seed-quota:mode=seed", "seed-quota:mode=intended",
        "seed-quota:mode=per_request_bonus",
    };
    for (size_t s = 0; s < sizeof specs / sizeof *specs; s++)
        for (int few = 0; few < 2; few++) {
            struct problem p = problem_of(R);
            struct arm some[4] = {arms[0], arms[2], arms[5], arms[8]};
            if (few) p.K = 4, p.arms = some;
            struct agent a = agent_of(specs[s], &p);
            for (int t = 0; t < 2000; t++) {
                struct rng rng = rng_at(2, 2, 2, (uint32_t)t);
                struct view v[R];
                int request[R], arm[R], n = 1 + rng_below(&rng, R), quota = rng_below(&rng, 60), total = 0;
                for (int i = 0; i < R; i++) request[i] = i;
                for (int i = 0; i < n; i++) {
                    int j = i + rng_below(&rng, R - i), x = request[i];
                    request[i] = request[j], request[j] = x;
                    v[i] = (struct view){.pos = 1 + rng_below(&rng, 300), .batch = n};
                }
                a.policy->share(a.state, &p, a.param, v, request, n, quota, &rng, arm);
                for (int i = 0; i < n; i++) {
                    assert_in_range(arm[i], 0, p.K - 1);
                    int gamma = p.arms[arm[i]].gamma;
                    total += gamma;
                    if (rng_uniform(&rng) < 0.1) continue; // its sequence ends: not fed back
                    struct outcome o = {.arm = arm[i], .gamma = gamma, .proposed = gamma, .request = request[i], .verify_s = 1};
                    o.accepted = rng_below(&rng, gamma + 1);
                    o.emitted = o.accepted + 1;
                    agent_update(&a, &o);
                }
                if (total > quota) fail_msg("%s: %d tokens of %d", specs[s], total, quota);
            }
            agent_close(&a);
        }
}

static void test_a_batch_wants_the_plain_arm(void **state) {
    (void)state;
    static const char *const specs[] = {"cucb", "greedy-quota", "seed-quota"};
    for (int s = 0; s < 3; s++) {
        struct problem p = problem_of(2);
        struct agent a;
        struct err err = {""};
        p.arms++, p.K--;
        assert_int_equal(agent_open(&a, specs[s], &p, &err), ERR_FAILED);
        assert_non_null(strstr(err.text, "wants the arm 'plain'"));
        p.R = 1;
        assert_int_equal(agent_open(&a, specs[s], &p, &err), 0);
        struct rng rng = rng_at(1, 1, 1, 1);
        assert_in_range(agent_select(&a, &rng), 0, p.K - 1);
        agent_close(&a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plans_equal_the_seed_s),
        cmocka_unit_test(test_seed_quota_plays_the_published_runs),
        cmocka_unit_test(test_the_repaired_rule_spends_the_quota),
        cmocka_unit_test(test_greedy_is_optimal),
        cmocka_unit_test(test_greedy_with_few_lengths_is_near_the_best),
        cmocka_unit_test(test_ties_are_spread),
        cmocka_unit_test(test_load_aware_size_is_where_tokens_per_second_peak),
        cmocka_unit_test(test_cucb_shares_by_upper_bounds),
        cmocka_unit_test(test_greedy_quota_shares_by_acceptance_rates),
        cmocka_unit_test(test_a_single_request_plays_sensibly),
        cmocka_unit_test(test_shares_stay_within_any_quota),
        cmocka_unit_test(test_a_batch_wants_the_plain_arm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
