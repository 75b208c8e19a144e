/* test_cmd_policies.c - `banditspec policies`: every table is shown whole, as text and as JSON, and a slip of a name is answered. */
#include "tests/run_command.h"

#include <jansson.h>

#include "core/mem.h"
#include "policies/policy.h"
#include "tests/tempdir.h"

command cmd_policies;

static struct tempdir dir;
static char out[4200];

/* What it prints, spaces and line breaks as one space, so that wrapping does not matter; the caller frees it. */
static char *said(char **argv) {
    struct err err;
    if (run_command(cmd_policies, &err, out, argv)) fail_msg("%s", err.text);
    char *text = read_file(out), *to = text;
    for (const char *at = text; *at; at++)
        if ((*at != ' ' && *at != '\n') || (to > text && to[-1] != ' ')) *to++ = *at == '\n' ? ' ' : *at;
    *to = 0;
    return text;
}

static void test_the_list_has_every_policy_under_its_setting(void **state) {
    (void)state;
    struct err err;
    assert_int_equal(run_command(cmd_policies, &err, out, (char *[]){"policies", NULL}), 0);
    char *text = read_file(out), setting[64] = "";
    int found = 0, lines = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        char name[64];
        int at;
        assert_true(strlen(line) <= 140);
        if (*line != ' ') snprintf(setting, sizeof setting, "%s", line);
        else if (sscanf(line, " %63s %n", name, &at) == 1) {
            const struct policy *p = policy_find(name);
            assert_non_null(p);
            assert_string_equal(p->setting, setting);
            assert_string_equal(line + at, p->summary);
            found++;
        }
    }
    int n = 0;
    while (policies[n]) n++;
    assert_int_equal(found, n);
    free(text);
}

static const struct { unsigned flag; const char *word; } asked[] = {
    {POLICY_SECONDS, "seconds: learns"}, {POLICY_PEEK, "peek: copiers"}, {POLICY_ALL, "all: every drafter"},
    {POLICY_SIGNAL, "signal: the drafter's"}, {POLICY_MARGIN, "margin: the target's"}, {POLICY_BATCH, "batch: shares"}, {POLICY_CARRIES, "carries: what"},
};

static void test_every_page_shows_the_whole_table(void **state) {
    (void)state;
    for (const struct policy *const *q = policies; *q; q++) {
        const struct policy *p = *q;
        char *text = said((char *[]){"policies", (char *)p->name, NULL});
        assert_contains(text, p->summary);
        assert_contains(text, p->cite);
        assert_contains(text, p->bound ? p->bound : "no bound is claimed");
        assert_contains(text, p->flags & POLICY_RANDOM ? "seeds differ" : "every seed is the same run");
        for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
            if (!(p->flags & asked[i].flag) != !strstr(text, asked[i].word)) fail_msg("%s: '%s'", p->name, asked[i].word);
        for (const struct param *x = p->params; x->name; x++) assert_contains(text, x->name), assert_contains(text, x->meaning);
        free(text);
    }
}

/* The command on a page's last line can be copied: its grid is one of policies that open. */
static void test_every_page_ends_in_a_grid_that_plays(void **state) {
    (void)state;
    const struct arm arms[] = {{-1, 0, "plain"}, {0, 2, "d:2"}, {0, 4, "d:4"}, {1, 2, "e:2"}, {1, 4, "e:4"}};
    const struct problem p = {.K = 5, .D = 2, .L = 4, .arms = arms, .R = 4};
    for (const struct policy *const *q = policies; *q; q++) {
        char *text = said((char *[]){"policies", (char *)(*q)->name, NULL}), *specs[32];
        char *spec = strstr(text, "--policy ") + strlen("--policy ");
        spec[strcspn(spec, " ")] = 0;
        struct err err = {""};
        int n = policy_grid(spec, specs, 32, &err);
        if (n < 1) fail_msg("%s: %s", (*q)->name, err.text);
        for (int i = 0; i < n; i++) {
            struct agent a;
            int rc = agent_open(&a, specs[i], &p, &err);
            if (rc && rc != ERR_USAGE) fail_msg("'%s': %s", specs[i], err.text); // ERR_USAGE: it would play, but not these arms
            if (!rc) agent_close(&a);
            mem_free(specs[i]);
        }
        free(text);
    }
}

