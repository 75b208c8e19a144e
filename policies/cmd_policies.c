/* cmd_policies.c - banditspec policies [NAME]: what there is to choose from.
 *
 * Everything shown comes from the policies' own tables, so a new policy lists itself. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "core/cmd.h"
#include "core/opt.h"
#include "policies/policy.h"

enum { COLUMNS = 100 };

static const struct opt_help help = {
    .usage = "policies [NAME] [--json] [--policy-file FILE.so...]",
    .about = "Lists the policies by setting, or shows one: its parameters with defaults and ranges, its source, its\n"
             "regret bound, and what it asks of the world that plays it. Policies are written\n"
             "name:key=value,key=value; {a,b} makes a grid of them.",
    .example = "  banditspec policies ucbspec\n"
               "  banditspec policies egreedy --policy-file egreedy.so\n"
               "  banditspec replay --db traces.db --policy 'ucbspec:delta={0.1,0.5}' thompson",
};

static const struct { unsigned flag; const char *name, *meaning; } asks[] = {
    {POLICY_SECONDS, "seconds", "learns from seconds: replay is exact only with the live run's own timings"},
    {POLICY_PEEK, "peek", "copiers draft before it chooses: it sees how much they found"},
    {POLICY_ALL, "all", "every drafter drafts in every round, and all learn: charged as such"},
    {POLICY_SIGNAL, "signal", "the drafter's probability and entropy at every drafted token"},
    {POLICY_MARGIN, "margin", "the target's own confidence at the newest token"},
    {POLICY_BATCH, "batch", "shares a verification quota over the requests of a batch"},
    {POLICY_CARRIES, "carries", "what it learned goes on to the next prompt in live and serving, unless --scope says otherwise"},
};
enum { ASKS = sizeof asks / sizeof *asks };

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
    if (is_arm(q)) return "name or number";
    if (q->words) return q->words;
    snprintf(text, 64, "%g to %g", q->lo, q->hi);
    return text;
}

/* Words up to the right edge; further lines begin under the first one's text, at `column`. */
static void print_wrapped(int column, const char *text) {
    for (int at = column; *text;) {
        int n = (int)strcspn(text, " ");
        if (at > column && at + 1 + n > COLUMNS) printf("\n%*s", at = column, "");
        else if (at > column) putchar(' '), at++;
        printf("%.*s", n, text);
        at += n;
        text += n + strspn(text + n, " ");
    }
    putchar('\n');
}

static void print_field(const char *name, const char *text) {
    printf("  %-9s ", name);
    print_wrapped(12, text);
}

/* Settings in the order of their first policy, each with its policies. */
static void print_list(void) {
    const struct policy *p, *q;
    int n = 0, wide = 0, i, k;
    for (i = 0; (p = policy_at(i)); i++)
        if ((int)strlen(p->name) > wide) wide = (int)strlen(p->name);
    for (i = 0; (p = policy_at(i)); i++, n++) {
        for (k = 0; strcmp(policy_at(k)->setting, p->setting);) k++;
        if (k != i) continue; // this setting was printed
        printf("%s%s\n", i ? "\n" : "", p->setting);
        for (; (q = policy_at(k)); k++)
            if (!strcmp(q->setting, p->setting)) printf("  %-*s  %s\n", wide, q->name, q->summary);
    }
    printf("\n%d policies; banditspec policies NAME shows parameters, source and regret bound.\n", n);
}

static void print_params(const struct policy *p) {
    char value[64], range[64];
    int name = 9, standard = 7, ranges = 5;
    for (const struct param *q = p->params; q->name; q++) {
        int a = (int)strlen(q->name), b = (int)strlen(default_text(q, value)), c = (int)strlen(range_text(q, range));
        if (a > name) name = a;
        if (b > standard) standard = b;
        if (c > ranges) ranges = c;
    }
    printf("\n  %-*s  %-*s  %-*s  meaning\n", name, "parameter", standard, "default", ranges, "range");
    for (const struct param *q = p->params; q->name; q++) {
        printf("  %-*s  %-*s  %-*s  ", name, q->name, standard, default_text(q, value), ranges, range_text(q, range));
        print_wrapped(8 + name + standard + ranges, q->meaning);
    }
}

