/* cmd_policies.c - banditspec policies [NAME]: what there is to choose from.
 *
 * Everything shown comes from the policies' own tables, so a new policy lists itself. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "core/cmd.h"
#include "core/opt.h"
#include "policies/policy.h"

static const struct opt_help help = {
    .usage = "policies [NAME] [--json]",
    .about = "Lists the policies by setting, or shows one: its parameters with defaults and ranges,\n"
             "its source and its bound. Policies are written name:key=value,key=value; {a,b} makes\n"
             "a grid of them.",
    .example = "  banditspec policies ucbspec\n"
               "  banditspec replay --db traces.db --policy 'ucbspec:delta={0.1,0.5}' thompson",
};

static bool is_arm(const struct param *q) { return q->words && !strcmp(q->words, "arm"); }

/* The word a number stands for: index 1 of "shared|arm" is "arm". */
static const char *word_of(const struct param *q, char text[64]) {
    const char *word = q->words;
    for (int i = (int)q->value; i > 0; i--) word += strcspn(word, "|") + 1;
    snprintf(text, 64, "%.*s", (int)strcspn(word, "|"), word);
    return text;
}

static const char *default_text(const struct param *q, char text[64]) {
    if (q->words && !is_arm(q)) return word_of(q, text);
    snprintf(text, 64, "%g", q->value);
    return text;
}

static const char *range_text(const struct param *q, char text[64]) {
    if (is_arm(q)) return "an arm's name or number";
    if (q->words) return q->words;
    snprintf(text, 64, "%g to %g", q->lo, q->hi);
    return text;
}

/* Settings in the order of their first policy, each with its policies. */
static void print_list(void) {
    for (const struct policy *const *p = policies; *p; p++) {
        const struct policy *const *q = policies;
        while (strcmp((*q)->setting, (*p)->setting)) q++;
        if (q != p) continue; // this setting was printed
        printf("%s%s\n", p == policies ? "" : "\n", (*p)->setting);
        for (; *q; q++)
            if (!strcmp((*q)->setting, (*p)->setting)) printf("  %-15s %s\n", (*q)->name, (*q)->summary);
    }
    printf("\nbanditspec policies NAME shows parameters and source.\n");
}

static void print_one(const struct policy *p) {
    char value[64], range[64];
    printf("%s (%s): %s\n", p->name, p->setting, p->summary);
    printf("  source: %s\n", p->cite);
    if (p->bound) printf("  bound:  %s\n", p->bound);
    if (p->flags & POLICY_RANDOM) printf("  draws from the generator: seeds differ\n");
    if (p->flags & POLICY_SECONDS) printf("  learns from seconds: replay is exact only with the live run's timings\n");
    if (p->params[0].name) printf("  parameters:\n");
    for (const struct param *q = p->params; q->name; q++)
        printf("    %-10s default %-6s (%s): %s\n", q->name, default_text(q, value), range_text(q, range), q->meaning);
}

static json_t *param_json(const struct param *q) {
    char text[64];
    json_t *o = json_pack("{s:s, s:s}", "name", q->name, "meaning", q->meaning);
    if (q->words) json_object_set_new(o, "words", json_string(q->words));
    if (q->words && !is_arm(q)) {
        json_object_set_new(o, "default", json_string(word_of(q, text)));
        return o;
    }
    json_object_set_new(o, "default", json_real(q->value));
    if (!is_arm(q)) json_object_set_new(o, "range", json_pack("[f, f]", q->lo, q->hi));
    return o;
}

static json_t *policy_json(const struct policy *p) {
    json_t *params = json_array();
    for (const struct param *q = p->params; q->name; q++) json_array_append_new(params, param_json(q));
    return json_pack("{s:s, s:s, s:s, s:s, s:s?, s:b, s:b, s:o}", "name", p->name, "setting", p->setting,
                     "summary", p->summary, "cite", p->cite, "bound", p->bound,
                     "random", p->flags & POLICY_RANDOM, "seconds", p->flags & POLICY_SECONDS, "params", params);
}

static int print_json(json_t *json, struct err *err) {
    int rc = json ? json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : -1;
    json_decref(json);
    if (rc) return err_set(err, "cannot write the policies as JSON");
    putchar('\n');
    return 0;
}

static json_t *list_json(void) {
    json_t *list = json_array();
    for (const struct policy *const *p = policies; *p; p++) json_array_append_new(list, policy_json(*p));
    return list;
}

int cmd_policies(int argc, char **argv, struct err *err) {
    bool json = false;
    const struct opt table[] = {
        {"json", OPT_FLAG, &json, NULL, "print JSON", 0, 0, false},
        {0},
    };
    const char *name = argc > 1 && argv[1][0] != '-' ? argv[1] : NULL;
    if (name) { // opt_parse knows options only
        argv[1] = argv[0];
        argc--, argv++;
    }
    int rc = opt_parse(table, &help, argc, argv, err);
    if (rc) return rc > 0 ? 0 : rc;
    if (!name && json) return print_json(list_json(), err);
    if (!name) return print_list(), 0;
    const struct policy *p = policy_find(name);
    if (!p) return err_set(err, "unknown policy '%s' (banditspec policies lists them)", name);
    if (json) return print_json(policy_json(p), err);
    return print_one(p), 0;
}
