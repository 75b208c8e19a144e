/* test_policy_cost.c - what policies learn of seconds (policies/cost.h): from trees, and from arms whose length a rule decides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "policies/arms.h"
#include "policies/cost.h"

enum { PLAIN, CHAIN, TREE, RULE, K };
static const struct arm arms[K] = {
    {.drafter = -1}, {.drafter = 0, .gamma = 4}, {.drafter = 1, .gamma = 8}, {.drafter = 0, .gamma = 8, .stop = {STOP_ENTROPY, 1, 0}},
};
static const struct problem problem = {.K = K, .D = 2, .L = 8, .arms = arms};

/* Verification: 1 ms and 0.1 ms a token; drafting: 0.2 ms a token, a tree 1 ms. */
static void play(struct cost *c, int arm, int gamma, int proposed, int nodes) {
    const struct outcome o = {.arm = arm, .gamma = gamma, .proposed = proposed, .accepted = 0, .emitted = 1, .nodes = nodes,
                              .draft_s = arm == TREE ? 1e-3 : 2e-4 * proposed, .verify_s = 1e-3 + 1e-4 * (nodes ? nodes : proposed)};
    cost_update(c, &problem, &o);
}

static struct cost *new_cost(void) {
    struct cost *c = calloc(1, cost_size(&problem));
    assert_non_null(c);
    for (int i = 0; i < 3; i++) play(c, PLAIN, 0, 0, 0), play(c, CHAIN, 4, 4, 0), play(c, TREE, 8, 3, 20);
    return c;
}

static void near(double got, double want) {
    if (fabs(got - want) > 1e-9) fail_msg("%g s, expected %g", got, want);
}

static void test_a_tree_costs_what_its_nodes_cost(void **state) {
    (void)state;
    struct cost *c = new_cost();
    near(cost_seconds(c, &problem, PLAIN, 0), 1e-3);
    near(cost_seconds(c, &problem, CHAIN, 0), 1e-3 + 4e-4 + 8e-4);
    near(cost_seconds(c, &problem, TREE, 0), 1e-3 + 20e-4 + 1e-3); // 20 rows, though it is 3 deep
    free(c);
}

static void test_a_rule_is_timed_by_what_it_drafts(void **state) {
    (void)state;
    struct cost *c = new_cost();
    double unplayed = cost_seconds(c, &problem, RULE, 0);
    near(unplayed, 1e-3 + 8e-4 + 16e-4); // as if it drafted all 8
    for (int i = 0; i < 200; i++) play(c, RULE, 2, 2, 0);
    double played = cost_seconds(c, &problem, RULE, 0);
    assert_true(fabs(played - (1e-3 + 2e-4 + 4e-4)) < 0.02e-3);
    free(c);
}

static void test_a_chain_cut_by_the_budget_is_not_its_full_round(void **state) {
    (void)state;
    struct cost *c = new_cost();
    double before = cost_seconds(c, &problem, CHAIN, 0);
    for (int i = 0; i < 50; i++) play(c, CHAIN, 1, 1, 0);
    near(cost_seconds(c, &problem, CHAIN, 0), before);
    free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tree_costs_what_its_nodes_cost),
        cmocka_unit_test(test_a_rule_is_timed_by_what_it_drafts),
        cmocka_unit_test(test_a_chain_cut_by_the_budget_is_not_its_full_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
