/* test_sees.c - what policies see is the same live and in replay (law 3): a policy that mixes all of it into a hash, and plays by the hash,
 * ends in the same state; and what drafters that were asked cost is charged. */
#include "tests/run_command.h"

#include "sim/episode.h"
#include "sim/live.h"
#include "sim/replay.h"
#include "tests/scene_lm.h"
#include "tests/tempdir.h"
#include "traces/prompt_ids.h"

command cmd_record;

#define HF "tests/golden/tiny-hf/"
enum { PROMPT = 8, MAX_NEW = 60, L = 6 };

/* -- the policy -- */

struct seer {
    uint64_t hash;
    int deepened, hindsights, signals, matches, margins; // how much it saw
};

static void mix(struct seer *s, const void *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) s->hash = (s->hash ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
    s->hash ^= s->hash >> 29;
}
static void mix_int(struct seer *s, int x) { mix(s, &x, sizeof x); }

static size_t seer_size(const struct problem *p) { return (void)p, sizeof(struct seer); }

static int seer_select(void *state, const struct problem *p, const double *param, const struct view *v, struct rng *rng) {
    struct seer *s = state;
    (void)param, (void)rng;
    mix_int(s, v->pos), mix_int(s, v->prompt_tokens), mix_int(s, v->max_new), mix_int(s, v->batch), mix(s, &v->margin, sizeof v->margin);
    s->margins += v->margin > 0;
    for (int d = 0; v->peek && d < p->D; d++) mix_int(s, v->peek[d].proposed), mix_int(s, v->peek[d].match), s->matches += v->peek[d].match > 0;
    return (int)((s->hash >> 20) % (uint64_t)p->K);
}

static bool seer_deepen(void *state, const struct problem *p, const double *param, const struct drafted *x) {
    struct seer *s = state;
    (void)p, (void)param;
    s->deepened++;
    mix_int(s, x->arm), mix_int(s, x->depth), mix(s, &x->top_prob, sizeof x->top_prob), mix(s, &x->entropy, sizeof x->entropy);
    return (s->hash >> 13) % 4 > 0;
}

static void seer_learn_all(void *state, const struct problem *p, const double *param, const struct hindsight *h) {
    struct seer *s = state;
    (void)param;
    s->hindsights++;
    mix_int(s, h->pos), mix(s, h->proposed, (size_t)p->D * sizeof *h->proposed), mix(s, h->accepted, (size_t)p->D * sizeof *h->accepted);
}

static void seer_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct seer *s = state;
    (void)p, (void)param;
    mix_int(s, o->arm), mix_int(s, o->gamma), mix_int(s, o->proposed), mix_int(s, o->accepted), mix_int(s, o->emitted), mix_int(s, outcome_nodes(o));
    if (o->signal) mix(s, o->signal, (size_t)o->proposed * 2 * sizeof *o->signal), s->signals += o->proposed;
}

static const struct policy asking[] = {
    {.name = "peeks", .flags = POLICY_PEEK | POLICY_MARGIN, .size = seer_size, .select_seeing = seer_select, .update = seer_update},
    {.name = "deepens", .flags = POLICY_SIGNAL, .size = seer_size, .select_seeing = seer_select, .deepen = seer_deepen, .update = seer_update},
    {.name = "peeks and deepens", .flags = POLICY_PEEK | POLICY_SIGNAL | POLICY_MARGIN, .size = seer_size, .select_seeing = seer_select, .deepen = seer_deepen, .update = seer_update},
    {.name = "asks all", .flags = POLICY_ALL | POLICY_SIGNAL, .size = seer_size, .select_seeing = seer_select, .learn_all = seer_learn_all, .update = seer_update},
    {.name = "asks all and deepens", .flags = POLICY_ALL | POLICY_PEEK | POLICY_SIGNAL | POLICY_MARGIN, .size = seer_size, .select_seeing = seer_select, .deepen = seer_deepen,
     .learn_all = seer_learn_all, .update = seer_update},
};
enum { ASKING = sizeof asking / sizeof *asking };

static struct agent agent_of(const struct policy *policy, const struct arms *arms, int D, struct seer *s) {
    *s = (struct seer){.hash = 0xcbf29ce484222325u};
    return (struct agent){.policy = policy, .problem = {.K = arms->K, .D = D, .L = arms->L, .arms = arms->at}, .spec = "seer", .size = sizeof *s, .state = s};
}

/* -- live beside replay -- */

static int keep(void *user, const struct step *s, struct err *err) { return rounds_add(user, s, err); }

struct replayed {
    const struct rounds *live;
    size_t n;
};

