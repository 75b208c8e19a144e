/* test_deepen.c - policies that stop inside a draft against their rules, computed anew from the whole history after every token. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/cost.h"
#include "tests/gauss.h"
#include "tests/seeing_world.h"

enum { K = 5, D = 2, L = 8, ROUNDS = 200 };

static struct arm arms[K] = {
    {.drafter = -1, .name = "plain"},
    {.drafter = 0, .gamma = 3, .name = "a:3"}, {.drafter = 0, .gamma = 8, .name = "a:8"},
    {.drafter = 0, .gamma = 8, .name = "a:stop(entropy>1)", .stop = {STOP_ENTROPY, 1, 0}},
    {.drafter = 1, .gamma = 6, .name = "b:6"},
};
static const struct problem problem = {.K = K, .D = D, .L = L, .arms = arms};

static struct agent agent_of(const char *spec) {
    struct agent a;
    struct err err;
    if (agent_open(&a, spec, &problem, &err)) fail_msg("%s", err.text);
    return a;
}

static struct { struct outcome o; struct seen_draft draft; } past[ROUNDS];

/* Chance that a token of this probability is accepted, after n rounds: probabilities as they are, or Platt's scaling by one Newton step a
 * tested token, with the precision as a plain sum. */
static double confidence(int n, bool calibrate, double top_prob) {
    double w[2] = {0, 1}, precision[4] = {1, 0, 0, 1}, S[4];
    if (!calibrate) return top_prob;
    for (int i = 0; i < n; i++) {
        const struct outcome *o = &past[i].o;
        if (!o->signal) continue;
        for (int k = 0; k < o->proposed && k <= o->accepted; k++) {
            double p = (double)o->signal[2 * k], x[2] = {1, log(p / (1 - p))}, q = 1 / (1 + exp(-w[0] - w[1] * x[1]));
            for (int a = 0; a < 2; a++)
                for (int b = 0; b < 2; b++) precision[2 * a + b] += q * (1 - q) * x[a] * x[b];
            gauss_inverse(precision, 2, S);
            for (int a = 0; a < 2; a++)
                for (int b = 0; b < 2; b++) w[a] += S[2 * a + b] * x[b] * ((k < o->accepted) - q);
        }
    }
    return 1 / (1 + exp(-w[0] - w[1] * log(top_prob / (1 - top_prob))));
}

static double product(int t, bool calibrate, const struct seen_draft *draft, int k) {
    double all = 1;
    for (int i = 0; i < k; i++) all *= confidence(t, calibrate, (double)draft->signal[2 * i]);
    return all;
}

/* Tokens that SpecDec++ drafts in round t. */
static int specdec(int t, const struct seen_draft *draft, bool calibrate, double threshold) {
    int k = 1;
    while (k < L && 1 - product(t, calibrate, draft, k) <= threshold) k++;
    return k;
}

/* Does token k + 1 pay in round t, when the k before it hold with chance `kept`? */
static bool pays(int t, int k, double kept, double keep) {
    double tokens = 0, seconds = 0, tested = 0, accepted = 0;
    struct cost *c = calloc(1, cost_size(&problem));
    for (int i = 0; i < t; i++) {
        const struct outcome *o = &past[i].o;
        cost_update(c, &problem, o);
        if (i) tokens = tokens * keep + o->emitted, seconds = seconds * keep + o->draft_s + o->verify_s;
        tested += o->accepted >= k && o->proposed > k;
        accepted += o->accepted > k;
    }
    double price = tokens / seconds * cost_token(c, 0, k + 1);
    bool untimed = t < 2;
    free(c);
    return untimed || kept * (1 + accepted) / (1 + tested) > price;
}

static int myopic(int t, const struct seen_draft *draft, bool calibrate, double keep) {
    int k = 1;
    while (k < L && pays(t, k, product(t, calibrate, draft, k), keep)) k++;
    return k;
}

