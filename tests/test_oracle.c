/* test_oracle.c - hindsight: published values, brute force, and what theory promises. */
#include "tests/make_trace.h"

#include <math.h>

#include "sim/oracle.h"
#include "sim/replay.h"
#include "sim/world.h"

/* policies.md V16: A_0, A_1 over 8 tokens, positions 0..7. Ours start at 1 (prefill emitted one).
 * Seconds are in units of 1/20, in which every cost is whole: the tie at s = 3 is then exact. */
enum { V16_TOKENS = 8, V16_K = 7 };
static const int v16_accepted[2][V16_TOKENS] = {{2, 0, 1, 3, 0, 1, 0, 0}, {0, 3, 0, 0, 2, 0, 1, 0}};
static const struct { int d, gamma; } v16_arms[V16_K] = {{0, 0}, {0, 1}, {0, 2}, {0, 4}, {1, 1}, {1, 2}, {1, 4}};

static void v16_fill(struct jumps *j) {
    struct err err = {""};
    assert_int_equal(jumps_open(j, V16_TOKENS + 1, V16_K, &err), 0);
    for (int s = 0; s < V16_TOKENS; s++)
        for (int k = 0; k < V16_K; k++) {
            int d = v16_arms[k].d, gamma = v16_arms[k].gamma, a = v16_accepted[d][s] < gamma ? v16_accepted[d][s] : gamma;
            int emitted = a + 1 < V16_TOKENS - s ? a + 1 : V16_TOKENS - s;
            j->emitted[(s + 1) * V16_K + k] = (uint8_t)emitted;
            j->seconds[(s + 1) * V16_K + k] = (d ? 5 : 2) * gamma + 20 + gamma;
        }
}

static void test_oracle_matches_v16(void **state) {
    (void)state;
    struct jumps j;
    double value[V16_TOKENS + 2];
    uint16_t choice[V16_TOKENS + 1];
    v16_fill(&j);
    struct walk best = jumps_fewest_seconds(&j, value, choice);
    assert_true(value[1] == 3.9 * 20 && best.seconds == 3.9 * 20);
    assert_int_equal(best.rounds, 3);
    assert_int_equal(choice[0 + 1], 2); // (0,2), (0,2), (1,1) from s = 0, 3, 6
    assert_int_equal(choice[3 + 1], 2);
    assert_int_equal(choice[6 + 1], 4);
    assert_int_equal(jumps_fewest_rounds(&j, value), 3);
    static const struct walk fixed[V16_K] = {{8, 8.0}, {5, 5.75}, {4, 5.2}, {3, 4.8}, {5, 6.5}, {4, 6.4}, {4, 8.8}};
    for (int k = 0; k < V16_K; k++) {
        struct walk w = jumps_fixed(&j, k);
        assert_int_equal(w.rounds, fixed[k].rounds);
        assert_close(w.seconds / 20, fixed[k].seconds, 1e-12);
    }
    jumps_close(&j);
}

/* The cheapest and the shortest of all arm sequences from s, by trying them all. */
static struct walk shortest; // the fewest rounds, of those the fewest seconds
static void try_all(const struct jumps *j, int s, struct walk so_far, struct walk *least) {
    if (s == j->tokens) {
        if (so_far.rounds < shortest.rounds || (so_far.rounds == shortest.rounds && so_far.seconds < shortest.seconds)) shortest = so_far;
        if (so_far.seconds < least->seconds) least->seconds = so_far.seconds;
        if (so_far.rounds < least->rounds) least->rounds = so_far.rounds;
        return;
    }
    for (int k = 0; k < j->K; k++) {
        size_t cell = (size_t)s * (size_t)j->K + (size_t)k;
        try_all(j, s + j->emitted[cell], (struct walk){so_far.rounds + 1, so_far.seconds + j->seconds[cell]}, least);
    }
}

