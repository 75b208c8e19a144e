/* policy.c - the table of policies, and the agent that binds one to a problem. See policy.h.
 *
 * A spec is read in three steps: the name, then each key=value against the policy's
 * parameter table, then the policy's own check against the problem. */
#include "policies/policy.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

#define POLICY(name) extern const struct policy policy_##name;
#include "policies/list.h"
#undef POLICY

const struct policy *const policies[] = {
#define POLICY(name) &policy_##name,
#include "policies/list.h"
#undef POLICY
    NULL,
};

enum { LISTED = sizeof policies / sizeof *policies - 1 };

static const struct policy *added[POLICY_ADDED]; // by options, before any run
static int added_n;

const struct policy *policy_at(int i) { return i < LISTED ? policies[i] : i < LISTED + added_n ? added[i - LISTED] : NULL; }

const struct policy *policy_find(const char *name) {
    const struct policy *p;
    for (int i = 0; (p = policy_at(i)) && strcmp(p->name, name);) i++;
    return p;
}

/* Characters to insert, drop or replace to turn one name into the other (Levenshtein 1966), row by row. */
static int distance(const char *a, const char *b) {
    enum { NAME = 64 };
    int row[NAME + 1], n = (int)strlen(b);
    if (n > NAME) return n;
    for (int j = 0; j <= n; j++) row[j] = j;
    for (int i = 1; *a; a++, i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int above = row[j], best = diagonal + (*a != b[j - 1]);
            if (above + 1 < best) best = above + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[n];
}

static int too_far(const char *name) { return strlen(name) > 4 ? 3 : strlen(name) > 1 ? 2 : 0; } // one slip in a short name, two in a long one

bool policy_resembles(const char *name, const char *meant) {
    return distance(name, meant) < too_far(name) || (strlen(name) > 2 && !strncmp(name, meant, strlen(name)));
}

const struct policy *policy_nearest(const char *name) {
    const struct policy *nearest = NULL, *p;
    int length = (int)strlen(name), least = too_far(name);
    for (int i = 0; (p = policy_at(i)); i++) {
        int d = distance(name, p->name);
        if (d < least) least = d, nearest = p;
    }
    for (int i = 0; !nearest && length > 2 && (p = policy_at(i)); i++) // or only its beginning
        if (!strncmp(p->name, name, (size_t)length)) nearest = p;
    return nearest;
}

/* What is wrong with a policy's table, or null: what tests/test_policy.c asks of every line of list.h. */
static const char *fault(const struct policy *p) {
    enum { KNOWN = POLICY_RANDOM | POLICY_SECONDS | POLICY_PEEK | POLICY_ALL | POLICY_SIGNAL | POLICY_MARGIN | POLICY_BATCH | POLICY_CARRIES };
    if (!p->name || !*p->name || strlen(p->name) > 63 || strpbrk(p->name, "_:,= {}"))
        return "its name is missing, too long or holds one of '_:,= {}'";
    if (!p->setting || !*p->setting || !p->summary || !*p->summary || !p->cite || !*p->cite) return "setting, summary or cite is missing";
    if (!p->select && !p->select_seeing) return "it has no select";
    if (p->init && !p->size) return "it has an init but no size";
    if (p->flags & ~(unsigned)KNOWN) return "it has an unknown flag";
    if (p->flags & POLICY_ALL && !p->learn_all) return "POLICY_ALL wants learn_all";
    if (p->learn_all && !(p->flags & (POLICY_ALL | POLICY_PEEK))) return "learn_all wants POLICY_ALL or POLICY_PEEK";
    if (!(p->flags & POLICY_BATCH) != !p->share) return "POLICY_BATCH and share want each other";
    if (p->params[POLICY_PARAMS].name) return "it has too many parameters";
    for (const struct param *q = p->params; q->name; q++)
        if (!*q->name || !q->meaning || !*q->meaning || !(q->lo <= q->value && q->value <= q->hi))
            return "a parameter lacks its meaning, or its default is out of range";
    return NULL;
}

int policy_add(const struct policy *p, const char *from, struct err *err) {
    const char *wrong = fault(p);
    if (wrong) return err_set(err, "plug-in '%s': policy '%s': %s", from, p->name ? p->name : "", wrong);
    if (!strcmp(p->name, "best-fixed") || !strcmp(p->name, "clairvoyant")) // words of replay's --policy
        return err_set(err, "plug-in '%s': '%s' is the name of an oracle", from, p->name);
    if (policy_find(p->name)) return err_set(err, "plug-in '%s': there is a policy '%s' already", from, p->name);
    if (added_n == POLICY_ADDED) return err_set(err, "plug-in '%s' is one too many, expected at most %d", from, POLICY_ADDED);
    added[added_n++] = p;
    return 0;
}

/* A fixed text that grows at its end and never overflows; `n` tells when it was too small. */
struct line {
    char *text;
    size_t size, n;
};

static void line_add(struct line *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void line_add(struct line *l, const char *format, ...) {
    va_list args;
    va_start(args, format);
    if (l->n < l->size) l->n += (size_t)vsnprintf(l->text + l->n, l->size - l->n, format, args);
    va_end(args);
}

static int unknown_policy(const char *name, struct err *err) {
    char text[800]; // of the 1024 of an error, so that the nearest name fits as well
    struct line known = {text, sizeof text, 0};
    const struct policy *p, *nearest = policy_nearest(name);
    for (int i = 0; (p = policy_at(i)); i++) {
        bool fits = known.n + strlen(p->name) + sizeof ", , ..." < sizeof text;
        line_add(&known, "%s%s", i ? ", " : "", fits ? p->name : "...");
        if (!fits) break;
    }
    if (nearest) return err_set(err, "unknown policy '%s'; did you mean '%s'? (known: %s)", name, nearest->name, text);
    return err_set(err, "unknown policy '%s' (known: %s)", name, text);
}

static int unknown_param(const struct policy *policy, const char *key, struct err *err) {
    char text[512] = "";
    struct line known = {text, sizeof text, 0};
    for (const struct param *q = policy->params; q->name; q++) line_add(&known, "%s%s", q == policy->params ? "" : ", ", q->name);
    if (!known.n) return err_set(err, "policy '%s' has no parameters, got '%s'", policy->name, key);
    return err_set(err, "policy '%s' has no parameter '%s' (known: %s)", policy->name, key, text);
}

static bool is_arm(const struct param *q) { return q->words && !strcmp(q->words, "arm"); }

/* The index of `word` in "shared|arm"; -1 when it is not there. */
static int word_find(const char *words, const char *word) {
    size_t n = strlen(word);
    for (int i = 0; ; i++) {
        size_t have = strcspn(words, "|");
        if (have == n && !strncmp(words, word, n)) return i;
        if (!words[have]) return -1;
        words += have + 1;
    }
}

/* The word at `index`; *n is its length. */
static const char *word_at(const char *words, int index, int *n) {
    while (index-- > 0) words += strcspn(words, "|") + 1;
    *n = (int)strcspn(words, "|");
    return words;
}

static int unknown_arm(const struct policy *policy, const struct problem *p, const char *name, struct err *err) {
    char text[512];
    struct line known = {text, sizeof text, 0};
    for (int i = 0; i < p->K; i++) line_add(&known, "%s%s", i ? ", " : "", p->arms[i].name);
    return err_set(err, "policy '%s': no arm '%s' (0-%d or: %s)", policy->name, name, p->K - 1, text);
}

static int parse_value(const struct policy *policy, const struct param *q, const struct problem *p,
                       const char *text, double *value, struct err *err) {
    if (q->words) {
        int i = is_arm(q) ? arms_find(p->arms, p->K, text) : word_find(q->words, text);
        if (i < 0 && is_arm(q)) return unknown_arm(policy, p, text, err);
        if (i < 0) return err_set(err, "policy '%s': '%s' wants one of %s, got '%s'", policy->name, q->name, q->words, text);
        *value = i;
        return 0;
    }
    char *end;
    *value = strtod(text, &end);
    if (end == text || *end || !isfinite(*value))
        return err_set(err, "policy '%s': '%s' wants a number, got '%s'", policy->name, q->name, text);
    if (*value < q->lo || *value > q->hi)
        return err_set(err, "policy '%s': '%s' wants a value from %g to %g, got '%s'", policy->name, q->name, q->lo, q->hi, text);
    return 0;
}

/* "key=value,key=value", cut up in place. */
static int parse_params(struct agent *a, char *text, struct err *err) {
    const struct policy *policy = a->policy;
    bool seen[POLICY_PARAMS] = {false};
    for (char *next; text; text = next) {
        if ((next = strchr(text, ','))) *next++ = 0;
        char *equals = strchr(text, '=');
        if (!equals) return err_set(err, "policy '%s' wants key=value, got '%s'", policy->name, text);
        *equals = 0;
        int i = 0;
        while (policy->params[i].name && strcmp(policy->params[i].name, text)) i++;
        if (!policy->params[i].name) return unknown_param(policy, text, err);
        if (seen[i]) return err_set(err, "policy '%s': '%s' is given twice", policy->name, text);
        seen[i] = true;
        int rc = parse_value(policy, &policy->params[i], &a->problem, equals + 1, &a->param[i], err);
        if (rc) return rc;
    }
    return 0;
}

/* The shortest text that reads back as the same number. */
static void number_text(double value, char text[32]) {
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, value);
        if (strtod(text, NULL) == value) return;
    }
}

