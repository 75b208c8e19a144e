/* show.c - see show.h. */
#include "sim/show.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "sim/listing.h"

static int each_setting(struct runs *r, int64_t only, int (*each)(void *user, struct runs *r, int64_t experiment, struct err *err), void *user, struct err *err) {
    sqlite3_stmt *s = NULL;
    int n = 0, rc = db_prepare(r->db, r->path, "SELECT experiment FROM setting WHERE ?1 IN (0, experiment) AND experiment IN (SELECT experiment FROM run)"
                                               " ORDER BY experiment", &s, err);
    if (!rc) sqlite3_bind_int64(s, 1, only);
    int64_t *ids = NULL;
    size_t room = 0;
    while (!rc && (rc = db_step(r->db, r->path, s, err)) == 1)
        if (!(rc = mem_grow(&ids, &room, (size_t)n + 1, sizeof *ids, "experiments", err))) ids[n++] = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    for (int i = 0; !rc && i < n; i++) rc = each(user, r, ids[i], err);
    if (!rc && !n && only) rc = err_set(err, "experiment %lld of '%s' is no sweep's, or has no run", (long long)only, r->path);
    mem_free(ids);
    return rc;
}

int show_own(const char *own, struct err *err) {
    if (!strcmp(own, "charge") || !strcmp(own, "show") || !strcmp(own, "none")) return 0;
    return err_usage(err, "option '--own' wants charge, show or none, got '%s'", own);
}

struct showing {
    const struct show_options *o;
    json_t *list; // with --json
    bool later;   // not the first
};

static void print_title(struct showing *s, const struct board *b) {
    printf("%sexperiment %lld: %s, arms %s, scope %s, seconds %s\n", s->later ? "\n\n" : "", (long long)b->experiment, b->trace, b->arms, b->scope, b->timing);
    if (!strcmp(b->timing, "hardware")) printf("%s, on a roofline of %s: nothing of this was measured there\n", b->target, b->device);
    else if (strcmp(b->device, "none")) printf("%s on %s\n", b->target, b->device);
    else printf("%s; no target did this\n", b->target);
    printf("%ld run%s of %d polic%s, %d prompts\n", b->runs, b->runs == 1 ? "" : "s", b->P, b->P == 1 ? "y" : "ies", b->Q);
}

static double speed_in_hindsight(const struct board *b) {
    double tokens = 0;
    for (int q = 0; q < b->Q; q++) tokens += b->tokens[q];
    return b->hindsight_s > 0 ? tokens / b->hindsight_s : 0;
}

static json_t *hindsight_json(const struct board *b) {
    return json_pack("{s:s, s:f}", "arm", b->hindsight_arm, "tokens_per_s", speed_in_hindsight(b));
}

/* held: specs of the policies that were chosen on other prompts; null: none is held out. against: null, the fastest here. */
static int show_rows(struct showing *s, const struct board *b, json_t *held, const char *against, struct err *err) {
    struct summary references[REFERENCES], *players = mem_alloc((size_t)(b->P ? b->P : 1), sizeof *players, "a summary", err);
    struct rows rows = {players, references, b->P, 0, s->o->against != NULL, !strcmp(s->o->own, "charge"), held ? b->chosen_on : 0};
    struct standing x = board_standing(b);
    x.own_ns = strcmp(s->o->own, "none") ? b->own_ns : NULL, x.charge = rows.charged;
    int rc = players ? summary_of(&x, against, players, references, &rows.which, err) : ERR_FAILED;
    if (held) references[REFERENCE_BEST_FIXED].oracle = references[REFERENCE_BEST_PER_CATEGORY].oracle = false;
    if (!rc && s->list) {
        json_t *one = json_pack("{s:I, s:s, s:s, s:s, s:s, s:i, s:s, s:o, s:o, s:s, s:o}", "experiment", (json_int_t)b->experiment, "trace", b->trace,
                                "arms", b->arms, "scope", b->scope, "timing", b->timing, "prompts", b->Q, "own", s->o->own,
                                "held_out", held ? json_incref(held) : json_null(), "chosen_on", held ? json_integer(b->chosen_on) : json_null(),
                                "best_fixed_arm", b->best_arm, "best_fixed_in_hindsight", hindsight_json(b)), *more = rows_json(&rows);
        if (!one || !more || json_object_update(one, more) || json_array_append_new(s->list, one)) rc = err_set(err, "cannot write JSON");
        json_decref(more);
    } else if (!rc) {
        if (!held) print_title(s, b);
        print_rows(stdout, &rows);
        s->later = true;
    }
    mem_free(players);
    return rc;
}