static void test_json_holds_every_table(void **state) {
    (void)state;
    struct err err;
    assert_int_equal(run_command(cmd_policies, &err, out, (char *[]){"policies", "--json", NULL}), 0);
    json_t *list = json_load_file(out, 0, NULL);
    assert_non_null(list);
    size_t n = 0;
    for (; policies[n]; n++) {
        const struct policy *p = policies[n];
        json_t *o = json_array_get(list, n), *params = json_object_get(o, "params");
        size_t flags = 0, k = 0;
        assert_string_equal(json_string_value(json_object_get(o, "name")), p->name);
        for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) flags += !!(p->flags & asked[i].flag);
        assert_int_equal(json_array_size(json_object_get(o, "asks")), flags);
        for (; p->params[k].name; k++) {
            json_t *x = json_array_get(params, k), *standard = json_object_get(x, "default");
            assert_string_equal(json_string_value(json_object_get(x, "name")), p->params[k].name);
            if (json_is_number(standard)) assert_true(json_number_value(standard) == p->params[k].value);
            else assert_non_null(strstr(p->params[k].words, json_string_value(standard)));
        }
        assert_int_equal(json_array_size(params), k);
        if (p->bound) assert_string_equal(json_string_value(json_object_get(o, "bound")), p->bound);
    }
    assert_int_equal(json_array_size(list), n);
    json_decref(list);
}

static void test_a_mistyped_name_gets_the_nearest(void **state) {
    (void)state;
    static const char *const slips[][2] = {
        {"ucbsepc", "did you mean 'ucbspec'?"}, {"seed_ucb", "did you mean 'seed-ucb'?"}, {"thom", "did you mean 'thompson'?"},
        {"Exp3Spec", "did you mean 'exp3spec'?"}, {"ucb", "did you mean 'ucb1'?"}, {"klucbtgd", "did you mean 'kl-ucb-tgd'?"},
    };
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++)
        assert_refused(cmd_policies, (char *[]){"policies", (char *)slips[i][0], NULL}, -1, slips[i][1]);
    for (const char *const *name = (const char *const[]){"", "x", "qqqqqqqqqqqqqqqqqq", NULL}; *name; name++)
        assert_null(policy_nearest(*name));
    char longest[4000];
    memset(longest, 'u', sizeof longest - 1), longest[sizeof longest - 1] = 0;
    assert_null(policy_nearest(longest));
    struct err err;
    assert_int_equal(run_command(cmd_policies, &err, out, (char *[]){"policies", "qqqqqqqqqq", NULL}), -1);
    assert_null(strstr(err.text, "did you mean"));
}

static void test_the_list_of_known_policies_ends_whole(void **state) {
    (void)state;
    struct arm plain = {.drafter = -1, .name = "plain"};
    struct problem p = {.K = 1, .L = 1, .arms = &plain};
    struct agent a;
    struct err err = {""};
    assert_int_equal(agent_open(&a, "ucbspek", &p, &err), -1);
    char *at = strstr(err.text, "(known: ");
    assert_non_null(at);
    assert_string_equal(err.text + strlen(err.text) - 1, ")");
    assert_contains(err.text, "'; did you mean 'ucbspec'? (known: none, ");
    for (char *name = strtok(at + strlen("(known: "), ", )"); name; name = strtok(NULL, ", )")) // no name cut in two
        if (!policy_find(name) && strcmp(name, "...")) fail_msg("'%s' is no policy", name);
}

static const struct policy *table_of(unsigned flags, bool select) {
    static struct policy p;
    p = (struct policy){.name = "mine", .setting = "s", .summary = "s", .cite = "c", .flags = flags,
        .select = select ? policy_find("random")->select : NULL};
    return &p;
}

static void test_every_listed_table_would_pass_as_a_plug_in(void **state) {
    (void)state;
    struct err err;
    for (const struct policy *const *q = policies; *q; q++) {
        assert_int_equal(policy_add(*q, "x.so", &err), -1);
        assert_contains(err.text, "there is a policy '"); // nothing else is wrong with it
    }
    assert_int_equal(policy_add(table_of(0, false), "x.so", &err), -1);
    assert_contains(err.text, "plug-in 'x.so': policy 'mine': it has no select");
    assert_int_equal(policy_add(table_of(1u << 20, true), "x.so", &err), -1);
    assert_contains(err.text, "unknown flag");
    assert_int_equal(policy_add(table_of(POLICY_ALL, true), "x.so", &err), -1);
    assert_contains(err.text, "POLICY_ALL wants learn_all");
    assert_int_equal(policy_add(table_of(POLICY_BATCH, true), "x.so", &err), -1);
    assert_contains(err.text, "share");
}

static int setup(void **state) {
    (void)state;
    if (tempdir_open(&dir)) return -1;
    snprintf(out, sizeof out, "%s/out", dir.path);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    tempdir_close(&dir);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_list_has_every_policy_under_its_setting),
        cmocka_unit_test(test_every_page_shows_the_whole_table),
        cmocka_unit_test(test_every_page_ends_in_a_grid_that_plays),
        cmocka_unit_test(test_json_holds_every_table),
        cmocka_unit_test(test_a_mistyped_name_gets_the_nearest),
        cmocka_unit_test(test_the_list_of_known_policies_ends_whole),
        cmocka_unit_test(test_every_listed_table_would_pass_as_a_plug_in),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
