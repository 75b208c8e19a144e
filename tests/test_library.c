/* test_library.c - the library for other engines (policies/banditspec_policy.h) is the same policies behind another door: it chooses
 * what an agent chooses, threads may share it, and no call of a confused caller gets past it. */
#include "tests/playing.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/mem.h"
#include "policies/banditspec_policy.h"
#include "policies/state_file.h"
#include "tests/run_command.h"
#include "tests/tempdir.h"

enum { ROUNDS = 500, SEED = 5 };
#define DRAFTERS "small pld"
#define ARMS "plain small:2,4,8 pld:2,4,8"

static struct tempdir dir;
static char file[4200];

static bsp_policy *policy_of(const char *spec) {
    bsp_policy *p = bsp_create(spec, DRAFTERS, PLAYING_L, ARMS, PLAYING_R, SEED);
    if (!p) fail_msg("%s: %s", spec, bsp_error());
    return p;
}

#define must(call) \
    do { \
        if ((call) < 0) fail_msg("%s: %s", #call, bsp_error()); \
    } while (0)

static struct bsp_view view_of(const struct view *v, int request) {
    return (struct bsp_view){sizeof(struct bsp_view), request, v->pos, v->prompt_tokens, v->max_new, v->batch, v->margin,
        (const struct bsp_peek *)v->peek};
}

static struct bsp_round round_of(const struct outcome *o) {
    return (struct bsp_round){sizeof(struct bsp_round), o->request, o->arm, o->gamma, o->proposed, o->accepted, o->draft_s, o->verify_s,
        o->nodes, o->signal};
}

/* What playing_round does, through the library; `a` runs beside it and must agree at every step. */
static void both_play(bsp_policy *p, struct agent *a, int t) {
    struct peek peek[PLAYING_R][PLAYING_D];
    struct playing_signal signal;
    struct view v[PLAYING_R];
    struct bsp_view w[PLAYING_R];
    int request[PLAYING_R], arm[PLAYING_R], theirs[PLAYING_R], n = a->policy->share && t % 5 == 4 ? PLAYING_R - 1 : 1;
    static uint32_t round[PLAYING_R], passes;
    if (t == 0) memset(round, 0, sizeof round), passes = 0;
    for (int i = 0; i < n; i++) v[i] = playing_view(a, t + i, peek[i]), request[i] = (t + i) % PLAYING_R, w[i] = view_of(&v[i], request[i]);
    if (n > 1) {
        struct rng r = rng_at(SEED, a->stream, UINT32_MAX, passes++);
        a->policy->share(a->state, &a->problem, a->param, v, request, n, PLAYING_QUOTA, &r, arm);
        must(bsp_share(p, w, n, PLAYING_QUOTA, theirs));
        for (int i = 0; i < n; i++) round[request[i]]++;
    } else {
        struct rng r = rng_at(SEED, a->stream, (uint32_t)(100 + request[0]), round[request[0]]++);
        arm[0] = agent_choose(a, v, &r);
        theirs[0] = bsp_select(p, w);
    }
    for (int i = 0; i < n; i++) {
        if (arm[i] != theirs[i]) fail_msg("%s: round %d plays %d, the library %d", a->spec, t, arm[i], theirs[i]);
        struct outcome o = playing_verify(a, t, request[i], arm[i], &signal);
        for (int depth = 1; o.signal && depth <= o.proposed; depth++) { // the agent was asked as the draft grew
            int more = bsp_deepen(p, request[i], arm[i], depth, o.signal[2 * depth - 2], o.signal[2 * depth - 1]);
            assert_int_equal(more, depth < o.proposed);
        }
        struct bsp_round r = round_of(&o);
        agent_update(a, &o);
        must(bsp_update(p, &r));
    }
    if (!a->policy->learn_all) return;
    int proposed[PLAYING_D], accepted[PLAYING_D];
    playing_hindsight(a, t, proposed, accepted);
    a->policy->learn_all(a->state, &a->problem, a->param, &(struct hindsight){v[0].pos, proposed, accepted});
    must(bsp_learn_all(p, v[0].pos, proposed, accepted));
}

static void test_every_policy_chooses_what_its_agent_chooses(void **state) {
    (void)state;
    for (const struct policy *const *q = policies; *q; q++) {
        struct agent a, b;
        struct err err;
        assert_int_equal(agent_open(&a, (*q)->name, &playing_problem, &err), 0);
        assert_int_equal(agent_open(&b, (*q)->name, &playing_problem, &err), 0);
        bsp_policy *p = policy_of((*q)->name);
        assert_string_equal(bsp_spec(p), a.spec);
        assert_int_equal(bsp_asks(p), (*q)->flags);
        for (int r = 0; r < PLAYING_R; r++) must(bsp_begin(p, r, (uint32_t)(100 + r)));
        for (int t = 0; t < ROUNDS; t++) both_play(p, &a, t);
        must(bsp_save(p, file)); // and what it saves is what --policy-state takes
        if (state_load(&b, file, &err)) fail_msg("%s", err.text);
        assert_memory_equal(a.state, b.state, a.size);
        agent_close(&a), agent_close(&b);
        bsp_free(p);
    }
}

static void test_arms_are_those_of_the_command_line(void **state) {
    (void)state;
    bsp_policy *p = bsp_create("hf", "eagle pld", 8, "pld:1-2 plain eagle:stop(entropy>1.5,max=6)", 1, 0);
    assert_non_null(p);
    static const struct bsp_arm want[] = {{0, 1, 1, 0, "pld:1"}, {0, 1, 2, 0, "pld:2"}, {0, -1, 0, 0, "plain"},
        {0, 0, 6, 1, "eagle:stop(entropy>1.5,max=6)"}};
    assert_int_equal(bsp_arms(p), 4);
    for (int k = 0; k < 4; k++) {
        struct bsp_arm arm = {.size = sizeof arm};
        must(bsp_arm(p, k, &arm));
        assert_int_equal(arm.drafter, want[k].drafter);
        assert_int_equal(arm.gamma, want[k].gamma);
        assert_int_equal(arm.asks, want[k].asks);
        assert_string_equal(arm.name, want[k].name);
    }
    assert_int_equal(bsp_deepen(p, 0, 3, 1, 0.9f, 1.4f), 1);
    assert_int_equal(bsp_deepen(p, 0, 3, 1, 0.9f, 1.6f), 0);
    assert_int_equal(bsp_deepen(p, 0, 3, 6, 0.9f, 1.4f), 0); // as deep as it goes
    bsp_free(p);
    p = bsp_create("none", NULL, 8, NULL, 1, 0); // no drafter at all
    assert_non_null(p);
    assert_int_equal(bsp_arms(p), 1);
    assert_int_equal(bsp_select(p, NULL), 0);
    bsp_free(p);
}

/* A rule that moves its own threshold does so per request, and starts anew with a sequence. */
static void test_stopping_rules_learn_by_request(void **state) {
    (void)state;
    bsp_policy *p = bsp_create("fixed", "e", 8, "e:stop(adaedl<0.5)", 2, 0);
    assert_non_null(p);
    struct bsp_round r = {.size = sizeof r, .request = 1, .gamma = 8, .proposed = 8, .accepted = 0, .verify_s = 1};
    assert_int_equal(bsp_deepen(p, 1, 0, 1, 0.5f, 1.2f), 1); // 1 - sqrt(0.24) = 0.5101, not below 0.5
    for (int i = 0; i < 50; i++) must(bsp_update(p, &r)); // nothing accepted: 0.5 + 50 * 0.1 * 0.01
    assert_int_equal(bsp_deepen(p, 1, 0, 1, 0.5f, 1.2f), 0);
    assert_int_equal(bsp_deepen(p, 0, 0, 1, 0.5f, 1.2f), 1);
    must(bsp_begin(p, 1, 2));
    assert_int_equal(bsp_deepen(p, 1, 0, 1, 0.5f, 1.2f), 1);
    bsp_free(p);
}

static void test_load_and_reset_return_to_what_was_learned(void **state) {
    (void)state;
    bsp_policy *p = policy_of("ucb1:reward=len"), *q = policy_of("ucb1:reward=len");
    struct agent a;
    assert_int_equal(agent_open(&a, "ucb1:reward=len", &playing_problem, &(struct err){""}), 0);
    for (int t = 0; t < ROUNDS; t++) both_play(p, &a, t);
    must(bsp_save(p, file));
    must(bsp_load(q, file));
    char *learned = read_file(file);
    for (int t = ROUNDS; t < 2 * ROUNDS; t++) both_play(q, &a, t); // it goes on as if it had been there from the start
    must(bsp_reset(q));
    must(bsp_save(q, file));
    char *again = read_file(file);
    assert_string_equal(again, learned);
    must(bsp_reset(p)); // nothing was loaded here: as new
    must(bsp_save(p, file));
    char *new = read_file(file);
    assert_string_not_equal(new, learned);
    assert_int_equal(bsp_select(p, NULL), 0);
    free(learned), free(again), free(new);
    bsp_policy *other = policy_of("ucb1");
    assert_int_equal(bsp_load(other, file), -1);
    assert_contains(bsp_error(), "was saved by policy 'ucb1:reward=len', not 'ucb1'");
    assert_int_equal(bsp_save(other, "no/such/x"), -1);
    assert_contains(bsp_error(), "cannot write policy state 'no/such/x'");
    agent_close(&a);
    bsp_free(p), bsp_free(q), bsp_free(other);
}

/* -- threads -- */

enum { THREADS = 8, EACH = 100000 };

static void *share_one(void *user) {
    bsp_policy *p = user;
    for (int i = 0; i < EACH; i++) {
        struct bsp_arm arm = {.size = sizeof arm};
        int k = bsp_select(p, NULL);
        if (k < 0 || bsp_arm(p, k, &arm)) return "select";
        struct bsp_round r = {.size = sizeof r, .arm = k, .gamma = arm.gamma, .proposed = arm.gamma, .accepted = arm.gamma / 2,
            .draft_s = 0.001, .verify_s = 0.03};
        if (bsp_update(p, &r)) return "update";
        if (i % 10000 == 0 && bsp_save(p, file)) return "save";
        if (i % 100 == 0 && (bsp_select(p, &(struct bsp_view){.size = sizeof(struct bsp_view), .request = (int)(i % 7) + 50}) != -1
            || !strstr(bsp_error(), "request ")))
            return "an error of one's own";
    }
    return NULL;
}

/* Every update counts, none twice: an instance that gets them one after the other has counted as many. */
static void test_threads_may_share_an_instance(void **state) {
    (void)state;
    bsp_policy *p = policy_of("random"), *counted = policy_of("ucbspec");
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&thread[i], NULL, share_one, i % 2 ? p : counted), 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(thread[i], &wrong);
        if (wrong) fail_msg("a thread failed at %s", (char *)wrong);
    }
    bsp_policy *alone = policy_of("ucbspec");
    for (int i = 0; i < THREADS / 2; i++) assert_null(share_one(alone));
    char other[4300];
    snprintf(other, sizeof other, "%s.alone", file);
    must(bsp_save(counted, file));
    must(bsp_save(alone, other));
    struct agent a, b;
    struct err err;
    assert_int_equal(agent_open(&a, "ucbspec", &playing_problem, &err), 0);
    assert_int_equal(agent_open(&b, "ucbspec", &playing_problem, &err), 0);
    assert_int_equal(state_load(&a, file, &err), 0);
    assert_int_equal(state_load(&b, other, &err), 0);
    assert_memory_equal(a.state, b.state, sizeof(double)); // rounds so far
    agent_close(&a), agent_close(&b);
    bsp_free(p), bsp_free(counted), bsp_free(alone);
}