/* The chosen policy with the fewest seconds on the prompts that it was chosen on; -1: all use hindsight. */
static int fastest_of(const struct board *choose, const int *chosen, int n) {
    double least = 0;
    int fastest = -1;
    for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int q = 0; q < choose->Q; q++) sum += choose->seconds[(size_t)chosen[i] * (size_t)choose->Q + (size_t)q];
        if (choose->players[chosen[i]].kind == PLAYER_POLICY && (fastest < 0 || sum < least)) fastest = i, least = sum;
    }
    return fastest;
}

static void print_chosen(const struct board *choose, const struct board *held, const char *const *only, int n) {
    printf("chosen on %d other prompts:", choose->Q);
    for (int i = 0; i < n; i++) printf(" %s", only[i]);
    printf("%s best-fixed (%s)\n", n ? " and" : "", held->best_arm);
    printf("in hindsight, on these prompts, the best arm is %s (%.1f tokens/s)\n", held->hindsight_arm, speed_in_hindsight(held));
}

/* Chosen on one part of the prompts, reported on the other. Where 'best-fixed' played, it knew all of them: the comparator stands for it. */
static int show_held_out(struct showing *s, struct runs *r, const struct board *choose, struct err *err) {
    struct board held = {0};
    int *chosen = mem_alloc((size_t)(choose->P ? choose->P : 1), sizeof *chosen, "policies", err), all = chosen ? board_choose(choose, chosen) : 0, n = 0;
    const char **only = mem_alloc((size_t)(all ? all : 1), sizeof *only, "policies", err);
    json_t *list = json_array();
    int rc = chosen && only ? 0 : ERR_FAILED;
    for (int i = 0; !rc && i < all; i++) {
        if (choose->players[chosen[i]].kind == PLAYER_BEST_FIXED) continue;
        chosen[n] = chosen[i];
        only[n] = choose->players[chosen[n]].spec;
        json_array_append_new(list, json_string(only[n++]));
    }
    if (!rc) rc = board_open(&held, r, choose->experiment, BOARD_HELD_OUT, s->o->holdout, only, n, err);
    if (!rc && (held.Q < 2 || choose->Q < 2))
        rc = err_set(err, "--holdout %g leaves %d prompts to choose by and %d to report, expected at least 2 of each", s->o->holdout, choose->Q, held.Q);
    if (!rc && !s->list) print_title(s, &held), print_chosen(choose, &held, only, n);
    const int fastest = rc ? -1 : fastest_of(choose, chosen, n);
    if (!rc) rc = show_rows(s, &held, list, s->o->against || fastest < 0 ? s->o->against : only[fastest], err);
    json_decref(list);
    board_close(&held);
    mem_free(chosen), mem_free(only);
    return rc;
}

static int show_setting(void *user, struct runs *r, int64_t experiment, struct err *err) {
    struct showing *s = user;
    struct board b;
    int rc = board_open(&b, r, experiment, s->o->holdout > 0 ? BOARD_CHOOSE : BOARD_ALL, s->o->holdout, NULL, 0, err);
    if (rc) return rc;
    rc = s->o->holdout > 0 ? show_held_out(s, r, &b, err) : show_rows(s, &b, NULL, s->o->against, err);
    board_close(&b);
    return rc;
}

int show_boards(struct runs *r, const struct show_options *o, struct err *err) {
    struct showing s = {.o = o, .list = o->json ? json_array() : NULL};
    int rc = 0, n = o->json || o->experiment ? 1 : listing_count(r, true, err);
    if (n > 1) rc = listing_print(r, true, err), s.later = true;
    if (!rc) rc = n < 0 ? n : each_setting(r, o->experiment, show_setting, &s, err);
    if (!rc && o->json && json_dumpf(s.list, stdout, JSON_INDENT(2))) rc = err_set(err, "cannot write JSON");
    if (!rc && o->json) putchar('\n');
    json_decref(s.list);
    return rc;
}

static int store_setting(void *user, struct runs *r, int64_t experiment, struct err *err) {
    (void)user;
    struct board b;
    int rc = board_open(&b, r, experiment, BOARD_ALL, 0, NULL, 0, err);
    if (rc) return rc;
    rc = board_store(&b, r, NULL, err);
    board_close(&b);
    return rc;
}

int show_store(struct runs *r, struct err *err) { return each_setting(r, 0, store_setting, NULL, err); }
