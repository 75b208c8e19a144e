/* print.c - see print.h. */
#include "sim/print.h"

#include <jansson.h>
#include <string.h>

#include "core/mem.h"
#include "sim/stats.h"
#include "sim/timing.h"

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
    if (s->has_gap) fprintf(to, "%6.0f%%", 100 * s->gap_closed);
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

static const struct summary *row_at(const struct rows *x, int i) { return i < x->P ? &x->players[i] : &x->references[i - x->P]; }

static void print_against(FILE *to, const struct summary *s, bool own) {
    static const char *const verdicts[] = {[VERDICT_REFERENCE] = "the one compared with", [VERDICT_NONE] = "no difference found",
                                           [VERDICT_FASTER] = "faster", [VERDICT_SLOWER] = "slower"};
    char text[64];
    print_name(to, s->spec);
    snprintf(text, sizeof text, s->rank_lo == s->rank_hi ? "%d" : "%d [%d, %d]", s->rank, s->rank_lo, s->rank_hi);
    fprintf(to, " %-14s", s->rank ? text : "-");
    fprintf(to, "%8.1f", s->against.tokens_per_s.value);
    print_interval(to, &s->against.tokens_per_s, 19, 1);
    fprintf(to, "%+6.1f%%", s->against.percent.value);
    print_interval(to, &s->against.percent, 17, 1);
    if (s->against.verdict == VERDICT_REFERENCE) fprintf(to, "%8s", "");
    else fprintf(to, "%8.2g", s->against.p_holm);
    if (s->own_ns > 0) fprintf(to, "%9.0f", s->own_ns);
    else if (own) fprintf(to, "%9s", "-");
    fprintf(to, "  %s\n", verdicts[s->against.verdict]);
}

static void print_leaderboard(FILE *to, const struct rows *x, const int *order) {
    bool own = false;
    for (int i = 0; i < x->P; i++) own |= x->players[i].own_ns > 0;
    fprintf(to, "\ncompared with %s", row_at(x, x->which)->spec);
    const bool fastest = !x->chosen && x->which < x->P; // else a comparator, where all policies use hindsight
    if (fastest && x->chosen_on) fprintf(to, " (the fastest of the %d other prompts; --against names another)", x->chosen_on);
    else if (fastest) fputs(" (the fastest of these data, so the test leans towards finding differences; --against names another)", to);
    fputc('\n', to);
    fprintf(to, "%-*s %-14s%8s%-19s%7s%-17s%8s%s\n", NAME, "policy", "rank", "tokens/s", "", "percent", "", "p", own ? "   own ns" : "");
    for (int i = 0; i < x->P; i++) print_against(to, &x->players[order[i]], own);
    fprintf(to, "for comparison\n");
    for (int i = 0; i < REFERENCES; i++) print_against(to, &x->references[i], own);
    fprintf(to, "\nrank: by tokens/s, and where 95%% of the resamples put it. p: two-sided, paired by prompts, corrected for the number of policies\n"
                "(Holm; those that use hindsight, and the comparators, stand outside); 'no difference found' where it is 0.05 or more.\n");
    if (own) fprintf(to, "own: a policy's select and update a round, measured when it played; %s.\n", x->charged
                     ? "seconds hold it, so speeds, intervals, ranks and p\ndiffer each time policies play: with --own none they are the same bytes"
                     : "seconds do not hold it");
}

void print_rows(FILE *to, const struct rows *x) {
    int order[POLICIES_MAX];
    summary_sort(x->players, x->P, order);
    fprintf(to, "intervals: 95%%, BCa bootstrap over prompts, seeds within them (%d resamples, the same for every policy)\n\n", STATS_RESAMPLES);
    fprintf(to, "%-*s%9s%7s%9s%-18s%8s%-13s%7s\n", NAME, "policy", "rounds", "MAT", "tokens/s", "", "speed-up", "", "  gap");
    for (int i = 0; i < x->P; i++) print_speed(to, &x->players[order[i]]);
    fprintf(to, "for comparison\n");
    for (int i = 0; i < REFERENCES; i++) print_speed(to, &x->references[i]);
    fprintf(to, "\nregret against the best fixed arm of each prompt, mean a prompt\n%-*s%9s%-24s%10s\n", NAME, "policy", "rounds", "", "seconds");
    for (int i = 0; i < x->P; i++) print_regret(to, &x->players[order[i]]);
    fprintf(to, "for comparison\n");
    for (int i = 0; i < REFERENCES; i++) print_regret(to, &x->references[i]);
    print_leaderboard(to, x, order);
    fprintf(to, "\nrounds: mean a prompt. speed-up: over plain decoding. gap: how much of the way from best-fixed (0%%) to\n"
                "the clairvoyant (100%%) is closed, in seconds. best-fixed, best-per-category: one arm for all prompts, and one a category,\n");
    if (x->chosen_on) fprintf(to, "the fastest of the %d other prompts; best-per-prompt and the clairvoyants know these.\n", x->chosen_on);
    else fputs("the fastest of these very prompts, in hindsight, which flatters them: --holdout (of sweep, results show, report) chooses them on others.\n", to);
}