static void test_oracle_equals_brute_force_on_short_sequences(void **state) {
    (void)state;
    struct err err = {""};
    double value[16];
    uint16_t choice[16];
    for (uint32_t i = 0; i < 1000; i++) {
        struct rng r = rng_at(3, 0, 0, i);
        struct jumps j;
        assert_int_equal(jumps_open(&j, 2 + rng_below(&r, 8), 3, &err), 0);
        for (int s = 1; s < j.tokens; s++)
            for (int k = 0; k < j.K; k++) {
                int room = j.tokens - s < 4 ? j.tokens - s : 4;
                j.emitted[s * 3 + k] = (uint8_t)(1 + rng_below(&r, room));
                j.seconds[s * 3 + k] = 0.5 + rng_uniform(&r);
            }
        struct walk least = {1000, 1e9};
        double seconds[16];
        shortest = least;
        try_all(&j, 1, (struct walk){0}, &least);
        assert_int_equal(jumps_fewest_rounds(&j, value), least.rounds);
        assert_close(jumps_fewest_seconds(&j, value, choice).seconds, least.seconds, 1e-12);
        struct walk found = jumps_shortest(&j, value, seconds);
        assert_int_equal(found.rounds, shortest.rounds);
        assert_close(found.seconds, shortest.seconds, 1e-12);
        jumps_close(&j);
    }
}

/* Run-length tables: A(s) = how many of the drafter's match bits after s are ones, up to L. */
static void test_oracle_longest_jump_is_optimal_on_run_length_tables(void **state) {
    (void)state;
    struct err err = {""};
    enum { TOKENS = 300, D = 3, L = 5 };
    double value[TOKENS + 1];
    for (uint32_t i = 0; i < 20; i++) {
        struct rng r = rng_at(9, 0, 0, i);
        static bool match[D][TOKENS + 1];
        struct jumps j;
        for (int d = 0; d < D; d++)
            for (int s = 0; s <= TOKENS; s++) match[d][s] = rng_uniform(&r) < 0.6;
        assert_int_equal(jumps_open(&j, TOKENS, D, &err), 0);
        for (int s = 1; s < TOKENS; s++)
            for (int d = 0; d < D; d++) {
                int a = 0;
                while (a < L && s + a < TOKENS && match[d][s + a]) a++;
                j.emitted[s * D + d] = (uint8_t)(a + 1 < TOKENS - s ? a + 1 : TOKENS - s);
            }
        int rounds = 0;
        for (int s = 1; s < TOKENS; rounds++) {
            int longest = 0;
            for (int d = 0; d < D; d++)
                if (j.emitted[s * D + d] > longest) longest = j.emitted[s * D + d];
            s += longest;
        }
        assert_int_equal(jumps_fewest_rounds(&j, value), rounds);
        jumps_close(&j);
    }
}

static void test_oracle_over_a_trace_bounds_every_fixed_arm(void **state) {
    (void)state;
    struct trace t;
    struct arms arms;
    struct oracle o;
    struct err err = {""};
    struct cost c = {.D = 2};
    trace_make(&t, 4, (const int[]){60, 1, 40, 2}, 2, 6, 60, 4);
    for (int w = 1; w < COST_WIDTHS; w++) c.base[w] = 1 + 0.1 * w;
    c.draft[0].b = 0.2, c.draft[1].b = 0.05;
    struct world_trace w = world_trace(&t, &c);
    assert_int_equal(replay_arms(&arms, &t, (const char *[]){"d0:1-6", "d1:1-6"}, 2, &err), 0); // plain is no arm here
    assert_int_equal(oracle_open(&o, &w, arms.at, arms.K, &err), 0);
    double overall[16] = {0};
    for (int q = 0; q < 4; q++) {
        assert_int_equal(o.plain[q].rounds, t.sequences[q].tokens - 1);
        assert_true(o.fewest_rounds[q] >= (t.sequences[q].tokens - 1 + arms.L) / (arms.L + 1));
        for (int k = 0; k < arms.K; k++) {
            struct walk x = o.fixed[q * arms.K + k];
            overall[k] += x.seconds;
            assert_true(o.fewest_rounds[q] <= x.rounds && o.clairvoyant[q].seconds <= x.seconds && o.fewest_rounds[q] <= o.clairvoyant[q].rounds);
            assert_true(o.fixed[q * arms.K + o.best_rounds[q]].rounds <= x.rounds);
            assert_true(o.fixed[q * arms.K + o.best_seconds[q]].seconds <= x.seconds);
        }
    }
    for (int k = 0; k < arms.K; k++) assert_true(overall[o.best] <= overall[k]);
    assert_int_equal(o.clairvoyant[1].rounds, 0);
    assert_int_equal(o.fixed[1 * arms.K].rounds, 0);
    oracle_close(&o);
    arms_close(&arms);
    trace_close(&t);
}