static void test_specdec_pp_stops_where_a_rejection_is_likely(void **state) {
    (void)state;
    static const struct { const char *spec; bool calibrate; double threshold; } cases[] = {
        {"specdec-pp:calibrate=no", false, 0.7}, {"specdec-pp", true, 0.7}, {"specdec-pp:threshold=0.4", true, 0.4},
        {"specdec-pp:threshold=0.9,calibrate=no", false, 0.9},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct agent a = agent_of(cases[c].spec);
        unsigned lengths = 0;
        for (int t = 0; t < ROUNDS; t++) {
            struct rng rng = rng_at(1, 1, 1, (uint32_t)t);
            int arm = agent_select(&a, &rng);
            assert_int_equal(arm, 2);
            past[t].o = world_play(11, &a, arm, t, 0, &past[t].draft);
            int want = specdec(t, &past[t].draft, cases[c].calibrate, cases[c].threshold);
            if (past[t].o.proposed != want) fail_msg("%s: round %d drafts %d, by the rule %d", cases[c].spec, t, past[t].o.proposed, want);
            agent_update(&a, &past[t].o);
            lengths |= 1u << want;
        }
        if (__builtin_popcount(lengths) < 3) fail_msg("%s: drafts have %d lengths only", cases[c].spec, __builtin_popcount(lengths));
        agent_close(&a);
    }
}

static void test_specdec_pp_check_value(void **state) {
    (void)state;
    struct agent a = agent_of("specdec-pp:calibrate=no");
    for (int round = 0; round < 2; round++) // the product starts anew
        for (int depth = 1; depth <= 3; depth++) {
            struct drafted x = {.arm = 2, .depth = depth, .top_prob = 0.6f};
            assert_int_equal(agent_deepen(&a, &x), depth < 3);
        }
    struct drafted odd = {.arm = 2, .depth = 1, .top_prob = NAN};
    assert_false(agent_deepen(&a, &odd));
    agent_close(&a);
}