void print_replay(FILE *to, const struct replay *r, const struct rows *x) {
    const struct trace *t = r->plan.trace;
    char nature[160], seconds[256];
    long tokens = 0;
    for (int q = 0; q < r->Q; q++) tokens += t->sequences[q].tokens - 1;
    if (!trace_recorded(t, nature, sizeof nature)) fprintf(to, "%s; no target did this\n", nature);
    fprintf(to, "%d prompts, %ld tokens after the first, %d arms; policies learn %s\n", r->Q, tokens, r->K,
            r->plan.stream ? "on over prompts (scope stream)" : "anew each prompt (scope prompt)");
    timing_say(r->plan.cost, seconds, sizeof seconds);
    fprintf(to, "%s\n", seconds);
    print_rows(to, x);
}

static json_t *measure_json(const struct measure *m) {
    return json_pack("{s:f, s:f, s:f}", "value", m->value, "lo", m->lo, "hi", m->hi);
}

static json_t *against_json(const struct comparison *x) {
    static const char *const verdicts[] = {[VERDICT_REFERENCE] = "reference", [VERDICT_NONE] = "no difference found", [VERDICT_FASTER] = "faster",
                                           [VERDICT_SLOWER] = "slower"};
    return json_pack("{s:o, s:o, s:f, s:f, s:s}", "tokens_per_s", measure_json(&x->tokens_per_s), "percent", measure_json(&x->percent), "p", x->p,
                     "p_holm", x->p_holm, "verdict", verdicts[x->verdict]);
}

static json_t *summary_json(const struct summary *s) {
    json_t *rank = s->rank ? json_pack("{s:i, s:i, s:i}", "value", s->rank, "lo", s->rank_lo, "hi", s->rank_hi) : json_null();
    return json_pack("{s:s, s:s, s:b, s:i, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "spec", s->spec, "name", s->name,
                     "oracle", s->oracle, "seeds", s->seeds, "rounds", s->rounds, "mat", measure_json(&s->mat),
                     "tokens_per_s", measure_json(&s->tokens_per_s), "speedup", measure_json(&s->speedup),
                     "regret_rounds", measure_json(&s->regret_rounds), "regret_seconds", measure_json(&s->regret_seconds),
                     "gap_closed", s->has_gap ? json_real(s->gap_closed) : json_null(), "rank", rank, "against", against_json(&s->against), "own_ns", s->own_ns > 0 ? json_real(s->own_ns) : json_null());
}

json_t *rows_json(const struct rows *x) {
    int order[POLICIES_MAX];
    json_t *list = json_array(), *compare = json_array();
    summary_sort(x->players, x->P, order);
    for (int i = 0; i < x->P; i++) json_array_append_new(list, summary_json(&x->players[order[i]]));
    for (int i = 0; i < REFERENCES; i++) json_array_append_new(compare, summary_json(&x->references[i]));
    return json_pack("{s:o, s:o, s:s}", "policies", list, "references", compare, "against", row_at(x, x->which)->spec);
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

int print_replay_json(FILE *to, const struct replay *r, const struct rows *x, struct err *err) {
    const struct trace *t = r->plan.trace;
    char nature[160];
    bool recorded = trace_recorded(t, nature, sizeof nature);
    json_t *all = json_pack("{s:s, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:f, s:o, s:s}",
        "world", "trace", "recorded", recorded, "nature", recorded ? "a recorded trace" : nature, "trace", t->path, "trace_sha256", t->sha256,
        "target", t->target, "device", t->device, "scope", r->plan.stream ? "stream" : "prompt", "prompts", r->Q, "timing", timing_word(r->plan.cost),
        "timing_error", r->plan.cost->error, "arms", arms_json(r->problem.arms, r->K), "best_fixed_arm", r->problem.arms[r->oracle.best].name);
    json_t *rows = rows_json(x);
    if (all && rows) json_object_update(all, rows);
    json_decref(rows);
    return write_json(to, all, err);
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
