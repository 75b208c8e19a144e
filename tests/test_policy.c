/* test_policy.c - what every policy of list.h keeps, and how specs and grids are read. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "policies/policy.h"
#include "tests/seeing_world.h"

enum { MANY = 1000 };

/* K arms: plain, then drafters 0, 1, ... at 2, 4, 8, 16. */
static struct problem problem_of(struct arm *arms, int K) {
    for (int i = 0; i < K; i++) {
        arms[i] = i ? (struct arm){.drafter = (i - 1) / 4, .gamma = 2 << (i - 1) % 4} : (struct arm){.drafter = -1};
        if (i) snprintf(arms[i].name, sizeof arms[i].name, "d%d:%d", arms[i].drafter, arms[i].gamma);
        else strcpy(arms[i].name, "plain");
    }
    return (struct problem){.K = K, .D = (K + 2) / 4, .L = 16, .R = 3, .arms = arms};
}

static struct agent agent_of(const char *spec, const struct problem *p) {
    struct agent a;
    struct err err;
    if (agent_open(&a, spec, p, &err)) fail_msg("%s", err.text);
    return a;
}

/* A world of independent acceptances and steady costs, its randomness a function of (arm, n): the
 * n-th round of an arm is the same whenever it comes. */
static struct outcome play(const struct problem *p, int arm, int n) {
    const struct arm *a = &p->arms[arm];
    struct rng r = rng_at(77, (uint32_t)(a->drafter + 1), (uint32_t)a->gamma, (uint32_t)n);
    double p_accept = a->drafter % 2 ? 0.45 : 0.8;
    struct outcome o = {.arm = arm, .gamma = a->gamma, .proposed = a->gamma};
    while (o.accepted < a->gamma && rng_uniform(&r) < p_accept) o.accepted++;
    o.emitted = o.accepted + 1;
    o.draft_s = 0.002 * a->gamma * (1 + 0.1 * rng_uniform(&r));
    o.verify_s = (0.03 + 0.001 * a->gamma) * (1 + 0.1 * rng_uniform(&r));
    return o;
}

/* Plays rounds [from, to) in a world that shows all a policy may ask for, and notes the arms. */
static void run_rounds(struct agent *a, int from, int to, int *arms) {
    for (int t = from; t < to; t++) {
        int arm = world_round(5, a, t);
        if (arm < 0) fail_msg("%s: round %d is out of its bounds", a->spec, t);
        if (arms) arms[t] = arm;
    }
}

static void test_every_policy_describes_itself(void **state) {
    (void)state;
    for (const struct policy *const *q = policies; *q; q++) {
        const struct policy *p = *q;
        assert_ptr_equal(policy_find(p->name), p);
        assert_true(*p->name && *p->setting && *p->summary && *p->cite);
        assert_null(strpbrk(p->name, "_:,= {}"));
        for (const struct param *x = p->params; x->name; x++) {
            assert_true(x->meaning && *x->meaning && x->lo <= x->value && x->value <= x->hi);
            for (const struct param *y = p->params; y < x; y++) assert_string_not_equal(x->name, y->name);
        }
    }
    assert_null(policy_find("nobody"));
}

static void test_every_policy_selects_within_its_arms(void **state) {
    (void)state;
    static const int sizes[] = {1, 2, 7, MANY};
    struct arm arms[MANY];
    for (const struct policy *const *q = policies; *q; q++)
        for (int s = 0; s < 4; s++) {
            struct problem p = problem_of(arms, sizes[s]);
            struct agent a = agent_of((*q)->name, &p);
            run_rounds(&a, 0, 2500, NULL);
            agent_close(&a);
        }
}

static void test_every_state_is_flat(void **state) {
    (void)state;
    struct arm arms[7];
    struct problem p = problem_of(arms, 7);
    for (const struct policy *const *q = policies; *q; q++) {
        struct agent a = agent_of((*q)->name, &p), b = agent_of((*q)->name, &p);
        int first[400] = {0}, second[400] = {0};
        run_rounds(&a, 0, 200, NULL);
        memcpy(b.state, a.state, a.size);
        run_rounds(&a, 200, 400, first);
        agent_close(&a); // whatever the copy might still point to is gone
        run_rounds(&b, 200, 400, second);
        assert_memory_equal(first, second, sizeof first);
        agent_close(&b);
    }
}