static void *own_one(void *user) {
    int *arms = user;
    bsp_policy *p = policy_of("thompson");
    for (int i = 0; i < EACH; i++) {
        struct bsp_arm arm = {.size = sizeof arm};
        arms[i] = bsp_select(p, NULL);
        bsp_arm(p, arms[i], &arm);
        bsp_update(p, &(struct bsp_round){.size = sizeof(struct bsp_round), .arm = arms[i], .gamma = arm.gamma, .proposed = arm.gamma,
            .accepted = arm.gamma / 2, .verify_s = 0.03});
    }
    bsp_free(p);
    return NULL;
}

static void test_instances_share_nothing(void **state) {
    (void)state;
    static int arms[THREADS][EACH];
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&thread[i], NULL, own_one, arms[i]), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    for (int i = 1; i < THREADS; i++) assert_memory_equal(arms[i], arms[0], sizeof arms[0]);
}

/* -- misuse -- */

static void says(int rc, const char *why) {
    assert_int_equal(rc, -1);
    assert_contains(bsp_error(), why);
    assert_null(strchr(bsp_error(), '\n'));
}

static void no_policy(const char *spec, const char *drafters, int longest, const char *arms, int requests, const char *why) {
    assert_null(bsp_create(spec, drafters, longest, arms, requests, 0));
    says(-1, why);
}

