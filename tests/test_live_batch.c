/* test_live_batch.c - many prompts at once through the command: texts are the target's own (law 1), replay of the batch equals it live (law 3) whoever
 * chooses, a prompt that is too long is refused alone, and what is printed. */
#include "tests/looping.h"

#include <jansson.h>

#include "policies/policy.h"
#include "tests/run_command.h"
#include "tests/tempdir.h"
#include "tests/tiny.h"

command cmd_record, cmd_live;

#define HF "tests/golden/tiny-hf/"

static struct tempdir dir;
static char model[4200], prompts[4200], trace[4200], alone[4200], together[4200], csv[4200], mixed[4200], long_one[4200];

static const char prompt_lines[] =
    "{\"prompt_ids\": [5, 7, 9, 11, 5, 7, 9, 11, 5, 7], \"category\": \"loop\"}\n"
    "{\"prompt\": \"the cat and the dog and the cat\"}\n"
    "{\"turns\": [\"in the in the in the\"]}\n"
    "{\"prompt_ids\": [300, 1, 17]}\n"
    "{\"prompt_ids\": [61, 62, 63, 64, 65, 66, 67, 68, 69]}\n"
    "{\"prompt_ids\": [9, 9, 9, 9]}\n"
    "{\"prompt_ids\": [5, 7, 9, 11, 5, 7, 9]}\n";

#define TARGET "--model", model, "--drafter", "pld", "sam", "--max-new", "48", "--threads", "1"
#define LIVE(...) (char *[]){"live", TARGET, "--prompts", prompts, __VA_ARGS__, NULL}

static void run(command *c, const char *to, char **argv) {
    struct err err;
    if (run_command(c, &err, to, argv)) fail_msg("%s: %s", argv[0], err.text);
}

static void assert_same_file(const char *a, const char *b, const char *what) {
    char *x = read_file(a), *y = read_file(b);
    assert_true(strlen(x) > 100);
    if (strcmp(x, y)) fail_msg("%s: '%s' and '%s' differ", what, a, b);
    free(x), free(y);
}

static void test_texts_are_what_they_are_alone(void **state) {
    (void)state;
    run(cmd_live, alone, LIVE("--ids", "--policy", "none"));
    static char *const sizes[] = {"1", "2", "3", "7", "16"};
    for (int i = 0; i < 5; i++) {
        run(cmd_live, together, LIVE("--ids", "--batch", sizes[i]));
        assert_same_file(alone, together, sizes[i]);
        run(cmd_live, together, LIVE("--ids", "--batch", sizes[i], "--per", "batch", "--policy", "random", "--threads", "2"));
        assert_same_file(alone, together, sizes[i]);
    }
}

/* Every policy for itself, and those that can choose for all; with a quota those that share it out. */
static void test_replay_of_a_batch_equals_it_live(void **state) {
    (void)state;
    int by_request = 0, whole = 0, sharing = 0;
    for (const struct policy *const *p = policies; *p; p++) {
        char spec[100];
        snprintf(spec, sizeof spec, "%s%s", (*p)->name, !strcmp((*p)->name, "fixed") ? ":arm=sam:4" : "");
        if ((*p)->share) {
            run(cmd_live, together, LIVE("--batch", "3", "--policy", spec, "--quota", "9", "--check", trace));
            sharing++;
        } else {
            run(cmd_live, together, LIVE("--batch", "3", "--policy", spec, "--check", trace));
            by_request++;
        }
        char *text = read_file(together);
        assert_contains(text, "replay       equals live: 7 prompts, ");
        free(text);
        if ((*p)->share || (*p)->flags & (POLICY_PEEK | POLICY_ALL)) continue;
        run(cmd_live, together, LIVE("--batch", "4", "--per", "batch", "--policy", spec, "--check", trace, "--scope", "stream"));
        whole++;
    }
    print_message("  %d policies choose by request, %d for all, %d share a quota\n", by_request, whole, sharing);
    assert_true(by_request > 20 && whole > 20);
    assert_refused(cmd_live, LIVE("--batch", "3", "--per", "batch", "--policy", "auto"), -1, "policy 'auto' looks at each request");
    assert_refused(cmd_live, LIVE("--batch", "3", "--policy", "ucbspec", "--quota", "9"), -1, "policy 'ucbspec' shares out no quota");
    assert_refused(cmd_live, LIVE("--quota", "9"), -2, "option '--quota' is for a batch");
    assert_refused(cmd_live, LIVE("--batch", "3", "--per", "slot"), -2, "option '--per' wants request or batch, got 'slot'");
    assert_refused(cmd_live, LIVE("--batch", "300"), -2, "batch");
}

static void test_a_changed_trace_is_caught(void **state) {
    (void)state;
    run_sql(trace, "UPDATE draft SET accepted = 0 WHERE accepted > 3");
    struct err err = {""};
    assert_int_equal(run_command(cmd_live, &err, together, LIVE("--batch", "3", "--policy", "fixed:arm=sam:4", "--check", trace)), -1);
    assert_contains(err.text, "replay differs from live at sequence");
    run(cmd_record, NULL, (char *[]){"record", TARGET, "--prompts", prompts, "--db", mixed, NULL});
    run_sql(mixed, "UPDATE step SET token = (token + 1) % 320 WHERE sequence = (SELECT id FROM sequence WHERE ordinal = 2) AND pos = 9");
    assert_int_equal(run_command(cmd_live, &err, together, LIVE("--batch", "3", "--check", mixed)), -1);
    assert_contains(err.text, "is not that of sequence 2");
}