static void test_myopic_rate_drafts_while_a_token_pays(void **state) {
    (void)state;
    static const struct { const char *spec; bool calibrate; double keep; int probe; } cases[] = {
        {"myopic-rate", true, 0.99, 32}, {"myopic-rate:calibrate=no,keep=0.9", false, 0.9, 32}, {"myopic-rate:probe=3", true, 0.99, 3},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (int dear = 0; dear < 2; dear++) { // the second time, drafts cost more than they bring
            struct agent a = agent_of(cases[c].spec);
            unsigned lengths = 0;
            int waited = 0, plain = 0;
            for (int t = 0; t < ROUNDS; t++) {
                struct rng rng = rng_at(1, 1, 1, (uint32_t)t);
                int arm = agent_select(&a, &rng), want = 0;
                bool drafts = waited >= cases[c].probe || pays(t, 0, 1, cases[c].keep);
                if (arm != (drafts ? 2 : 0)) fail_msg("%s: round %d plays %d, by the rule %d", cases[c].spec, t, arm, drafts ? 2 : 0);
                past[t].o = world_play(12, &a, arm, t, 0, &past[t].draft);
                if (arm) want = myopic(t, &past[t].draft, cases[c].calibrate, cases[c].keep);
                if (past[t].o.proposed != want)
                    fail_msg("%s: round %d drafts %d, by the rule %d", cases[c].spec, t, past[t].o.proposed, want);
                if (dear) past[t].o.draft_s *= 12;
                agent_update(&a, &past[t].o);
                lengths |= 1u << want;
                waited = arm ? 0 : waited + 1;
                plain += !arm;
            }
            if (__builtin_popcount(lengths) < 3 || (dear ? plain < 20 : plain > 20))
                fail_msg("%s: drafts have %d lengths, %d rounds are plain", cases[c].spec, __builtin_popcount(lengths), plain);
            agent_close(&a);
        }
}

/* Against the best fixed length in a world whose confidences tell the truth. */
static double seconds_of(const char *spec, int tokens, double dear) {
    struct agent a = agent_of(spec);
    double seconds = 0;
    for (uint64_t seed = 100; seed < 140; seed++) {
        agent_reset(&a);
        for (int t = 0, pos = 1; pos < tokens; t++) {
            struct rng rng = rng_at(seed, a.stream, 1, (uint32_t)t);
            struct seen_draft draft;
            struct outcome o = world_play(seed, &a, agent_select(&a, &rng), t, 0, &draft);
            o.draft_s *= dear;
            agent_update(&a, &o);
            pos += o.emitted, seconds += o.draft_s + o.verify_s;
        }
    }
    agent_close(&a);
    return seconds / 40;
}

static void test_stopping_inside_a_draft_beats_fixed_lengths(void **state) {
    (void)state;
    for (int dear = 1; dear <= 8; dear *= 2) {
        double best = INFINITY, myopic_s = seconds_of("myopic-rate", 500, dear);
        double specdec_s = seconds_of("specdec-pp", 500, dear);
        for (int i = 0; i < 3; i++) {
            char spec[32];
            snprintf(spec, sizeof spec, "fixed:arm=%d", i);
            best = fmin(best, seconds_of(spec, 500, dear));
        }
        print_message("drafting %d ms a token: best fixed %.2f s, myopic-rate %.2f s, specdec-pp %.2f s\n",
                      2 * dear, best, myopic_s, specdec_s);
        if (myopic_s > (dear < 8 ? 0.97 : 1.03) * best) fail_msg("myopic-rate needs %g s, the best fixed length %g s", myopic_s, best);
    }
}

/* Drafter 0 has no arms, 1 copies: after its first draft the turn is with 2, which shows probabilities. */
static void test_stopping_policies_find_a_drafter_with_probabilities(void **state) {
    (void)state;
    struct arm three[3] = {{.drafter = 1, .gamma = 8}, {.drafter = -1}, {.drafter = 2, .gamma = 8}};
    struct problem p = {.K = 3, .D = 3, .L = L, .arms = three};
    static const char *const specs[] = {"specdec-pp", "myopic-rate:probe=0"};
    for (int s = 0; s < 2; s++)
        for (int copiers = 0; copiers < 2; copiers++) {
            struct agent a;
            struct err err;
            three[2].drafter = copiers ? 1 : 2; // then nobody has any, and the first stays
            three[2].gamma = copiers ? 4 : 8;
            assert_int_equal(agent_open(&a, specs[s], &p, &err), 0);
            bool drafted = false;
            for (int t = 0; t < 40; t++) {
                struct rng rng = rng_at(1, 1, 1, (uint32_t)t);
                struct seen_draft draft;
                int arm = agent_select(&a, &rng), want = !drafted || copiers ? 0 : 2;
                if (arm != want && arm != 1) fail_msg("%s: round %d plays %d instead of %d", specs[s], t, arm, want);
                struct outcome o = world_play(13, &a, arm, t, 0, &draft);
                agent_update(&a, &o);
                drafted |= o.proposed > 0;
            }
            assert_true(drafted);
            agent_close(&a);
        }
}

static void test_stopping_policies_want_a_drafter_that_is_there(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {"specdec-pp:drafter=2", "no arm drafts with drafter 2"}, {"myopic-rate:drafter=0.5", "whole number"},
        {"myopic-rate:probe=0.5", "whole number"},
    };
    for (int i = 0; i < 3; i++) {
        struct agent a;
        struct err err = {""};
        assert_int_equal(agent_open(&a, bad[i][0], &problem, &err), ERR_FAILED);
        if (!strstr(err.text, bad[i][1])) fail_msg("'%s': '%s'", bad[i][0], err.text);
    }
    struct agent a = agent_of("specdec-pp:drafter=1");
    struct rng rng = rng_at(1, 1, 1, 1);
    assert_int_equal(agent_select(&a, &rng), 4);
    agent_close(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_specdec_pp_check_value),
        cmocka_unit_test(test_specdec_pp_stops_where_a_rejection_is_likely),
        cmocka_unit_test(test_myopic_rate_drafts_while_a_token_pays),
        cmocka_unit_test(test_stopping_inside_a_draft_beats_fixed_lengths),
        cmocka_unit_test(test_stopping_policies_find_a_drafter_with_probabilities),
        cmocka_unit_test(test_stopping_policies_want_a_drafter_that_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