static void test_creating_what_cannot_be_says_why(void **state) {
    (void)state;
    no_policy(NULL, "pld", 8, NULL, 1, "wants a spec");
    no_policy("", "pld", 8, NULL, 1, "unknown policy ''");
    no_policy("ucbspek", "pld", 8, NULL, 1, "did you mean 'ucbspec'?");
    no_policy("ucbspec:delta=9", "pld", 8, NULL, 1, "wants a value from");
    no_policy("none", "pld", 8, "pld:2", 1, "wants the arm 'plain'");
    no_policy("thompson", "pld", 8, "sam:2", 1, "arm 'sam:2' names no drafter");
    no_policy("thompson", "pld pld", 8, NULL, 1, "two drafters are called 'pld'");
    no_policy("thompson", "pld", 0, NULL, 1, "largest draft 0, expected 1 to 64");
    no_policy("thompson", "pld", 65, NULL, 1, "largest draft 65");
    no_policy("thompson", "pld", 8, NULL, 0, "0 requests, expected 1 to");
    no_policy("thompson", "pld", 8, NULL, 1 << 30, "requests, expected 1 to");
    for (int n = 1; n < 12; n++) { // whichever allocation fails
        mem_fail_after(n);
        bsp_policy *p = bsp_create("thompson", "pld", 8, NULL, 1, 0);
        mem_fail_after(0);
        if (!p) says(-1, "cannot allocate");
        else if (n < 5) fail_msg("allocation %d failed unnoticed", n);
        bsp_free(p);
    }
    bsp_free(NULL);
}