/* Whoever plays: no policy takes fewer rounds than the clairvoyant in rounds, nor fewer seconds than the one in seconds. */
static void test_oracle_is_beaten_by_no_policy(void **state) {
    (void)state;
    struct trace t;
    struct arms arms;
    struct lineup lineup;
    struct replay r;
    struct err err = {""};
    struct cost c = {.D = 2};
    for (int w = 1; w < COST_WIDTHS; w++) c.base[w] = 1 + 0.1 * w;
    c.draft[0].b = 0.2, c.draft[1].b = 0.05;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        trace_make(&t, 5, (const int[]){60, 35, 50, 12, 60}, 2, 6, 60, seed);
        assert_int_equal(replay_arms(&arms, &t, NULL, 0, &err), 0);
        struct problem p = replay_problem(&t, &arms);
        assert_int_equal(lineup_open(&lineup, NULL, 0, &p, true, 3, &err), 0);
        int n = 0; // those that see confidences or margins have none to see here
        for (int i = 0; i < lineup.n; i++) {
            const struct policy *x = policy_find(lineup.at[i].name);
            if (!(x->flags & WORLD_ASKS)) lineup.at[n++] = lineup.at[i];
        }
        lineup.n = n;
        assert_true(n > 15);
        const struct replay_plan plan = {.trace = &t, .cost = &c, .arms = &arms, .lineup = &lineup, .seed = seed};
        if (replay_open(&r, &plan, &err)) fail_msg("%s", err.text);
        for (int run = 0; run < r.runs; run++)
            for (int q = 0; q < r.Q; q++) {
                const struct run_outcome *x = &r.outcomes[run * r.Q + q];
                if (x->rounds < r.oracle.fewest_rounds[q] || x->seconds < r.oracle.clairvoyant[q].seconds * (1 - 1e-12))
                    fail_msg("%s beats the clairvoyant on sequence %d: %d rounds, %g s", lineup.at[r.player[run]].spec, q, x->rounds, x->seconds);
            }
        replay_close(&r);
        lineup_close(&lineup);
        arms_close(&arms);
        trace_close(&t);
    }
}

static void test_oracle_gives_everything_back_when_memory_runs_out(void **state) {
    (void)state;
    struct trace t;
    struct arms arms;
    struct oracle o;
    struct err err = {""};
    trace_make(&t, 2, (const int[]){20, 30}, 1, 4, 30, 4);
    struct world_trace w = world_trace(&t, NULL);
    assert_int_equal(replay_arms(&arms, &t, NULL, 0, &err), 0);
    for (long n = 1; n <= 10; n++) {
        mem_fail_after(n);
        assert_int_equal(oracle_open(&o, &w, arms.at, arms.K, &err), ERR_FAILED);
        mem_fail_after(0);
        assert_null(o.fixed);
    }
    arms_close(&arms);
    trace_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oracle_matches_v16),
        cmocka_unit_test(test_oracle_equals_brute_force_on_short_sequences),
        cmocka_unit_test(test_oracle_longest_jump_is_optimal_on_run_length_tables),
        cmocka_unit_test(test_oracle_over_a_trace_bounds_every_fixed_arm),
        cmocka_unit_test(test_oracle_is_beaten_by_no_policy),
        cmocka_unit_test(test_oracle_gives_everything_back_when_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