static void test_every_reset_equals_new(void **state) {
    (void)state;
    struct arm arms[7];
    struct problem p = problem_of(arms, 7);
    for (const struct policy *const *q = policies; *q; q++) {
        struct agent used = agent_of((*q)->name, &p), fresh = agent_of((*q)->name, &p);
        run_rounds(&used, 0, 100, NULL);
        agent_reset(&used);
        assert_memory_equal(used.state, fresh.state, fresh.size);
        agent_close(&used);
        agent_close(&fresh);
    }
}

/* An arm's number means nothing: with permuted arms the same arms play. Left out are the policies that
 * draw over arm numbers, that play in turns (elim, ucb-bv while bounds are open), learn seconds in a round-robin start, whose
 * first rounds are not timed (emp-kl-ucb, imed-emp, f-kube), rate gammas alike of which a failed draft tells the same
 * (ucb-side), and forgetting, to which the order of the round-robin start matters. Every arm emits
 * a length of its own, since ties would go by number. */
static void test_permuted_arms_permute_choices(void **state) {
    (void)state;
    static const char *const specs[] = {
        "none", "fixed:arm=d0:4", "ucbspec", "ucbspec:delta=0.01,cscale=0.2", "thompson", "thompson:value=len",
        "seed-ucb", "seed-ucb:warmup=14,bonus=arm,arithmetic=f64",
        "kl-ucb-tgd", "kl-ucb-tgd:c=3", "kl-ucb-tgd:reward=len", "imed-tgd", "imed-tgd:pooled=0", "imed-tgd:reward=len",
        "ts-hazard", "ts-hazard:reward=len", "hf", "goodput", "goodput:reward=len",
        "cascade", "sglang-ema", "sglang-cost", "trt-gate", "ngram-adaptive", "tapout", "tapout:bandit=ucb1-tuned",
        "ucb1", "ucb1:alpha=0.5,reward=len", "ucb1-tuned", "ucb-v", "moss", "kl-ucb", "kl-ucb:c=3", "imed", "imed:reward=len",
        "d-ucb:keep=1", "sw-ucb:window=1024", "osub", "osub:c=3,reward=len", "etc", "ratio-ucb", "ratio-ucb:width=L",
        "specdec-pp", "myopic-rate", "cucb", "greedy-quota", "greedy-quota:index=hazard,size=quota", "seed-quota",
        "seed-ucb-fixed", "moss:horizon=1000", "kl-ucb-pp", "kl-ucb-pp:horizon=0", "emp-kl-ucb:reward=len", "imed-emp:reward=len",
        "metasd-ucb", "metasd-ucb:reward=be,price=0", "bayes-ucb", "bayes-ucb:pooled=0,reward=len",
        "kl-ucb-tgd:warm=3", "imed-tgd:warm=3", "seq-halving", "dinkelbach", "dinkelbach:of=kl-ucb", "dinkelbach:of=imed",
    };
    enum { ROUNDS = 600, K = 7 };
    static const int order[K] = {3, 0, 6, 1, 5, 2, 4}, tokens[K] = {1, 3, 5, 6, 9, 2, 4};
    struct arm arms[K], mixed[K];
    struct problem p = problem_of(arms, K), pm = p;
    for (int i = 0; i < K; i++) mixed[i] = arms[order[i]];
    pm.arms = mixed;
    for (size_t s = 0; s < sizeof specs / sizeof *specs; s++) {
        struct agent a = agent_of(specs[s], &p), b = agent_of(specs[s], &pm);
        int plays[K] = {0}, mixed_plays[K] = {0};
        for (uint32_t t = 0; t < ROUNDS; t++) {
            struct rng r = rng_at(5, 1, 0, t), same = r;
            int arm = agent_select(&a, &r), other = agent_select(&b, &same);
            bool by_number = t < (strcmp(specs[s], "seq-halving") ? 2 * K : 64); // round-robin starts, and phases before it commits
            if (!by_number && arm != order[other]) fail_msg("%s: round %u plays %d, permuted %d", specs[s], t, arm, order[other]);
            for (int side = 0; side < 2; side++) {
                int which = side ? order[other] : arm;
                struct outcome o = play(&p, which, side ? mixed_plays[which]++ : plays[which]++);
                o.accepted = (o.emitted = tokens[which]) - 1;
                o.arm = side ? other : arm;
                agent_update(side ? &b : &a, &o);
            }
        }
        agent_close(&a);
        agent_close(&b);
    }
}