static int write_spec(struct agent *a, struct err *err) {
    struct line spec = {a->spec, sizeof a->spec, 0};
    char sign = ':';
    line_add(&spec, "%s", a->policy->name);
    for (int i = 0; a->policy->params[i].name; i++) {
        const struct param *q = &a->policy->params[i];
        char number[32];
        int n;
        // An arm's number means nothing without its arm set: always written, and by name.
        if (a->param[i] == q->value && !is_arm(q)) continue;
        if (is_arm(q)) line_add(&spec, "%c%s=%s", sign, q->name, a->problem.arms[(int)a->param[i]].name);
        else if (q->words) {
            const char *word = word_at(q->words, (int)a->param[i], &n);
            line_add(&spec, "%c%s=%.*s", sign, q->name, n, word);
        } else {
            number_text(a->param[i], number);
            line_add(&spec, "%c%s=%s", sign, q->name, number);
        }
        sign = ',';
    }
    if (spec.n >= spec.size) return err_set(err, "policy '%s': its parameters take more than %zu bytes", a->policy->name, spec.size - 1);
    a->stream = rng_stream(a->spec);
    return 0;
}

static int agent_setup(struct agent *a, const char *spec, struct err *err) {
    char text[sizeof a->spec];
    if (strlen(spec) >= sizeof text) return err_set(err, "policy '%.32s...' is longer than %zu bytes", spec, sizeof text - 1);
    strcpy(text, spec);
    char *params = strchr(text, ':');
    if (params) *params++ = 0;
    if (!(a->policy = policy_find(text))) return unknown_policy(text, err);
    for (int i = 0; a->policy->params[i].name; i++) a->param[i] = a->policy->params[i].value;
    int rc = parse_params(a, params, err);
    if (!rc) rc = write_spec(a, err);
    if (!rc && a->policy->check) rc = a->policy->check(&a->problem, a->param, err);
    if (rc) return rc;
    a->size = a->policy->size ? a->policy->size(&a->problem) : 0;
    if (!(a->state = mem_alloc(a->size, 1, "policy state", err))) return ERR_FAILED;
    agent_reset(a);
    return 0;
}

