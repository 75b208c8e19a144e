/* test_policy_forever.c - every policy of list.h stays sane for ever: no NaN, no overflow, choices in range, probabilities that sum to 1.
 *
 * NaN and overflow are caught where they arise, by the floating-point flags "invalid" and "overflow" (a NaN would only make choices
 * quietly wrong). Rewards are all 0 (nothing accepted, a slow round) or all 1 (everything accepted).
 *
 * 10^7 rounds are 10^7 updates: no counter is set by hand. What is saved is choices: the first 20000 rounds are played one by one, and
 * from then on each choice for STRETCH rounds. A policy that takes more than LONG seconds of processor time for it stops there, and
 * the test says how far it came (that is one whose update looks through a history). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "policies/policy.h"

enum { MANY = 1000, L = 16, STRETCH = 1000 };

#ifdef __SANITIZE_ADDRESS__
static const double LONG = 0.1, SHORT = 0.01; // seconds of processor time
#else
static const double LONG = 0.8, SHORT = 0.03;
#endif

static float signals[2 * L];
static struct peek peeks[MANY];
static int proposed[MANY], accepted[MANY]; // hindsight, by drafter

static struct problem problem_of(struct arm *arms, int K, bool plain, int copies) {
    for (int i = 0; i < K; i++) {
        int k = i / copies - plain;
        arms[i] = k < 0 ? (struct arm){.drafter = -1} : (struct arm){.drafter = k / 4, .gamma = 2 << k % 4};
        if (k < 0) strcpy(arms[i].name, "plain");
        else snprintf(arms[i].name, sizeof arms[i].name, "d%d:%d.%d", arms[i].drafter, arms[i].gamma, i);
    }
    return (struct problem){.K = K, .D = arms[K - 1].drafter + 1, .L = L, .arms = arms};
}

struct run {
    struct agent agent;
    int64_t t;
    bool all;     // rewards all 1, else all 0
    int proposed; // of the latest choice
    bool stopped; // the clock: rounds take no time
};

static void sane(const struct run *x) {
    const struct agent *a = &x->agent;
    int flags = fetestexcept(FE_INVALID | FE_OVERFLOW);
    if (flags) fail_msg("%s: %s by round %lld", a->spec, flags & FE_INVALID ? "not a number" : "an overflow", (long long)x->t);
    if (!a->policy->probabilities) return;
    const double *p = a->policy->probabilities(a->state, &a->problem);
    double sum = 0;
    for (int i = 0; i < a->problem.K; i++) {
        if (!(p[i] > 0 && p[i] <= 1)) fail_msg("%s: probability %g of arm %d in round %lld", a->spec, p[i], i, (long long)x->t);
        sum += p[i];
    }
    if (fabs(sum - 1) > 1e-12) fail_msg("%s: probabilities sum to 1 %+.3g in round %lld", a->spec, sum - 1, (long long)x->t);
}

static int choose(struct run *x) {
    struct rng r = rng_at(1, x->agent.stream, (uint32_t)(x->t >> 32), (uint32_t)x->t);
    struct view v = {.pos = 1 + (int)(x->t % 1000), .max_new = 1000, .batch = 1, .margin = 1, .peek = peeks};
    int arm = agent_choose(&x->agent, &v, &r);
    if (arm < 0 || arm >= x->agent.problem.K) fail_msg("%s: arm %d in round %lld", x->agent.spec, arm, (long long)x->t);
    x->proposed = 0;
    while (x->proposed < x->agent.problem.arms[arm].gamma) {
        struct drafted token = {.arm = arm, .depth = ++x->proposed, .top_prob = signals[0], .entropy = signals[1]};
        if (!agent_deepen(&x->agent, &token)) break;
    }
    return arm;
}

static void learn(struct run *x, int arm) {
    const struct problem *p = &x->agent.problem;
    int n = x->proposed;
    struct outcome o = {.arm = arm, .gamma = n, .proposed = n, .accepted = x->all ? n : 0, .signal = signals};
    o.emitted = o.accepted + 1;
    if (!x->stopped) o.draft_s = 0.001 * n, o.verify_s = x->all ? 0.03 : 3;
    agent_update(&x->agent, &o);
    if (x->agent.policy->learn_all) {
        for (int d = 0; d < p->D; d++) proposed[d] = L, accepted[d] = x->all ? L : 0;
        x->agent.policy->learn_all(x->agent.state, p, x->agent.param, &(struct hindsight){(int)(x->t % 1000), proposed, accepted});
    }
    x->t++;
}

/* `rounds` more rounds, each choice played `stretch` times, until `seconds` of processor time are spent. */
static void play(struct run *x, int64_t rounds, int stretch, double seconds) {
    clock_t start = clock();
    int check = 512;
    for (int64_t end = x->t + rounds, next = x->t + check; x->t < end; ) {
        int arm = choose(x);
        for (int i = 0; i < stretch && x->t < end; i++) learn(x, arm);
        if (x->t < next) continue;
        sane(x);
        next = x->t + check;
        if ((double)(clock() - start) / CLOCKS_PER_SEC > seconds) break;
    }
    sane(x);
}