static void test_wrong_calls_say_why_and_change_nothing(void **state) {
    (void)state;
    bsp_policy *p = policy_of("thompson");
    struct bsp_view v = {.size = sizeof v, .pos = 1, .batch = 1};
    struct bsp_round r = {.size = sizeof r, .arm = 3, .gamma = 8, .proposed = 4, .accepted = 2, .verify_s = 1};
    struct bsp_arm arm = {.size = sizeof arm};
    must(bsp_save(p, file));
    char *before = read_file(file);
#define VIEW(field, value, why) \
    do { \
        struct bsp_view x = v; \
        x.field = value; \
        says(bsp_select(p, &x), why); \
    } while (0)
#define ROUND(field, value, why) \
    do { \
        struct bsp_round x = r; \
        x.field = value; \
        says(bsp_update(p, &x), why); \
    } while (0)
    VIEW(size, 0, "struct bsp_view of 0 bytes");
    VIEW(size, 8, "struct bsp_view of 8 bytes");
    VIEW(request, PLAYING_R, "request 4, expected 0 to 3");
    VIEW(request, -1, "request -1");
    VIEW(pos, -1, "position -1");
    VIEW(batch, 0, "batch of 0");
    VIEW(margin, NAN, "margin nan");
    ROUND(size, 0, "struct bsp_round of 0 bytes");
    ROUND(arm, 7, "arm 7, expected 0 to 6");
    ROUND(arm, -1, "arm -1");
    ROUND(request, 9, "request 9");
    ROUND(gamma, 9, "with gamma 9");
    ROUND(proposed, 9, "9 proposed");
    ROUND(proposed, -1, "-1 proposed");
    ROUND(accepted, 5, "5 accepted");
    ROUND(accepted, -1, "-1 accepted");
    ROUND(draft_s, -1, "took -1");
    ROUND(draft_s, NAN, "took nan");
    ROUND(verify_s, INFINITY, "and inf seconds");
    ROUND(nodes, -1, "-1 nodes");
    arm.size = 4;
    says(bsp_arm(p, 0, &arm), "struct bsp_arm of 4 bytes");
    arm.size = sizeof arm;
    says(bsp_arm(p, 7, &arm), "arm 7");
    says(bsp_begin(p, 4, 0), "request 4");
    says(bsp_deepen(p, 0, 3, 0, 0.5f, 1), "depth 0 of arm 'small:8', expected 1 to 8");
    says(bsp_deepen(p, 0, 3, 9, 0.5f, 1), "depth 9");
    says(bsp_deepen(p, 0, 0, 1, 0.5f, 1), "depth 1 of arm 'plain'");
    says(bsp_deepen(p, 0, 3, 1, 1.5f, 1), "probability 1.5");
    says(bsp_deepen(p, 0, 3, 1, 0.5f, NAN), "entropy nan");
    says(bsp_share(p, &v, 1, 4, (int[1]){0}), "shares no quota");
    says(bsp_learn_all(p, 1, (int[2]){1, 1}, (int[2]){0, 0}), "does not learn from drafts that were not played");
    says(bsp_load(p, "no/such"), "cannot read policy state 'no/such'");
    must(bsp_save(p, file));
    char *after = read_file(file);
    assert_string_equal(before, after);
    free(before), free(after);
    bsp_free(p);
}