/* Extremes: nothing accepted, everything accepted, no time, long times; what is seen is nothing, no number, or as much as it can be. */
static void extreme_rounds(struct agent *a, bool all, double seconds, int rounds) {
    const struct problem *p = &a->problem;
    const float sure = all ? 1 : NAN;
    float signal[2 * WORLD_L];
    struct peek peeks[2];
    int proposed[2], accepted[2];
    for (int k = 0; k < 2 * WORLD_L; k++) signal[k] = sure;
    for (int d = 0; d < p->D; d++) {
        peeks[d] = (struct peek){all ? p->L : d - 1, all ? 1 << 30 : 0};
        proposed[d] = p->L, accepted[d] = all ? p->L : 0;
    }
    for (int t = 0; t < rounds; t++) {
        struct rng r = rng_at(1, 2, 3, (uint32_t)t);
        const struct view v = {.pos = all ? 1 << 29 : 0, .prompt_tokens = all ? 1 << 29 : 0, .batch = all ? 1 << 20 : 0,
                               .margin = all ? INFINITY : NAN, .peek = a->policy->flags & POLICY_PEEK ? peeks : NULL};
        const struct view each[3] = {v, v, v};
        const int request[3] = {2, 0, 1};
        int arms[3], n = a->policy->share && t % 2 ? 3 : 1;
        if (n > 1) a->policy->share(a->state, p, a->param, each, request, n, all ? 1 << 20 : 0, &r, arms);
        else arms[0] = agent_choose(a, &v, &r);
        for (int i = 0; i < n; i++) {
            assert_in_range(arms[i], 0, p->K - 1);
            int gamma = p->arms[arms[i]].gamma;
            for (int k = 0; k + 1 < gamma; k++) {
                struct drafted x = {arms[i], k + 1, sure, sure};
                if (!agent_deepen(a, &x)) gamma = k + 1;
            }
            struct outcome o = {.arm = arms[i], .gamma = gamma, .proposed = gamma, .accepted = all ? gamma : 0, .emitted = all ? gamma + 1 : 1,
                                .draft_s = seconds, .verify_s = seconds, .request = n > 1 ? request[i] : 0,
                                .signal = a->policy->flags & POLICY_SIGNAL ? signal : NULL};
            agent_update(a, &o);
        }
        const struct hindsight h = {t, proposed, accepted};
        if (a->policy->learn_all) a->policy->learn_all(a->state, p, a->param, &h);
    }
}

static void test_every_policy_survives_extreme_outcomes(void **state) {
    (void)state;
    static const double seconds[] = {0, 1e-9, 3600};
    struct arm arms[5];
    for (const struct policy *const *q = policies; *q; q++)
        for (int K = 1; K <= 5; K += 4)
            for (int all = 0; all < 2; all++)
                for (int s = 0; s < 3; s++) {
                    struct problem p = problem_of(arms, K);
                    struct agent a = agent_of((*q)->name, &p);
                    extreme_rounds(&a, all, seconds[s], 20000);
                    agent_close(&a);
                }
}

/* Seconds a policy needs for `tokens`, mean over many prompts; drafters accept with accept[d], a round
 * costs 1 + width * gamma + draft[d] * gamma, and each drafter's first draft of a prompt `slow` more. */