/* A grid over the first parameter, to be copied. */
static void print_example(const struct policy *p) {
    const struct param *q = p->params;
    char text[512];
    printf("\n  banditspec replay --db traces.db --policy ");
    if (!q->name) printf("%s\n", p->name);
    else if (is_arm(q)) printf("%s:%s=0\n", p->name, q->name);
    else if (q->words) {
        snprintf(text, sizeof text, "%s", q->words);
        for (char *c = text; *c; c++)
            if (*c == '|') *c = ',';
        printf("%s:%s={%s}\n", p->name, q->name, text);
    } else {
        double other = q->value > 0 ? 2 * q->value : q->value + 1; // a neighbour, not an extreme
        if (other > q->hi) other = q->value / 2;
        if (other < q->lo || other > q->hi) other = q->lo;
        printf("%s:%s={%g,%g}\n", p->name, q->name, q->value, other);
    }
}

static void print_one(const struct policy *p) {
    printf("%s (%s)\n", p->name, p->setting);
    print_field("", p->summary);
    print_field("source", p->cite);
    print_field("regret", p->bound ? p->bound : "no bound is claimed");
    print_field("draws", p->flags & POLICY_RANDOM ? "from the generator: seeds differ" : "nothing: every seed is the same run");
    bool first = true;
    for (int i = 0; i < ASKS; i++) {
        char text[256];
        if (!(p->flags & asks[i].flag)) continue;
        snprintf(text, sizeof text, "%s: %s", asks[i].name, asks[i].meaning);
        print_field(first ? "asks for" : "", text);
        first = false;
    }
    if (first) print_field("asks for", "nothing beyond a round's own counts");
    if (p->params[0].name) print_params(p);
    else printf("\n  no parameters\n");
    print_example(p);
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
    json_t *params = json_array(), *wanted = json_array();
    for (const struct param *q = p->params; q->name; q++) json_array_append_new(params, param_json(q));
    for (int i = 0; i < ASKS; i++)
        if (p->flags & asks[i].flag) json_array_append_new(wanted, json_string(asks[i].name));
    return json_pack("{s:s, s:s, s:s, s:s, s:s?, s:b, s:b, s:o, s:o}", "name", p->name, "setting", p->setting,
                     "summary", p->summary, "cite", p->cite, "bound", p->bound,
                     "random", p->flags & POLICY_RANDOM, "seconds", p->flags & POLICY_SECONDS, "asks", wanted, "params", params);
}

static int print_json(json_t *json, struct err *err) {
    int rc = json ? json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : -1;
    json_decref(json);
    if (rc) return err_set(err, "cannot write the policies as JSON");
    putchar('\n');
    return 0;
}

static json_t *list_json(void) {
    const struct policy *p;
    json_t *list = json_array();
    for (int i = 0; (p = policy_at(i)); i++) json_array_append_new(list, policy_json(p));
    return list;
}

int cmd_policies(int argc, char **argv, struct err *err) {
    bool json = false;
    struct texts files = {0};
    const struct opt table[] = {
        {"json", OPT_FLAG, &json, NULL, "print JSON", 0, 0, false},
        {"policy-file", OPT_LIST, &files, "FILE.so...", "plug-ins: more policies (see policies/plugin.h)", 0, 0, false},
        {0},
    };
    const char *name = argc > 1 && argv[1][0] != '-' ? argv[1] : NULL;
    if (name) { // opt_parse knows options only
        argv[1] = argv[0];
        argc--, argv++;
    }
    int rc = opt_parse(table, &help, argc, argv, err);
    if (rc) return rc > 0 ? 0 : rc;
    if ((rc = plugins_load(files.at, files.n, err))) return rc;
    if (!name && json) return print_json(list_json(), err);
    if (!name) return print_list(), 0;
    const struct policy *p = policy_find(name), *nearest = p ? p : policy_nearest(name);
    if (!nearest) return err_set(err, "unknown policy '%s' (banditspec policies lists them)", name);
    if (!p) return err_set(err, "unknown policy '%s'; did you mean '%s'? (banditspec policies lists them)", name, nearest->name);
    if (json) return print_json(policy_json(p), err);
    return print_one(p), 0;
}
