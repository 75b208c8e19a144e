/* print.c - see print.h. */
#include "sim/print.h"

#include <jansson.h>
#include <string.h>

#include "core/mem.h"
#include "sim/stats.h"

enum { NAME = 30, POLICIES_MAX = 2048 };

/* -- a recorded trace -- */

/* A name too long for its column gets a line of its own. */
static void print_name(FILE *to, const char *name) {
    if (strlen(name) < NAME) fprintf(to, "%-*s", NAME, name);
    else fprintf(to, "%s\n%*s", name, NAME, "");
}

static void print_interval(FILE *to, const struct measure *m, int width, int digits) {
    char text[64];
    snprintf(text, sizeof text, " [%.*f, %.*f]", digits, m->lo, digits, m->hi);
    fprintf(to, "%-*s", width, text);
}

static void print_speed(FILE *to, const struct summary *s) {
    print_name(to, s->spec);
    fprintf(to, "%9.1f%7.3f%9.1f", s->rounds, s->mat.value, s->tokens_per_s.value);
    print_interval(to, &s->tokens_per_s, 18, 1);
    fprintf(to, "%6.3f", s->speedup.value);
    print_interval(to, &s->speedup, 15, 3);
    if (s->has_gap) fprintf(to, "%5.0f%%", 100 * s->gap_closed);
    fputc('\n', to);
}

static void print_regret(FILE *to, const struct summary *s) {
    print_name(to, s->spec);
    fprintf(to, "%9.2f", s->regret_rounds.value);
    print_interval(to, &s->regret_rounds, 24, 2);
    fprintf(to, "%10.4f", s->regret_seconds.value);
    print_interval(to, &s->regret_seconds, 0, 4);
    fputc('\n', to);
}

void print_replay(FILE *to, const struct replay *r, const struct summary *players, const struct summary *references) {
    const struct trace *t = r->plan.trace;
    int P = r->plan.lineup->n, order[POLICIES_MAX];
    long tokens = 0;
    for (int q = 0; q < r->Q; q++) tokens += t->sequences[q].tokens - 1;
    char nature[160];
    summary_sort(players, P, order);
    if (!trace_recorded(t, nature, sizeof nature)) fprintf(to, "%s; no target did this\n", nature);
    fprintf(to, "%d prompts, %ld tokens after the first, %d arms; policies learn %s\n", r->Q, tokens, r->K,
            r->plan.stream ? "on over prompts (scope stream)" : "anew each prompt (scope prompt)");
    fprintf(to, "seconds are modelled from recorded timings (%ld verifications, median error %.1f%%)\n",
            r->plan.cost->rows, 100 * r->plan.cost->error);
    fprintf(to, "intervals: 95%%, bootstrap over prompts (%d resamples, the same for every policy)\n\n", STATS_RESAMPLES);
    fprintf(to, "%-*s%9s%7s%9s%-18s%8s%-13s%6s\n", NAME, "policy", "rounds", "MAT", "tokens/s", "", "speed-up", "", "  gap");
    for (int i = 0; i < P; i++) print_speed(to, &players[order[i]]);
    fprintf(to, "for comparison\n");
    for (int i = 0; i < REFERENCES; i++) print_speed(to, &references[i]);
    fprintf(to, "\nregret against the best fixed arm of each prompt, mean a prompt\n%-*s%9s%-24s%10s\n", NAME, "policy", "rounds", "", "seconds");
    for (int i = 0; i < P; i++) print_regret(to, &players[order[i]]);
    fprintf(to, "for comparison\n");
    for (int i = 0; i < REFERENCES; i++) print_regret(to, &references[i]);
    fprintf(to, "\nrounds: mean a prompt. speed-up: over plain decoding. gap: how much of the way from the best single\n"
                "arm of all prompts (0%%) to the clairvoyant (100%%) is closed, in seconds.\n");
}

static json_t *measure_json(const struct measure *m) {
    return json_pack("{s:f, s:f, s:f}", "value", m->value, "lo", m->lo, "hi", m->hi);
}

static json_t *summary_json(const struct summary *s) {
    return json_pack("{s:s, s:s, s:b, s:i, s:f, s:o, s:o, s:o, s:o, s:o, s:o}", "spec", s->spec, "name", s->name,
                     "oracle", s->oracle, "seeds", s->seeds, "rounds", s->rounds, "mat", measure_json(&s->mat),
                     "tokens_per_s", measure_json(&s->tokens_per_s), "speedup", measure_json(&s->speedup),
                     "regret_rounds", measure_json(&s->regret_rounds), "regret_seconds", measure_json(&s->regret_seconds),
                     "gap_closed", s->has_gap ? json_real(s->gap_closed) : json_null());
}

static json_t *arms_json(const struct arm *arms, int K) {
    json_t *list = json_array();
    for (int k = 0; list && k < K; k++) json_array_append_new(list, json_string(arms[k].name));
    return list;
}

