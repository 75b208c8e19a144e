/* test_stop.c - stopping rules: their formulas, their arms, and that replay stops where live did (law 3), with heads, draft models and copiers
 * in one set of arms. */
#include "tests/run_command.h"

#include "core/datastore.h"
#include "core/tokenizer_model.h"
#include "policies/arms.h"
#include "tests/tempdir.h"

command cmd_record, cmd_live, cmd_replay, cmd_traces;

#define HF "tests/golden/tiny-hf/"

static void test_rules_are_their_formulas(void **state) {
    (void)state;
    const struct stop entropy = {STOP_ENTROPY, 1, 0}, maxprob = {STOP_MAXPROB, 0.5, 0}, svip = {STOP_SVIP, 2, 0}, adaedl = {STOP_ADAEDL, 0.4, 0}, never = {0};
    assert_true(stop_after(&entropy, NULL, 1, 1.01f) && !stop_after(&entropy, NULL, 1, 1));
    assert_true(stop_after(&maxprob, NULL, 0.49f, 0) && !stop_after(&maxprob, NULL, 0.5f, 9));
    assert_true(stop_after(&svip, NULL, 1, 4.01f) && !stop_after(&svip, NULL, 1, 4)); // sqrt(H) > 2
    assert_true(stop_after(&adaedl, NULL, 1, 1.81f) && !stop_after(&adaedl, NULL, 1, 1.79f)); // 1 - sqrt(0.2 * 1.8) = 0.4
    assert_false(stop_after(&never, NULL, 0, 99));
    assert_false(stop_after(&svip, NULL, 1, -1e-6f)); // rounding below 0
}

/* By hand: l = 0.5; (4, 4): ratio 1, l stays 0.5; (4, 2): ratio 0.75 < 0.9, l' = 0.51, l = 0.501; (2, 2): ratio 0.875, l' = 0.511, l = 0.502. */
static void test_adaedl_follows_the_acceptance(void **state) {
    (void)state;
    const struct stop s = {STOP_ADAEDL, 0.5, 0}, other = {STOP_ENTROPY, 0.5, 0};
    struct stop_state x = {0};
    stop_learn(&s, &x, 4, 4);
    assert_true(fabs(x.threshold - 0.5) < 1e-12 && fabs(x.ratio - 1) < 1e-12);
    stop_learn(&s, &x, 0, 0); // nothing drafted, nothing learnt
    stop_learn(&s, &x, 4, 2);
    assert_true(fabs(x.threshold - 0.501) < 1e-12 && fabs(x.ratio - 0.75) < 1e-12);
    stop_learn(&s, &x, 2, 2);
    assert_true(fabs(x.threshold - 0.502) < 1e-12 && fabs(x.ratio - 0.875) < 1e-12);
    x = (struct stop_state){0};
    stop_learn(&s, &x, 8, 8);
    stop_learn(&s, &x, 20, 19); // ratio 0.975, not all accepted: l' = 0.49
    assert_true(fabs(x.threshold - 0.499) < 1e-12);
    x = (struct stop_state){0};
    stop_learn(&other, &x, 4, 0);
    assert_false(x.begun);
}

static int parse(struct arms *arms, const char *word, struct err *err) {
    const char *names[] = {"pld", "e"};
    return arms_parse(arms, &word, 1, names, 2, 12, err);
}

static void test_arms_are_read_and_bad_ones_named(void **state) {
    (void)state;
    struct arms arms;
    struct err err = {""};
    assert_int_equal(parse(&arms, "plain e:2,4 e:stop(entropy>1.5) e:stop(entropy>1.5,max=6) e:stop(entropy>1.5) e:8 e:stop(adaedl<.5,max=12)", &err), 0);
    assert_int_equal(arms.K, 7); // an arm named twice counts once
    assert_int_equal(arms.L, 12);
    assert_int_equal(arms.at[3].gamma, 8);
    assert_int_equal(arms.at[4].gamma, 6);
    assert_int_equal(arms.at[5].stop.rule, STOP_NEVER); // e:8 is another arm than the rule with the same limit
    assert_true(arms.at[3].stop.rule == STOP_ENTROPY && arms.at[3].stop.threshold == 1.5 && arms.at[6].stop.threshold == 0.5);
    assert_true(arms.at[3].stop.slot == 0 && arms.at[4].stop.slot == 1 && arms.at[6].stop.slot == 2);
    assert_int_equal(arms_find(arms.at, arms.K, "e:stop(entropy>1.5,max=6)"), 4);
    arms_close(&arms);
    const char *bad[] = {"e:stop()", "e:stop(entropy)", "e:stop(entropy<1)", "e:stop(entropy>)", "e:stop(entropy>-1)", "e:stop(entropy>nan)", "e:stop(entropy>1", "e:stop(entropy>1)x",
                         "e:stop(entropy>1,max=0)", "e:stop(entropy>1,max=13)", "e:stop(entropy>1,max=)", "e:stop(maxprob<1.5)", "x:stop(entropy>1)", "e:stop(luck>1)",
                         "e:stop(entropy>1.00000000000000000000000000000000000000000000000000001)"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err.text[0] = 0;
        if (!parse(&arms, bad[i], &err)) fail_msg("'%s' was taken", bad[i]);
        assert_contains(err.text, bad[i]);
    }
}

/* A datastore in the target's tokens: a walk over a few of them. */
static void make_datastore(const char *path) {
    struct model m;
    struct tokenizer t;
    struct err err = {""};
    struct ids ids = {0};
    if (model_open(&m, HF "a", NULL, &err) || tokenizer_open_model(&t, &m, &err)) fail_msg("%s", err.text);
    for (int i = 0, at = 5; i < 3000; i++, at = (at * 7 + i % 11) % 320) ids_add(&ids, i % 100 == 99 ? DATASTORE_END : at, &err);
    if (ids_add(&ids, DATASTORE_END, &err) || datastore_write(path, &ids, t.sha256, &err)) fail_msg("%s", err.text);
    ids_close(&ids), tokenizer_close(&t), model_close(&m);
}