int agent_open(struct agent *a, const char *spec, const struct problem *p, struct err *err) {
    assert(p->K >= 1 && p->L >= 1);
    for (int i = 0; i < p->K; i++) assert(p->arms[i].drafter < p->D && p->arms[i].gamma <= p->L);
    *a = (struct agent){.problem = *p};
    int rc = agent_setup(a, spec, err);
    if (rc) agent_close(a);
    return rc;
}

void agent_close(struct agent *a) {
    mem_free(a->state);
    mem_free(a->warm);
    *a = (struct agent){0};
}

void agent_reset(struct agent *a) {
    if (a->warm) {
        memcpy(a->state, a->warm, a->size);
        return;
    }
    memset(a->state, 0, a->size);
    if (a->policy->init) a->policy->init(a->state, &a->problem, a->param);
}

struct specs {
    char **at;
    int n, max;
};

static int expand(struct specs *out, const char *spec, struct err *err) {
    size_t head = strcspn(spec, "{}");
    if (!spec[head]) { // no brace left
        if (out->n == out->max) return err_set(err, "more than %d policies in one grid", out->max);
        if (!(out->at[out->n] = mem_text(spec, head, err))) return ERR_FAILED;
        out->n++;
        return 0;
    }
    const char *at = spec + head + 1, *end = at + strcspn(at, "{}");
    if (spec[head] == '}' || *end != '}') return err_set(err, "policy '%s' has a brace without its partner", spec);
    char *one = mem_alloc(strlen(spec) + 1, 1, "policy spec", err);
    if (!one) return ERR_FAILED;
    int rc = 0;
    for (size_t n; !rc; at += n + 1) {
        n = strcspn(at, ",}");
        if (n == 0) rc = err_set(err, "policy '%s' has an empty choice in its braces", spec);
        else {
            sprintf(one, "%.*s%.*s%s", (int)head, spec, (int)n, at, end + 1);
            rc = expand(out, one, err);
        }
        if (at + n == end) break;
    }
    mem_free(one);
    return rc;
}

int policy_grid(const char *spec, char **out, int max, struct err *err) {
    struct specs specs = {out, 0, max};
    int rc = expand(&specs, spec, err);
    if (!rc) return specs.n;
    while (specs.n) mem_free(out[--specs.n]);
    return rc;
}