static int compare(void *user, const struct step *s, struct err *err) {
    struct replayed *r = user;
    const struct outcome *l = &r->live->at[r->n].outcome, *o = &s->outcome;
    (void)err;
    assert_true(r->n < r->live->n);
    if (l->arm != o->arm || l->gamma != o->gamma || l->proposed != o->proposed || l->accepted != o->accepted || l->emitted != o->emitted)
        fail_msg("round %zu: live arm %d gamma %d proposed %d accepted %d emitted %d, replay %d %d %d %d %d", r->n, l->arm, l->gamma, l->proposed, l->accepted, l->emitted,
                 o->arm, o->gamma, o->proposed, o->accepted, o->emitted);
    r->n++;
    return 0;
}

static const int prompts[3][PROMPT] = {{5, 9, 13, 5, 9, 13, 5, 9}, {17, 18, 17, 18, 17, 18, 17, 18}, {300, 2, 44, 300, 2, 44, 300, 2}};

/* Prompt q with one agent live, with the other in replay at the live run's timings: the same rounds. */
static void beside(struct scene_lm *s, struct trace *t, const struct arms *arms, int q, struct agent *live_agent, struct agent *agent) {
    struct err err = {""};
    char key[17];
    struct rounds rounds = {.n = 0};
    struct episode_total total = {0};
    const char *name = agent->policy->name;
    assert_false(prompt_key(prompts[q], PROMPT, key, &err));
    assert_string_equal(key, t->sequences[q].prompt_key);
    const struct live_prompt prompt = {prompts[q], PROMPT, prompt_sequence(key)};
    struct world_live live = world_live(&s->decoder, &prompt, MAX_NEW);
    if (episode_run(&live.world, live_agent, 1, 0, 0, NULL, 0, &(struct episode_watch){keep, &rounds}, &total, &err)) fail_msg("%s: %s", name, err.text);
    world_live_close(&live);
    struct world_trace w = world_trace(t, NULL);
    world_trace_give(&w, rounds.seconds, rounds.n);
    struct replayed r = {&rounds, 0};
    if (world_trace_ready(t, agent->policy->flags, arms->at, arms->K, &err)
        || episode_run(&w.world, agent, 1, q, 0, NULL, 0, &(struct episode_watch){compare, &r}, &total, &err)) fail_msg("%s: %s", name, err.text);
    assert_int_equal(r.n, rounds.n);
    rounds_close(&rounds);
}

static void check(struct scene_lm *s, struct trace *t, const struct arms *arms, const struct policy *policy, struct seer *seen) {
    for (int q = 0; q < 3; q++) {
        struct seer live_seer, seer;
        struct agent live_agent = agent_of(policy, arms, t->D, &live_seer), agent = agent_of(policy, arms, t->D, &seer);
        beside(s, t, arms, q, &live_agent, &agent);
        if (memcmp(&live_seer, &seer, sizeof seer)) fail_msg("'%s' saw something else in replay of prompt %d", policy->name, q);
        seen->deepened += seer.deepened, seen->hindsights += seer.hindsights, seen->signals += seer.signals, seen->matches += seer.matches, seen->margins += seer.margins;
    }
}

/* A policy of the list that learns on over the prompts; at the end its two states are equal, byte for byte. */
static void check_listed(struct scene_lm *s, struct trace *t, const struct arms *arms, const struct policy *policy) {
    struct err err = {""};
    const struct problem p = {.K = arms->K, .D = t->D, .L = arms->L, .arms = arms->at};
    struct agent live, replay;
    if (agent_open(&live, policy->name, &p, &err) || agent_open(&replay, policy->name, &p, &err)) fail_msg("%s", err.text);
    for (int q = 0; q < 3; q++) beside(s, t, arms, q, &live, &replay);
    if (memcmp(live.state, replay.state, live.size)) fail_msg("'%s' remembers something else in replay", policy->name);
    agent_close(&live);
    agent_close(&replay);
}

static struct tempdir dir;

#define DRAFTERS "pld", "e@eagle=" HF "eagle-a", "sam", "m@model=" HF "a,vocab=150"