static void test_replay_stops_where_live_did(void **state) {
    (void)state;
    struct tempdir dir;
    struct err err;
    assert_false(tempdir_open(&dir));
    char *prompts = (char *)tempdir_file(&dir, "p.jsonl"), *db = (char *)tempdir_file(&dir, "t.db"), rest[4200], resttree[4200];
    const char *store = tempdir_file(&dir, "x.rest");
    make_datastore(store);
    snprintf(rest, sizeof rest, "rest=%s,least=1", store), snprintf(resttree, sizeof resttree, "resttree=%s,least=1,nodes=10,depth=3", store);
    write_file(prompts, "{\"prompt_ids\":[5,9,13,5,9,13,200,7]}\n{\"prompt_ids\":[17,18,17,18,17]}\n{\"prompt_ids\":[300,2,44]}\n");
#define SAME "--model", HF "a", "--drafter", "pld", "e@eagle=" HF "eagle-a", "m@model=" HF "a,vocab=150", "t@eagle2=" HF "eagle-a,nodes=12,depth=4,topk=3", rest, resttree, "--prompts", prompts, "--max-new", "60", "--threads", threads
    for (int turn = 0; turn < 4; turn++) { // warm and cold, with one thread and three; texts end where they end
        char *heat = turn % 2 ? "0.7" : "0", *threads = turn < 2 ? "1" : "3";
        remove(db);
        if (run_command(cmd_record, &err, NULL, (char *[]){"record", SAME, "--db", db, "--max-draft", "8", "--temperature", heat, NULL})) fail_msg("%s", err.text);
        if (run_command(cmd_traces, &err, NULL, (char *[]){"traces", "check", db, NULL})) fail_msg("%s", err.text);
        assert_int_equal(query_number(db, "SELECT count(*) FROM latency WHERE operation = 'draft' AND width = 1"), 2 * 3); // model drafters that draft token by token
        // some of their catching up is timed along the way, right after a verification (after the text: once for each number of tokens)
        assert_true(query_number(db, "SELECT max(samples) FROM latency WHERE operation = 'catchup'") >= 2);
        assert_true(query_number(db, "SELECT sum(samples) FROM latency WHERE operation = 'again' AND drafter IS NOT NULL") >= 10);
        assert_int_equal(query_number(db, "SELECT count(*) FROM latency WHERE operation = 'catchup' AND (p10_ns <= 0 OR p50_ns < p10_ns OR p90_ns < p50_ns OR width & (width - 1))"), 0);
        assert_true(query_number(db, "SELECT min(length(sha256)) FROM drafter WHERE kind <> 'pld'") == 64);
        for (int i = 0; i < 3; i++) {
            char *policy = (char *[]){"ucbspec", "random", "thompson"}[i];
            if (run_command(cmd_live, &err, NULL, (char *[]){"live", SAME, "--temperature", heat, "--check", db, "--policy", policy, "--arms", "plain", "pld:3", "e:2", "e:stop(entropy>1)",
                            "e:stop(maxprob<0.7,max=5)", "m:stop(svip>0.9)", "m:stop(adaedl<0.6)", "e:stop(adaedl<0.6)", "m:4", "t:8", "t:2", "rest:4", "resttree:3", NULL})) fail_msg("%s, %s: %s", policy, heat, err.text);
        }
        assert_refused(cmd_live, (char *[]){"live", SAME, "--temperature", heat, "--policy", "random", "--arms", "pld:stop(entropy>1)", NULL}, -1, "probabilities");
        assert_refused(cmd_replay, (char *[]){"replay", "--db", db, "--arms", "pld:stop(entropy>1)", NULL}, -1, "probabilities");
        assert_refused(cmd_replay, (char *[]){"replay", "--db", db, "--arms", "t:stop(entropy>1)", NULL}, -1, "a tree comes at once");
        assert_refused(cmd_live, (char *[]){"live", SAME, "--temperature", heat, "--policy", "random", "--arms", "t:stop(entropy>1)", NULL}, -1, "a tree comes at once");
    }
    run_sql(db, "UPDATE draft SET signal = x'00000000' WHERE drafter = 2 AND pos = 9");
    // a tree's nodes by depth, each two floats
    assert_int_equal(query_number(db, "SELECT count(*) FROM draft WHERE drafter = 4 AND proposed > 0 AND length(signal) = 8 * proposed"), query_number(db, "SELECT count(*) FROM draft WHERE drafter = 4 AND proposed > 0"));
    assert_true(query_number(db, "SELECT max(accepted) FROM draft WHERE drafter = 4") >= 1 && query_number(db, "SELECT max(proposed) FROM draft WHERE drafter = 4") <= 4);
    assert_int_equal(query_number(db, "SELECT max(verify_width) FROM step"), 13); // the tree's turn
    assert_refused(cmd_replay, (char *[]){"replay", "--db", db, "--arms", "e:stop(entropy>1)", NULL}, -1, "position 9");
    run_sql(db, "UPDATE draft SET signal = zeroblob(length(signal)) WHERE drafter = 4 AND pos = 11");
    assert_refused(cmd_replay, (char *[]){"replay", "--db", db, NULL}, -1, "position 11");
    tempdir_close(&dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules_are_their_formulas),
        cmocka_unit_test(test_adaedl_follows_the_acceptance),
        cmocka_unit_test(test_arms_are_read_and_bad_ones_named),
        cmocka_unit_test(test_replay_stops_where_live_did),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