static double mean_seconds_slow(const char *spec, const struct problem *p, int tokens, const double *accept, const double *draft,
                                double width, double slow) {
    enum { PROMPTS = 200 };
    double total = 0;
    struct agent a = agent_of(spec, p);
    for (uint32_t prompt = 0; prompt < PROMPTS; prompt++) {
        unsigned seen = 0; // a bit a drafter
        agent_reset(&a);
        for (int pos = 0, t = 0; pos < tokens; t++) {
            struct rng r = rng_at(1, a.stream, prompt, (uint32_t)t), noise = rng_at(2, 0, prompt, (uint32_t)t);
            int i = agent_select(&a, &r), gamma = p->arms[i].gamma, d = p->arms[i].drafter;
            struct outcome o = {.arm = i, .gamma = gamma, .proposed = gamma, .verify_s = 1 + width * gamma, .draft_s = gamma ? draft[d] * gamma : 0};
            if (gamma && !(seen >> d & 1)) o.draft_s += slow;
            if (gamma) seen |= 1u << d;
            while (o.accepted < gamma && rng_uniform(&noise) < accept[d]) o.accepted++;
            o.emitted = o.accepted + 1;
            pos += o.emitted;
            total += o.draft_s + o.verify_s;
            agent_update(&a, &o);
        }
    }
    agent_close(&a);
    return total / PROMPTS;
}

static double mean_seconds(const char *spec, const struct problem *p, int tokens, const double *accept, const double *draft, double width) {
    return mean_seconds_slow(spec, p, tokens, accept, draft, width, 0);
}

static double best_fixed(const struct problem *p, int tokens, const double *accept, const double *draft, double width) {
    double best = INFINITY;
    for (int i = 0; i < p->K; i++) {
        char spec[64];
        snprintf(spec, sizeof spec, "fixed:arm=%d", i);
        best = fmin(best, mean_seconds(spec, p, tokens, accept, draft, width));
    }
    return best;
}

/* Prompts of about a hundred rounds, plain and two drafters at 2, 4, 8: worlds where a long draft, a short
 * draft, the second drafter or plain decoding is best. */
static void test_thompson_nears_the_best_arm_within_a_prompt(void **state) {
    (void)state;
    static const struct { double accept[2], draft[2], width; int tokens; } worlds[] = {
        {{0.9, 0.6}, {0.01, 0.01}, 0.01, 400},
        {{0.5, 0.6}, {0.02, 0.05}, 0.1, 200},
        {{0.3, 0.75}, {0.001, 0.1}, 0.02, 200},
        {{0.1, 0.15}, {0.1, 0.1}, 0.2, 100},
    };
    struct arm arms[7];
    struct problem p = {.K = 7, .D = 2, .L = 8, .arms = arms};
    arms[0] = (struct arm){.drafter = -1, .name = "plain"};
    for (int i = 1; i < 7; i++) arms[i] = (struct arm){.drafter = (i - 1) / 3, .gamma = 2 << (i - 1) % 3};
    for (size_t w = 0; w < sizeof worlds / sizeof *worlds; w++) {
        double best = best_fixed(&p, worlds[w].tokens, worlds[w].accept, worlds[w].draft, worlds[w].width);
        double have = mean_seconds("thompson", &p, worlds[w].tokens, worlds[w].accept, worlds[w].draft, worlds[w].width);
        double random = mean_seconds("random", &p, worlds[w].tokens, worlds[w].accept, worlds[w].draft, worlds[w].width);
        print_message("world %zu: best fixed %.1f s, thompson %.1f s, random %.1f s\n", w, best, have, random);
        double slow = mean_seconds_slow("thompson", &p, worlds[w].tokens, worlds[w].accept, worlds[w].draft, worlds[w].width, 5);
        if (slow > have + 10 + 0.5) fail_msg("world %zu: two slow starts of 5 s cost %g s", w, slow - have);
        if (have > 1.15 * best) fail_msg("world %zu: %g s, the best arm needs %g s", w, have, best);
        assert_true(have < random);
    }
}

/* The second smoke test of the formula sheet: one drafter, p = 0.75, gamma 0..8, cost 1 + 0.12 gamma,
 * 256 tokens. With known costs pooled Thompson sampling needs 127.0; ours learns them. */
static void test_thompson_chooses_gamma_about_as_well_as_with_known_costs(void **state) {
    (void)state;
    struct arm arms[9];
    struct problem p = {.K = 9, .D = 1, .L = 8, .arms = arms};
    for (int i = 0; i < 9; i++) arms[i] = (struct arm){.drafter = i ? 0 : -1, .gamma = i};
    double accept = 0.75, draft = 0.02, have = mean_seconds("thompson", &p, 256, &accept, &draft, 0.1);
    print_message("thompson %.1f s\n", have);
    if (have > 130) fail_msg("%g s instead of about 127", have);
}