static void open_run(struct run *x, const char *spec, const struct problem *p, bool all) {
    struct err err;
    *x = (struct run){.all = all};
    if (agent_open(&x->agent, spec, p, &err)) fail_msg("%s", err.text);
    feclearexcept(FE_ALL_EXCEPT);
}

static void close_run(struct run *x) { agent_close(&x->agent); }

static void test_ten_million_rounds(void **state) {
    (void)state;
    struct arm arms[3];
    struct problem p = problem_of(arms, 3, true, 1);
    for (const struct policy *const *q = policies; *q; q++)
        for (int all = 0; all < 2; all++) {
            int64_t rounds = all ? 1000000 : 10000000;
            struct run x;
            open_run(&x, (*q)->name, &p, all);
            play(&x, 20000, 1, LONG);
            play(&x, rounds - x.t, STRETCH, all ? LONG / 10 : LONG);
            if (x.t < rounds) print_message("  %s: %.2g rounds of reward %d\n", (*q)->name, (double)x.t, all);
            x.all = !all; // and when all turns about, after so long
            play(&x, 20000, 1, LONG / 10);
            close_run(&x);
        }
}

static void test_one_arm_a_thousand_duplicates_and_no_clock(void **state) {
    (void)state;
    static const struct { int K; bool plain; int copies, rounds; bool stopped; } worlds[] = {
        {1, true, 1, 5000}, {1, false, 1, 5000}, {6, false, 3, 20000}, {7, true, 7, 5000}, {MANY, true, 1, 1500}, {100, false, 25, 1500},
        {5, true, 1, 5000, true}, {1, true, 1, 1000, true},
    };
    static struct arm arms[MANY];
    for (const struct policy *const *q = policies; *q; q++)
        for (size_t w = 0; w < sizeof worlds / sizeof *worlds; w++)
            for (int all = 0; all < 2; all++) {
                struct problem p = problem_of(arms, worlds[w].K, worlds[w].plain, worlds[w].copies);
                struct run x;
                if (!strcmp((*q)->name, "none") && !worlds[w].plain) continue; // wants plain decoding
                open_run(&x, (*q)->name, &p, all);
                x.stopped = worlds[w].stopped;
                play(&x, worlds[w].rounds, 1, SHORT);
                x.all = !all;
                play(&x, 200, 1, SHORT);
                close_run(&x);
            }
}

/* Words and numbers at the ends of their ranges, one at a time. */
static void test_parameters_at_their_ends(void **state) {
    (void)state;
    struct arm arms[5];
    struct problem p = problem_of(arms, 5, true, 1);
    for (const struct policy *const *q = policies; *q; q++)
        for (const struct param *param = (*q)->params; param->name; param++)
            for (int end = 0; end < 4; end++) {
                struct run x = {.all = end % 2};
                struct err err;
                char spec[128];
                double value = end / 2 ? param->hi : param->lo;
                if (param->words) continue;
                snprintf(spec, sizeof spec, "%s:%s=%.17g", (*q)->name, param->name, value);
                if (agent_open(&x.agent, spec, &p, &err)) continue; // one that its check refuses, by a rule of its own
                feclearexcept(FE_ALL_EXCEPT);
                play(&x, 2000, 1, SHORT);
                x.all = !x.all;
                play(&x, 500, 1, SHORT);
                close_run(&x);
            }
}

static int fill(void **state) {
    (void)state;
    for (int d = 0; d < MANY; d++) peeks[d] = (struct peek){L, 3};
    for (int i = 0; i < L; i++) signals[2 * i] = 0.8f, signals[2 * i + 1] = 0.7f;
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ten_million_rounds),
        cmocka_unit_test(test_one_arm_a_thousand_duplicates_and_no_clock),
        cmocka_unit_test(test_parameters_at_their_ends),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
