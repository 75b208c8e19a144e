/* test_policy_smoke.c - policies need the rounds, or seconds, of two reference simulations.
 *
 * The reference figures are means over 300 and 40 runs (rounds), 200 and 20 runs (seconds) of a separate program, with
 * its own random numbers, so they carry errors of their own. A run's standard deviation is measured here and printed as
 * the error of our mean. Ours is below 0.6 % in every row and the reference's about the same, 0.8 %
 * together: 3 % is more than three of them, and the nearest wrong policies are further away. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "policies/policy.h"

struct world {
    struct problem problem;
    double accept[4]; // by drafter: TGD
    double width;     // a round costs 1 + width gamma, five sixths of it in the verification
};

struct mean {
    double value, error; // of the mean
};

/* Cost of one text of `tokens`: seconds of the world. The policy never learns of the last round. */
static double run_once(struct agent *a, const struct world *w, int tokens, uint32_t run) {
    double total = 0;
    agent_reset(a);
    for (int pos = 0, t = 0; ; t++) {
        struct rng r = rng_at(1, a->stream, run, (uint32_t)t), noise = rng_at(2, 0, run, (uint32_t)t);
        int i = agent_select(a, &r), gamma = w->problem.arms[i].gamma;
        struct outcome o = {.arm = i, .gamma = gamma, .proposed = gamma};
        o.verify_s = 1 + w->width * gamma * 5 / 6;
        o.draft_s = w->width * gamma / 6;
        while (o.accepted < gamma && rng_uniform(&noise) < w->accept[w->problem.arms[i].drafter]) o.accepted++;
        o.emitted = o.accepted + 1;
        pos += o.emitted;
        total += o.draft_s + o.verify_s;
        if (pos >= tokens) return total;
        agent_update(a, &o);
    }
}

static struct mean mean_of(const char *spec, const struct world *w, int tokens, int runs) {
    struct agent a;
    struct err err;
    double sum = 0, squares = 0;
    if (agent_open(&a, spec, &w->problem, &err)) fail_msg("%s", err.text);
    for (int run = 0; run < runs; run++) {
        double total = run_once(&a, w, tokens, (uint32_t)run);
        sum += total;
        squares += total * total;
    }
    agent_close(&a);
    double mean = sum / runs;
    return (struct mean){mean, sqrt(fmax(squares / runs - mean * mean, 0) / runs)};
}

struct row {
    const char *spec;
    double want[2];   // at 256 and at 4096 tokens
};

static void compare(const struct world *w, const struct row *row, const int runs[2]) {
    for (int i = 0; i < 2; i++) {
        struct mean have = mean_of(row->spec, w, i ? 4096 : 256, runs[i]);
        double off = have.value / row->want[i] - 1;
        print_message("%-32s %4d tokens: %7.1f +- %4.1f, reference %7.1f (%+.1f %%)\n",
                      row->spec, i ? 4096 : 256, have.value, have.error, row->want[i], 100 * off);
        assert_true(have.error < 0.006 * have.value);
        if (fabs(off) > 0.03) fail_msg("%s: %g instead of %g", row->spec, have.value, row->want[i]);
    }
}

static void test_four_drafters_of_equal_gamma_need_the_reference_rounds(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"fixed:arm=0", {76, 1218}}, {"random", {111, 1775}}, {"ucbspec", {93.5, 1281}}, {"exp3spec", {96.6, 1297}},
        {"thompson:value=len", {84, 1236}}, {"kl-ucb-tgd:reward=len", {85, 1239}}, {"imed-tgd:reward=len", {85.8, 1238}},
        {"ts-hazard:reward=len", {84.3, 1236}}, {"ucb1:reward=len", {94.5, 1298}},
        {"tsallis-inf:reward=len", {92.5, 1258}},
    };
    static const int runs[2] = {300, 40};
    struct arm arms[4];
    struct world w = {.problem = {.K = 4, .D = 4, .L = 4, .arms = arms}, .accept = {0.8, 0.65, 0.5, 0.3}};
    for (int i = 0; i < 4; i++) arms[i] = (struct arm){.drafter = i, .gamma = 4};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) compare(&w, &rows[i], runs);
}

static void test_gammas_of_one_drafter_need_the_reference_seconds(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"fixed:arm=4", {124.2, 1987.1}}, {"fixed:arm=8", {134.6, 2183}}, {"random", {138.4, 2184}}, {"thompson", {127.0, 1993}},
        {"kl-ucb-tgd", {130.1, 1995}}, {"hf", {129.4, 2050}},
        {"ucb1:alpha=0.5", {136.1, 2122}}, {"kl-ucb", {135.2, 2110}}, {"osub", {131.8, 2024}}, {"ratio-ucb", {131.3, 2074}},
    };
    static const int runs[2] = {200, 20};
    struct arm arms[9];
    struct world w = {.problem = {.K = 9, .D = 1, .L = 8, .arms = arms}, .accept = {0.75}, .width = 0.12};
    for (int i = 0; i < 9; i++) arms[i] = (struct arm){.drafter = i ? 0 : -1, .gamma = i};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) compare(&w, &rows[i], runs);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_four_drafters_of_equal_gamma_need_the_reference_rounds),
        cmocka_unit_test(test_gammas_of_one_drafter_need_the_reference_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
