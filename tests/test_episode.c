/* test_episode.c - the loop: what is fed back, what is drawn, what is refused. */
#include "tests/make_trace.h"

#include "sim/episode.h"
#include "sim/world_table.h"

static const char *const cells = "2,1\n3,1\n1,4\n5,2\n";

struct memory { // a policy's state: what it saw
    int updates, last_emitted;
    double drawn[8];
    int draws;
};

static size_t memory_size(const struct problem *p) {
    (void)p;
    return sizeof(struct memory);
}

static int draw_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    (void)p, (void)param;
    struct memory *m = state;
    m->drawn[m->draws++] = rng_uniform(rng);
    return m->draws % 2;
}

static int wild_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    (void)state, (void)param, (void)rng;
    return p->K;
}

static void memory_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    (void)p, (void)param;
    struct memory *m = state;
    m->updates++;
    m->last_emitted = o->emitted;
}

static const struct policy draws = {.name = "draws", .flags = POLICY_RANDOM, .size = memory_size, .select = draw_select, .update = memory_update};
static const struct policy wild = {.name = "wild", .size = memory_size, .select = wild_select, .update = memory_update};

struct fixture {
    struct table table;
    struct world_table world;
    struct memory memory;
    struct agent agent;
};

static void setup(struct fixture *f, const struct policy *policy) {
    struct err err = {""};
    struct matrix m;
    assert_int_equal(matrix_parse(&m, "cells", cells, strlen(cells), &err), 0);
    assert_int_equal(table_open(&f->table, &m, NULL, 4, &err), 0);
    matrix_close(&m);
    f->world = world_table(&f->table);
    f->memory = (struct memory){0};
    f->agent = (struct agent){.policy = policy, .problem = {.K = 2, .D = 2, .L = 4, .arms = f->table.arms}, .spec = "test",
                              .stream = 77, .size = sizeof f->memory, .state = &f->memory};
}

static int note_step(void *user, const struct step *s, struct err *err) {
    (void)err;
    int *at = user;
    at[s->round] = s->pos;
    return 0;
}

static int stop_at_once(void *user, const struct step *s, struct err *err) {
    (void)user;
    return err_set(err, "stopped in round %d", s->round);
}

static void test_episode_feeds_back_every_round_but_the_last(void **state) {
    (void)state;
    struct fixture f;
    struct err err = {""};
    struct episode_total sum = {.rounds = 100};
    int pos[4];
    struct episode_watch watch = {note_step, pos};
    setup(&f, &draws);
    assert_int_equal(episode_run(&f.world.world, &f.agent, 5, 0, 9, NULL, 0, &watch, &sum, &err), 0);
    assert_int_equal(sum.rounds, 104); // totals are added to
    assert_int_equal(sum.emitted, 1 + 3 + 4 + 5);
    assert_int_equal(sum.accepted, 9);
    assert_int_equal(sum.proposed, 16);
    assert_int_equal(f.memory.updates, 3);
    assert_int_equal(f.memory.last_emitted, 4);
    const int expected[] = {1, 2, 5, 9};
    assert_memory_equal(pos, expected, sizeof pos);
    table_close(&f.table);
}

static void test_episode_draws_by_seed_stream_ordinal_and_round(void **state) {
    (void)state;
    struct fixture f;
    struct err err = {""};
    struct episode_total sum = {0};
    setup(&f, &draws);
    assert_int_equal(episode_run(&f.world.world, &f.agent, 5, 0, 9, NULL, 0, NULL, &sum, &err), 0);
    for (uint32_t round = 0; round < 4; round++) {
        struct rng r = rng_at(5, 77, 9, round);
        double u = rng_uniform(&r);
        assert_memory_equal(&f.memory.drawn[round], &u, sizeof u);
    }
    table_close(&f.table);
}

static void test_episode_takes_given_uniforms_in_order(void **state) {
    (void)state;
    struct fixture f;
    struct err err = {""};
    struct episode_total sum = {0};
    const double given[] = {0.1, 0.2, 0.3, 0.4};
    setup(&f, &draws);
    assert_int_equal(episode_run(&f.world.world, &f.agent, 5, 0, 0, given, 4, NULL, &sum, &err), 0);
    assert_memory_equal(f.memory.drawn, given, sizeof given);
    f.memory = (struct memory){0};
    assert_int_equal(episode_run(&f.world.world, &f.agent, 5, 0, 0, given, 3, NULL, &sum, &err), ERR_FAILED);
    assert_string_equal(err.text, "policy 'test' needs more than the 3 uniforms given, in round 3");
    table_close(&f.table);
}

static void test_episode_refuses_an_arm_out_of_range(void **state) {
    (void)state;
    struct fixture f;
    struct err err = {""};
    struct episode_total sum = {0};
    setup(&f, &wild);
    assert_int_equal(episode_run(&f.world.world, &f.agent, 5, 0, 0, NULL, 0, NULL, &sum, &err), ERR_FAILED);
    assert_string_equal(err.text, "policy 'test' chose arm 2 in round 0, expected 0 to 1");
    table_close(&f.table);
}

static void test_episode_stops_when_the_world_or_the_watcher_fails(void **state) {
    (void)state;
    struct fixture f;
    struct err err = {""};
    struct episode_total sum = {0};
    struct episode_watch watch = {stop_at_once, NULL};
    setup(&f, &draws);
    assert_int_equal(episode_run(&f.world.world, &f.agent, 5, 1, 0, NULL, 0, NULL, &sum, &err), ERR_FAILED);
    assert_string_equal(err.text, "sequence 1 does not exist, a table is one sequence");
    assert_int_equal(episode_run(&f.world.world, &f.agent, 5, 0, 0, NULL, 0, &watch, &sum, &err), ERR_FAILED);
    assert_string_equal(err.text, "stopped in round 0");
    assert_int_equal(sum.rounds, 0); // a failed episode adds nothing
    table_close(&f.table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_episode_feeds_back_every_round_but_the_last),
        cmocka_unit_test(test_episode_draws_by_seed_stream_ordinal_and_round),
        cmocka_unit_test(test_episode_takes_given_uniforms_in_order),
        cmocka_unit_test(test_episode_refuses_an_arm_out_of_range),
        cmocka_unit_test(test_episode_stops_when_the_world_or_the_watcher_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