/* Model drafters share what they run on; heads, trees and rules in one batch, with the laws. */
static void test_every_kind_of_drafter_works_in_a_batch(void **state) {
    (void)state;
    char *lines = (char *)tempdir_file(&dir, "q.jsonl"), *db = (char *)tempdir_file(&dir, "q.db");
    write_file(lines, "{\"prompt_ids\":[5,9,13,5,9,13,200,7]}\n{\"prompt_ids\":[17,18,17,18,17]}\n{\"prompt_ids\":[300,2,44]}\n{\"prompt_ids\":[5,9,13,5,9,13]}\n{\"prompt_ids\":[44,2]}\n");
#define KINDS "--model", HF "a", "--drafter", "pld", "e@eagle=" HF "eagle-a", "m@model=" HF "a,vocab=150", "t@eagle2=" HF "eagle-a,nodes=12,depth=4,topk=3", "--prompts", lines, \
              "--max-new", "40", "--max-context", "64", "--threads", "1"
    static char *const heats[] = {"0", "0.7"};
    for (int i = 0; i < 2; i++) {
        char *heat = heats[i];
        remove(db);
        run(cmd_record, NULL, (char *[]){"record", KINDS, "--db", db, "--temperature", heat, NULL});
        static char *const chosen[] = {"auto", "random", "thompson"};
        for (int k = 0; k < 3; k++)
            run(cmd_live, together, (char *[]){"live", KINDS, "--temperature", heat, "--batch", "3", "--policy", chosen[k], "--compare", "--check", db, "--arms", "plain", "pld:3",
                                              "e:2", "e:stop(entropy>1)", "m:stop(adaedl<0.6)", "m:4", "t:8", "t:2", NULL});
        char *text = read_file(together);
        assert_contains(text, "same texts");
        assert_contains(text, "equals live: 5 prompts");
        free(text);
    }
}

static void test_a_prompt_that_is_too_long_is_refused_alone(void **state) {
    (void)state;
    struct err err = {""};
    run(cmd_live, alone, LIVE("--ids", "--policy", "none"));
    assert_int_equal(run_command(cmd_live, &err, together, (char *[]){"live", TARGET, "--prompts", long_one, "--ids", "--batch", "3", NULL}), -1);
    assert_contains(err.text, "prompt 2 was refused: its 500 tokens and 48 new ones exceed the context of 512");
    assert_same_file(alone, together, "the others");
}

static void test_json_and_steps_hold_the_closing_figures(void **state) {
    (void)state;
    run(cmd_live, together, LIVE("--json", "--batch", "4", "--compare", "--steps", csv, "--policy", "ucbspec"));
    json_error_t why;
    json_t *all = json_load_file(together, 0, &why);
    if (!all) fail_msg("%s", why.text);
    char *text = read_file(csv);
    int lines = -1;
    for (char *at = text; (at = strchr(at, '\n')); at++) lines++;
    free(text);
    assert_int_equal(json_integer_value(json_object_get(all, "rounds")), lines);
    assert_int_equal(json_integer_value(json_object_get(all, "batch")), 4);
    assert_int_equal(json_integer_value(json_object_get(all, "prompts")), 7);
    assert_true(json_integer_value(json_object_get(all, "passes")) * 4 >= lines && json_integer_value(json_object_get(all, "passes")) < lines);
    assert_int_equal(json_integer_value(json_object_get(all, "rows")), json_integer_value(json_object_get(all, "rounds")) + json_integer_value(json_object_get(all, "proposed")));
    const char *const positive[] = {"mat", "tokens_per_s", "draft_s", "verify_s", "prefill_s", "plain_tokens_per_s", "speedup"};
    for (size_t i = 0; i < sizeof positive / sizeof *positive; i++)
        if (!(json_number_value(json_object_get(all, positive[i])) > 0)) fail_msg("'%s' is missing", positive[i]);
    json_decref(all);
}

static int setup(void **state) {
    static const struct { char *path; const char *name; } files[] = {{model, "looping.gguf"}, {prompts, "p.jsonl"}, {trace, "t.db"}, {alone, "alone"}, {together, "together"},
        {csv, "s.csv"}, {mixed, "m.db"}, {long_one, "l.jsonl"}};
    (void)state;
    if (tempdir_open(&dir)) return -1;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) snprintf(files[i].path, sizeof model, "%s/%s", dir.path, files[i].name);
    looping_model(model, 0.01f);
    write_file(prompts, prompt_lines);
    static char lines[sizeof prompt_lines + 3000];
    const char *third = strstr(strchr(prompt_lines, '\n') + 1, "\n") + 1;
    memcpy(lines, prompt_lines, (size_t)(third - prompt_lines));
    strcat(lines, "{\"prompt_ids\": [1");
    for (int i = 1; i < 500; i++) strcat(lines, ",3");
    strcat(lines, "]}\n");
    strcat(lines, third);
    write_file(long_one, lines);
    run(cmd_record, NULL, (char *[]){"record", TARGET, "--prompts", prompts, "--db", trace, NULL});
    return 0;
}

static int teardown(void **state) {
    (void)state;
    tempdir_close(&dir);
    return 0;
}

int main(int argc, char **argv) {
    (void)argc;
    tiny_calm_threads(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_are_what_they_are_alone),
        cmocka_unit_test(test_replay_of_a_batch_equals_it_live),
        cmocka_unit_test(test_every_kind_of_drafter_works_in_a_batch),
        cmocka_unit_test(test_a_prompt_that_is_too_long_is_refused_alone),
        cmocka_unit_test(test_json_and_steps_hold_the_closing_figures),
        cmocka_unit_test(test_a_changed_trace_is_caught),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