/* The first smoke test: four drafters of equal gamma 4; rounds to emit 256 tokens. Random needs
 * 111, ucbspec 93.5, exp3spec 96.6, Thompson sampling 84.0, the best fixed arm 76. */
static void test_policies_need_the_rounds_of_the_reference_simulation(void **state) {
    (void)state;
    static const struct { const char *spec; double rounds; } want[] = {
        {"fixed:arm=0", 76}, {"random", 111}, {"ucbspec", 93.5}, {"exp3spec", 96.6}, {"thompson:value=len", 84},
    };
    static const double accept[] = {0.8, 0.65, 0.5, 0.3}, draft[4] = {0};
    struct arm arms[4];
    struct problem p = {.K = 4, .D = 4, .L = 4, .arms = arms};
    for (int i = 0; i < 4; i++) arms[i] = (struct arm){.drafter = i, .gamma = 4};
    for (int i = 0; i < 5; i++) {
        double have = mean_seconds(want[i].spec, &p, 256, accept, draft, 0); // a round is a second
        print_message("%s: %.1f rounds, reference %.1f\n", want[i].spec, have, want[i].rounds);
        if (fabs(have / want[i].rounds - 1) > 0.025) fail_msg("%s: %g rounds instead of %g", want[i].spec, have, want[i].rounds);
    }
}

static void refuses(const char *spec, const char *why) {
    struct arm arms[5];
    struct problem p = problem_of(arms, 5);
    struct agent a;
    struct err err = {""};
    assert_int_equal(agent_open(&a, spec, &p, &err), ERR_FAILED);
    if (!strstr(err.text, why)) fail_msg("'%s': '%s' lacks '%s'", spec, err.text, why);
    assert_null(a.state);
}

static void test_spec_errors_list_what_is_known(void **state) {
    (void)state;
    refuses("ucb", "unknown policy 'ucb'; did you mean 'ucb1'? (known: none, auto, fixed, random, ucbspec, exp3spec, thompson, seed-ucb");
    refuses("", "unknown policy ''");
    refuses("ucbspec:alpha=1", "no parameter 'alpha' (known: delta, cscale)");
    refuses("random:x=1", "has no parameters");
    refuses("ucbspec:", "wants key=value");
    refuses("ucbspec:delta", "wants key=value");
    refuses("ucbspec:delta=0.1,", "wants key=value");
    refuses("ucbspec:delta=0.1,delta=0.2", "given twice");
    refuses("ucbspec:delta=", "wants a number");
    refuses("ucbspec:delta=0.1x", "wants a number");
    refuses("ucbspec:delta=nan", "wants a number");
    refuses("ucbspec:delta=inf", "wants a number");
    refuses("ucbspec:delta=0", "wants a value from 1e-12 to 1");
    refuses("ucbspec:delta=2", "wants a value from 1e-12 to 1");
    refuses("seed-ucb:bonus=both", "wants one of shared|arm");
    refuses("seed-ucb:bonus=shar", "wants one of shared|arm");
    refuses("seed-ucb:warmup=7.5", "whole number");
    refuses("fixed:arm=sam:4", "no arm 'sam:4' (0-4 or: plain, d0:2, d0:4, d0:8, d0:16)");
    refuses("fixed:arm=5", "no arm '5'");
    char longer[400];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    refuses(longer, "longer than");
}

static void test_none_wants_the_plain_arm(void **state) {
    (void)state;
    struct arm arms[5];
    struct problem p = problem_of(arms, 5);
    struct agent a = agent_of("none", &p);
    assert_int_equal(agent_select(&a, NULL), 0);
    agent_close(&a);
    p.arms++;
    p.K--;
    struct err err;
    assert_int_equal(agent_open(&a, "none", &p, &err), ERR_USAGE);
    assert_non_null(strstr(err.text, "'none' wants the arm 'plain'"));
}