static void test_policies_see_the_same_live_and_in_replay(void **state) {
    (void)state;
    static const char *const specs[] = {DRAFTERS, NULL}, *const names[] = {"pld", "e", "sam", "m"};
    static const char *const words[] = {"plain", "pld:2,6", "e:1,5", "e:stop(entropy>3)", "sam:1,4", "m:2,6"};
    for (int warm = 0; warm < 2; warm++) {
        struct err err = {""};
        struct trace t;
        struct arms arms;
        struct scene_lm s;
        char db[4200];
        char *lines = (char *)tempdir_file(&dir, "p.jsonl");
        snprintf(db, sizeof db, "%s/%d.db", dir.path, warm);
        write_file(lines, "{\"prompt_ids\":[5,9,13,5,9,13,5,9]}\n{\"prompt_ids\":[17,18,17,18,17,18,17,18]}\n{\"prompt_ids\":[300,2,44,300,2,44,300,2]}\n");
        if (run_command(cmd_record, &err, NULL, (char *[]){"record", "--model", HF "a", "--drafter", DRAFTERS, "--prompts", lines, "--max-new", "60", "--max-draft", "6", "--ignore-eos",
                        "--threads", "1", "--temperature", warm ? "0.7" : "0", "--noise-seed", "5", "--db", db, NULL})) fail_msg("%s", err.text);
        if (trace_open(&t, db, 0, &err) || arms_parse(&arms, words, 6, names, 4, L, &err)) fail_msg("%s", err.text);
        scene_lm_open(&s, HF "a", 1, warm ? 0.7 : 0, specs);
        for (int i = 0; i < ASKING; i++) {
            struct seer seen = {0};
            check(&s, &t, &arms, &asking[i], &seen);
            const unsigned flags = asking[i].flags; // and it saw something at all
            if (flags & POLICY_PEEK) assert_true(seen.matches > 10);
            if (flags & POLICY_MARGIN) assert_true(seen.margins > 10);
            if (flags & POLICY_SIGNAL) assert_true(seen.signals > 10);
            if (flags & POLICY_ALL) assert_true(seen.hindsights > 10);
            if (asking[i].deepen) assert_true(seen.deepened > 10);
        }
        for (const struct policy *const *q = policies; *q; q++) check_listed(&s, &t, &arms, *q);
        scene_lm_close(&s);
        arms_close(&arms);
        trace_close(&t);
    }
}

/* -- what asking costs -- */

static struct trace t;
static struct arms arms;
static struct cost cost;

static struct episode_total seconds_of(const struct policy *policy, const char *spec) {
    struct err err = {""};
    struct seer seer;
    struct agent a = agent_of(policy, &arms, t.D, &seer);
    struct episode_total total = {0};
    struct world_trace w = world_trace(&t, &cost);
    if (!policy && agent_open(&a, spec, &(struct problem){.K = arms.K, .D = t.D, .L = arms.L, .arms = arms.at}, &err)) fail_msg("%s", err.text);
    if (world_trace_ready(&t, WORLD_ASKS, arms.at, arms.K, &err) || episode_run(&w.world, &a, 1, 0, 0, NULL, 0, NULL, &total, &err)) fail_msg("%s", err.text);
    if (!policy) agent_close(&a);
    return total;
}

static int first_arm(void *state, const struct problem *p, const double *param, const struct view *v, struct rng *rng) {
    return (void)state, (void)p, (void)param, (void)v, (void)rng, 0;
}
static const struct policy plainly[] = {
    {.name = "plain", .size = seer_size, .select_seeing = first_arm},
    {.name = "plain that peeks", .flags = POLICY_PEEK, .size = seer_size, .select_seeing = first_arm},
    {.name = "plain that asks all", .flags = POLICY_ALL, .size = seer_size, .select_seeing = first_arm, .learn_all = seer_learn_all},
};

static void test_what_is_asked_is_charged(void **state) {
    (void)state;
    struct err err = {""};
    char db[4200];
    snprintf(db, sizeof db, "%s/0.db", dir.path);
    static const char *const words[] = {"plain", "pld:6", "sam:6", "e:6", "m:6"};
    if (trace_open(&t, db, 0, &err) || replay_arms(&arms, &t, words, 5, &err) || cost_fit(&cost, &t, &err)) fail_msg("%s", err.text);
    const struct episode_total plain = seconds_of(&plainly[0], NULL), peeks = seconds_of(&plainly[1], NULL), all = seconds_of(&plainly[2], NULL);
    assert_int_equal(plain.rounds, peeks.rounds);
    assert_true(plain.draft_s == 0 && plain.verify_s == peeks.verify_s && plain.verify_s == all.verify_s);
    double copiers = 0, models = 0; // by hand: every position is a round of plain decoding
    for (int pos = 1; pos < t.sequences[0].tokens; pos++)
        for (int d = 0; d < t.D; d++) {
            int most = t.max_new - pos - 1, n = t.proposed[trace_cell(&t, d, 0, pos)], context = t.sequences[0].prompt_tokens + pos;
            if (most < 1) continue;
            // draft models and heads: seen 1 new token a round, after the whole prompt in the first
            double x = cost_drafting(&cost, d, n < most ? n : most, context);
            if (pos == 1) x += cost_catch_up(&cost, d, context);
            *(t.drafters[d].copier ? &copiers : &models) += x;
        }
    assert_true(copiers > 0 && models > copiers);
    if (fabs(peeks.draft_s - copiers) > 1e-12 * copiers) fail_msg("peeks are charged %.9g s, expected %.9g", peeks.draft_s, copiers);
    if (fabs(all.draft_s - copiers - models) > 1e-6 * models) fail_msg("asking all is charged %.9g s, expected %.9g", all.draft_s, copiers + models);
    arms_close(&arms);
    trace_close(&t);
}

static int setup(void **state) { return (void)state, tempdir_open(&dir); }
static int teardown(void **state) { return (void)state, tempdir_close(&dir), 0; }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policies_see_the_same_live_and_in_replay),
        cmocka_unit_test(test_what_is_asked_is_charged),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
