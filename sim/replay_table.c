/* replay_table.c - see replay_table.h. */
#include "sim/replay_table.h"

#include <errno.h>
#include <string.h>

#include "core/mem.h"
#include "sim/lanes.h"
#include "sim/steps.h"

struct problem table_problem(const struct table *t) {
    return (struct problem){.K = t->K, .D = t->K, .L = t->L, .arms = t->arms};
}

struct writer {
    const struct table_plan *plan;
    const struct player *player;
    uint64_t seed;
    struct steps steps;
};

static int write_step(void *user, const struct step *s, struct err *err) {
    struct writer *w = user;
    return steps_add(&w->steps, w->player->spec, w->seed, 0, s, w->plan->table->arms[s->outcome.arm].name, err);
}

static int flush_steps(struct writer *w, struct err *err) {
    size_t n = w->steps.n;
    w->steps.n = 0;
    if (!n || fwrite(w->steps.text, 1, n, w->plan->steps) == n) return 0;
    return err_set(err, "cannot write '%s': %s", w->plan->steps_path, strerror(errno));
}

static int play(struct writer *w, struct agent *a, struct episode_total *sum, struct err *err) {
    const struct table_plan *plan = w->plan;
    struct world_table world = world_table(plan->table);
    struct episode_watch watch = {write_step, w};
    agent_reset(a);
    int rc = episode_run(&world.world, a, w->seed, 0, 0, plan->uniforms, plan->uniforms_n, plan->steps ? &watch : NULL, sum, err);
    return rc ? rc : flush_steps(w, err);
}

/* All seeds of an agent, several abreast, where nobody wants the rounds in order. */
static int play_seeds(const struct table_plan *plan, struct agent *a, int seeds, struct episode_total *sum, struct err *err) {
    struct world_table worlds[LANES_ABREAST];
    struct world *at[LANES_ABREAST];
    struct lanes_task *tasks = mem_alloc((size_t)seeds, sizeof *tasks, "seeds", err);
    struct episode_total *totals = mem_alloc((size_t)seeds, sizeof *totals, "seeds", err);
    for (int l = 0; l < LANES_ABREAST; l++) worlds[l] = world_table(plan->table), at[l] = &worlds[l].world;
    int rc = tasks && totals ? 0 : ERR_FAILED;
    for (int k = 0; !rc && k < seeds; k++) tasks[k] = (struct lanes_task){.seed = plan->seed + (uint64_t)k};
    if (!rc) rc = lanes_run(at, a, tasks, seeds, NULL, totals, err);
    for (int k = 0; !rc && k < seeds; k++) sum->emitted += totals[k].emitted, sum->seconds += totals[k].seconds;
    mem_free(tasks), mem_free(totals);
    return rc;
}

int replay_table(const struct table_plan *plan, struct table_row *rows, struct err *err) {
    struct problem problem = table_problem(plan->table);
    struct writer w = {.plan = plan};
    int rc = plan->steps && fputs(STEPS_HEADER, plan->steps) < 0
        ? err_set(err, "cannot write '%s': %s", plan->steps_path, strerror(errno)) : 0;
    for (int p = 0; !rc && p < plan->lineup->n; p++) {
        struct episode_total sum = {0};
        struct agent a;
        w.player = &plan->lineup->at[p];
        if ((rc = player_agent(w.player, &problem, NULL, &a, err))) break;
        const bool abreast = lanes_can(&a) && !plan->steps && !plan->uniforms;
        if (abreast) rc = play_seeds(plan, &a, w.player->seeds, &sum, err);
        for (int k = 0; !rc && !abreast && k < w.player->seeds; k++) {
            w.seed = plan->seed + (uint64_t)k;
            rc = play(&w, &a, &sum, err);
        }
        agent_close(&a);
        rows[p] = (struct table_row){.seeds = w.player->seeds, .tokens = (double)sum.emitted / w.player->seeds, .seconds = sum.seconds / w.player->seeds};
        memcpy(rows[p].spec, w.player->spec, sizeof rows[p].spec);
    }
    steps_close(&w.steps);
    return rc;
}

struct table_row table_best_column(const struct table *t) {
    struct table_row best = {0};
    for (int k = 0; k < t->K; k++) {
        struct table_row x = {.seeds = 1};
        for (size_t cell = (size_t)k; cell < (size_t)t->rows * (size_t)t->K; cell += (size_t)t->K) {
            x.tokens += t->emitted[cell];
            if (t->seconds) x.seconds += t->seconds[cell];
        }
        snprintf(x.spec, sizeof x.spec, "best column (%d)", k);
        if (!k || x.tokens > best.tokens) best = x;
    }
    return best;
}

struct table_row table_clairvoyant(const struct table *t) {
    struct table_row x = {.seeds = 1, .spec = "best cell of every row"};
    for (int r = 0; r < t->rows; r++) {
        size_t row = (size_t)r * (size_t)t->K, best = row;
        for (size_t cell = row; cell < row + (size_t)t->K; cell++)
            if (t->emitted[cell] > t->emitted[best]) best = cell;
        x.tokens += t->emitted[best];
        if (t->seconds) x.seconds += t->seconds[best];
    }
    return x;
}