static void test_spec_becomes_canonical(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        {"ucbspec", "ucbspec"},
        {"ucbspec:delta=0.5,cscale=1", "ucbspec"},
        {"ucbspec:cscale=2,delta=1e-1", "ucbspec:delta=0.1,cscale=2"},
        {"seed-ucb:arithmetic=f64,bonus=arm,warmup=4", "seed-ucb:warmup=4,bonus=arm,arithmetic=f64"},
        {"fixed", "fixed:arm=plain"},
        {"fixed:arm=2", "fixed:arm=d0:4"},
        {"fixed:arm=d0:4", "fixed:arm=d0:4"},
        {"ucbspec:delta=0.30000000000000004", "ucbspec:delta=0.30000000000000004"},
    };
    struct arm arms[5];
    struct problem p = problem_of(arms, 5);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct agent a = agent_of(pairs[i][0], &p);
        assert_string_equal(a.spec, pairs[i][1]);
        assert_int_equal(a.stream, rng_stream(a.spec));
        struct agent b = agent_of(a.spec, &p); // and reads back as itself
        assert_string_equal(b.spec, a.spec);
        assert_memory_equal(b.param, a.param, sizeof a.param);
        agent_close(&a);
        agent_close(&b);
    }
}

static void test_grid_expands_first_brace_slowest(void **state) {
    (void)state;
    static const char *const want[] = {
        "ucbspec:delta=0.1,cscale=1", "ucbspec:delta=0.1,cscale=2", "ucbspec:delta=0.5,cscale=1", "ucbspec:delta=0.5,cscale=2",
    };
    char *specs[8];
    struct err err;
    assert_int_equal(policy_grid("ucbspec:delta={0.1,0.5},cscale={1,2}", specs, 8, &err), 4);
    for (int i = 0; i < 4; i++) {
        assert_string_equal(specs[i], want[i]);
        mem_free(specs[i]);
    }
    assert_int_equal(policy_grid("none", specs, 8, &err), 1);
    assert_string_equal(specs[0], "none");
    mem_free(specs[0]);
    assert_int_equal(policy_grid("{none,random}", specs, 8, &err), 2);
    assert_string_equal(specs[1], "random");
    mem_free(specs[0]);
    mem_free(specs[1]);
}

static void test_grid_refuses_bad_braces(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {"a:x={1,2", "partner"}, {"a:x=1}", "partner"}, {"a:x={1,{2}}", "partner"}, {"a:x={}", "empty"},
        {"a:x={1,}", "empty"}, {"a:x={,1}", "empty"}, {"a:x={1,2,3},y={1,2,3}", "more than 8"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *specs[8];
        struct err err = {""};
        assert_true(policy_grid(bad[i][0], specs, 8, &err) < 0);
        if (!strstr(err.text, bad[i][1])) fail_msg("'%s': '%s'", bad[i][0], err.text);
    }
}

static void test_agents_survive_failed_allocations(void **state) {
    (void)state;
    struct arm arms[5];
    struct problem p = problem_of(arms, 5);
    struct agent a;
    struct err err = {""};
    char *specs[8];
    mem_fail_after(1);
    assert_int_equal(agent_open(&a, "ucbspec", &p, &err), ERR_FAILED);
    for (int n = 1; n <= 4; n++) {
        mem_fail_after(n);
        assert_int_equal(policy_grid("a:x={1,2,3}", specs, 8, &err), ERR_FAILED);
    }
    mem_fail_after(0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_policy_describes_itself),
        cmocka_unit_test(test_every_policy_selects_within_its_arms),
        cmocka_unit_test(test_every_state_is_flat),
        cmocka_unit_test(test_every_reset_equals_new),
        cmocka_unit_test(test_permuted_arms_permute_choices),
        cmocka_unit_test(test_every_policy_survives_extreme_outcomes),
        cmocka_unit_test(test_thompson_nears_the_best_arm_within_a_prompt),
        cmocka_unit_test(test_thompson_chooses_gamma_about_as_well_as_with_known_costs),
        cmocka_unit_test(test_policies_need_the_rounds_of_the_reference_simulation),
        cmocka_unit_test(test_spec_errors_list_what_is_known),
        cmocka_unit_test(test_none_wants_the_plain_arm),
        cmocka_unit_test(test_spec_becomes_canonical),
        cmocka_unit_test(test_grid_expands_first_brace_slowest),
        cmocka_unit_test(test_grid_refuses_bad_braces),
        cmocka_unit_test(test_agents_survive_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
