/* world_table.c - see world_table.h. */
#include "sim/world_table.h"

#include <limits.h>
#include <stdio.h>

#include "core/mem.h"

static int bad_cell(const struct matrix *m, size_t row, size_t column, const char *expected, struct err *err) {
    return err_set(err, "cell %g in line %zu, column %zu of '%s', expected %s",
                   m->at[row * m->columns + column], row + 1, column + 1, m->path, expected);
}

static int take_cells(struct table *t, const struct matrix *m, struct err *err) {
    char expected[64];
    snprintf(expected, sizeof expected, "a whole number from 1 to %d (--gamma + 1)", t->L + 1);
    for (size_t r = 0; r < m->rows; r++)
        for (size_t k = 0; k < m->columns; k++) {
            double x = m->at[r * m->columns + k];
            if (!(x >= 1 && x <= t->L + 1) || x != (int)x) return bad_cell(m, r, k, expected, err);
            t->emitted[r * m->columns + k] = (int)x;
        }
    return 0;
}

static int take_seconds(struct table *t, const struct matrix *m, struct err *err) {
    for (size_t r = 0; r < m->rows; r++)
        for (size_t k = 0; k < m->columns; k++) {
            double x = m->at[r * m->columns + k];
            if (!(x > 0)) return bad_cell(m, r, k, "seconds above 0", err);
            t->seconds[r * m->columns + k] = x;
        }
    return 0;
}

int table_open(struct table *t, const struct matrix *cells, const struct matrix *seconds, int L, struct err *err) {
    *t = (struct table){.L = L};
    if (L < 1 || L > ARM_GAMMA_MAX) return err_usage(err, "option '--gamma' wants 1 to %d, got %d", ARM_GAMMA_MAX, L);
    if (cells->rows > INT_MAX / (ARM_GAMMA_MAX + 1) || cells->columns > 4096)
        return err_set(err, "file '%s' has %zu rows and %zu columns, expected at most %d and 4096",
                       cells->path, cells->rows, cells->columns, INT_MAX / (ARM_GAMMA_MAX + 1));
    if (seconds && (seconds->rows != cells->rows || seconds->columns != cells->columns))
        return err_set(err, "file '%s' has %zu rows and %zu columns, expected %zu and %zu as in '%s'",
                       seconds->path, seconds->rows, seconds->columns, cells->rows, cells->columns, cells->path);
    t->rows = (int)cells->rows;
    t->K = (int)cells->columns;
    size_t n = cells->rows * cells->columns;
    if (!(t->emitted = mem_alloc(n, sizeof *t->emitted, "table cells", err))) goto fail;
    if (!(t->arms = mem_alloc(cells->columns, sizeof *t->arms, "arms", err))) goto fail;
    if (seconds && !(t->seconds = mem_alloc(n, sizeof *t->seconds, "table seconds", err))) goto fail;
    for (int k = 0; k < t->K; k++) {
        t->arms[k] = (struct arm){.drafter = k, .gamma = L};
        snprintf(t->arms[k].name, sizeof t->arms[k].name, "%d", k);
    }
    if (take_cells(t, cells, err) || (seconds && take_seconds(t, seconds, err))) goto fail;
    return 0;
fail:
    table_close(t);
    return ERR_FAILED;
}

void table_close(struct table *t) {
    mem_free(t->emitted);
    mem_free(t->seconds);
    mem_free(t->arms);
    *t = (struct table){0};
}

static int table_start(struct world *world, int q, struct err *err) {
    if (q) return err_set(err, "sequence %d does not exist, a table is one sequence", q);
    ((struct world_table *)world)->row = 0;
    world->sequence = 0;
    world->pos = 1;
    world->max_new = INT_MAX; // a table has rounds, not a token budget
    world->done = false;
    return 0;
}

static int table_round(struct world *world, const struct arm *arm, struct outcome *o, struct err *err) {
    (void)err;
    struct world_table *w = (struct world_table *)world;
    const struct table *t = w->table;
    size_t cell = (size_t)w->row * (size_t)t->K + (size_t)arm->drafter;
    o->gamma = o->proposed = t->L;
    o->emitted = t->emitted[cell];
    o->signal = NULL;
    o->accepted = o->emitted - 1;
    o->draft_s = 0;
    o->verify_s = t->seconds ? t->seconds[cell] : 0;
    world->pos += o->emitted;
    world->done = ++w->row == t->rows;
    return 0;
}

static int table_rounds(struct world_four *const *at, int n, const struct arm *arms, struct err *err) {
    const struct table *t = ((const struct world_table *)at[0]->world[0])->table;
    (void)err;
    for (int i = 0; i < n; i++) {
        struct outcome_lanes *o = &at[i]->policy.o;
        unsigned ended = 0;
#pragma GCC unroll 4
        for (int l = 0; l < POLICY_LANES; l++) {
            struct world_table *w = (struct world_table *)at[i]->world[l];
            if (!(at[i]->plays >> l & 1)) continue;
            const size_t cell = (size_t)w->row * (size_t)t->K + (size_t)arms[o->arm[l]].drafter;
            const int emitted = t->emitted[cell], row = w->row + 1;
            o->gamma[l] = o->proposed[l] = t->L;
            o->emitted[l] = emitted, o->accepted[l] = emitted - 1, o->nodes[l] = 0;
            o->draft_s[l] = 0, o->verify_s[l] = t->seconds ? t->seconds[cell] : 0;
            w->row = row, w->world.pos += emitted, w->world.done = row == t->rows;
            ended |= (unsigned)(row == t->rows) << l;
        }
        at[i]->ended = ended;
    }
    return 0;
}

/* A row of the table is what a round would have brought with every arm. */
static void table_hindsight(struct world *world, int pos, int round, int *proposed, int *accepted) {
    const struct table *t = ((const struct world_table *)world)->table;
    (void)pos;
    for (int k = 0; k < t->K; k++) proposed[k] = t->L, accepted[k] = t->emitted[(size_t)round * (size_t)t->K + (size_t)k] - 1;
}

static const struct world_type type = {.name = "table", .start = table_start, .round = table_round, .rounds = table_rounds, .hindsight = table_hindsight};

struct world_table world_table(const struct table *t) {
    return (struct world_table){.world = {.type = &type, .done = true}, .table = t};
}