/* Writes and releases; a null root is memory that ran out. */
static int write_json(FILE *to, json_t *root, struct err *err) {
    int rc = root ? json_dumpf(root, to, JSON_INDENT(2)) : -1;
    if (!rc) fputc('\n', to);
    json_decref(root);
    return rc ? err_set(err, "cannot write JSON") : 0;
}

int print_replay_json(FILE *to, const struct replay *r, const struct summary *players, const struct summary *references, struct err *err) {
    const struct trace *t = r->plan.trace;
    int P = r->plan.lineup->n, order[POLICIES_MAX];
    json_t *rows = json_array(), *compare = json_array();
    char nature[160];
    bool recorded = trace_recorded(t, nature, sizeof nature);
    summary_sort(players, P, order);
    for (int i = 0; i < P; i++) json_array_append_new(rows, summary_json(&players[order[i]]));
    for (int i = 0; i < REFERENCES; i++) json_array_append_new(compare, summary_json(&references[i]));
    return write_json(to, json_pack("{s:s, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:f, s:o, s:s, s:o, s:o}",
        "world", "trace", "recorded", recorded, "nature", recorded ? "a recorded trace" : nature, "trace", t->path, "trace_sha256", t->sha256, "target", t->target, "device", t->device,
        "scope", r->plan.stream ? "stream" : "prompt", "prompts", r->Q, "timing", "model", "timing_error", r->plan.cost->error,
        "arms", arms_json(r->problem.arms, r->K), "best_fixed_arm", r->problem.arms[r->oracle.best].name,
        "policies", rows, "references", compare), err);
}

/* -- a table -- */

static void sort_rows(const struct table_row *rows, int n, int *order) {
    for (int i = 0; i < n; i++) {
        int j = i;
        for (; j > 0 && rows[order[j - 1]].tokens < rows[i].tokens; j--) order[j] = order[j - 1];
        order[j] = i;
    }
}

static void print_row(FILE *to, const struct table *t, const struct table_row *x, const struct table_row *best) {
    print_name(to, x->spec);
    fprintf(to, "%9d%12.1f%9.4f%12.2f", t->rows, x->tokens, x->tokens / t->rows, best->tokens - x->tokens);
    if (t->seconds) fprintf(to, "%14.4f%12.1f", x->seconds, x->tokens / x->seconds);
    fputc('\n', to);
}

void print_table(FILE *to, const char *path, const struct table *t, const struct table_row *rows, int n) {
    struct table_row best = table_best_column(t), clairvoyant = table_clairvoyant(t);
    int order[POLICIES_MAX];
    sort_rows(rows, n, order);
    fprintf(to, "%s: %d rounds, %d arms, cells 1 to %d\n\n", path, t->rows, t->K, t->L + 1);
    fprintf(to, "%-*s%9s%12s%9s%12s", NAME, "policy", "rounds", "tokens", "MAT", "regret");
    if (t->seconds) fprintf(to, "%14s%12s", "seconds", "tokens/s");
    fputc('\n', to);
    for (int i = 0; i < n; i++) print_row(to, t, &rows[order[i]], &best);
    fprintf(to, "for comparison\n");
    print_row(to, t, &best, &best);
    print_row(to, t, &clairvoyant, &best);
    fprintf(to, "\nregret: tokens fewer than the best column.\n");
}

static json_t *row_json(const struct table *t, const struct table_row *x, const struct table_row *best) {
    json_t *row = json_pack("{s:s, s:i, s:i, s:f, s:f, s:f}", "spec", x->spec, "seeds", x->seeds, "rounds", t->rows,
                            "tokens", x->tokens, "mat", x->tokens / t->rows, "regret_tokens", best->tokens - x->tokens);
    if (row && t->seconds) {
        json_object_set_new(row, "seconds", json_real(x->seconds));
        json_object_set_new(row, "tokens_per_s", json_real(x->tokens / x->seconds));
    }
    return row;
}

int print_table_json(FILE *to, const char *path, const struct table *t, const struct table_row *rows, int n, struct err *err) {
    struct table_row best = table_best_column(t), clairvoyant = table_clairvoyant(t);
    int order[POLICIES_MAX];
    json_t *list = json_array(), *compare = json_array();
    sort_rows(rows, n, order);
    for (int i = 0; i < n; i++) json_array_append_new(list, row_json(t, &rows[order[i]], &best));
    json_array_append_new(compare, row_json(t, &best, &best));
    json_array_append_new(compare, row_json(t, &clairvoyant, &best));
    return write_json(to, json_pack("{s:s, s:s, s:i, s:i, s:i, s:o, s:o}", "world", "table", "table", path, "rounds", t->rows,
                                    "arms", t->K, "gamma", t->L, "policies", list, "references", compare), err);
}