/* A caller built against a later header knows more than this library: what it cannot know is left alone. */
static void test_a_larger_struct_of_a_later_caller_is_taken(void **state) {
    (void)state;
    bsp_policy *p = policy_of("thompson");
    struct { struct bsp_round r; double more[3]; } later = {.r = {.size = sizeof later, .arm = 3, .gamma = 8, .proposed = 8,
        .accepted = 8, .verify_s = 1}};
    must(bsp_update(p, &later.r));
    struct { struct bsp_view v; double more[3]; } seen = {.v = {.size = sizeof seen, .pos = 1, .batch = 1}};
    must(bsp_select(p, &seen.v));
    assert_int_equal(bsp_api(), BSP_API);
    assert_string_equal(bsp_version(), VERSION);
    bsp_free(p);
}

static int setup(void **state) {
    (void)state;
    if (tempdir_open(&dir)) return -1;
    snprintf(file, sizeof file, "%s/a.state", dir.path);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    tempdir_close(&dir);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_policy_chooses_what_its_agent_chooses),
        cmocka_unit_test(test_arms_are_those_of_the_command_line),
        cmocka_unit_test(test_stopping_rules_learn_by_request),
        cmocka_unit_test(test_load_and_reset_return_to_what_was_learned),
        cmocka_unit_test(test_threads_may_share_an_instance),
        cmocka_unit_test(test_instances_share_nothing),
        cmocka_unit_test(test_creating_what_cannot_be_says_why),
        cmocka_unit_test(test_wrong_calls_say_why_and_change_nothing),
        cmocka_unit_test(test_a_larger_struct_of_a_later_caller_is_taken),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
