/* lanes.c - see lanes.h. */
#include "sim/lanes.h"

#include "core/mem.h"

enum { GROUPS = LANES_ABREAST / POLICY_LANES };

struct lane {
    struct world *world;
    struct seat seat;
    int task;                 // being played; -1: none left
    int round;
};

struct play {
    struct agent *a;
    const struct lanes_task *tasks;
    int n, next;              // tasks, and the first not yet begun
    struct episode_total *totals;
    const struct episode_watch *watch;
    char *states;             // (GROUPS, bytes)
    size_t bytes;
    struct lane lanes[LANES_ABREAST];
    struct rng_four rng[GROUPS];
    struct outcome o[LANES_ABREAST];
    unsigned learns[GROUPS];  // a bit a lane
    int alive;
};

/* Seats the next task that has rounds in lane i, or leaves it empty. */
static int begin(struct play *p, int i, struct err *err) {
    struct lane *x = &p->lanes[i];
    struct rng_four *rng = &p->rng[i / POLICY_LANES];
    for (x->task = -1; p->next < p->n;) {
        const struct lanes_task *t = &p->tasks[p->next];
        p->totals[p->next++] = (struct episode_total){0};
        int rc = seat_start(&x->seat, x->world, p->a, t->q, err);
        if (rc) return rc;
        if (x->world->done) continue;
        x->task = p->next - 1, x->round = 0;
        rng->seed[i % POLICY_LANES] = t->seed, rng->sequence[i % POLICY_LANES] = t->ordinal, rng->round[i % POLICY_LANES] = 0;
        p->a->policy->lanes->init(p->states + (size_t)(i / POLICY_LANES) * p->bytes, &p->a->problem, p->a->param, i % POLICY_LANES);
        p->alive++;
        break;
    }
    return 0;
}

static int round_of(struct play *p, int i, int arm, struct err *err) {
    struct lane *x = &p->lanes[i];
    struct world *w = x->world;
    struct episode_total *sum = &p->totals[x->task];
    struct outcome *o = &p->o[i];
    const int pos = w->pos;
    if ((unsigned)arm >= (unsigned)p->a->problem.K)
        return err_set(err, "policy '%s' chose arm %d in round %d, expected 0 to %d", p->a->spec, arm, x->round, p->a->problem.K - 1);
    o->arm = arm;
    int rc = w->type->round(w, &p->a->problem.arms[arm], o, err);
    if (rc) return rc;
    sum->rounds++;
    sum->proposed += o->proposed;
    sum->accepted += o->accepted;
    sum->emitted += o->emitted;
    sum->draft_s += o->draft_s;
    sum->verify_s += o->verify_s;
    sum->seconds += o->draft_s + o->verify_s;
    if (p->watch) {
        struct step s = {.sequence = w->sequence, .round = x->round, .pos = pos, .outcome = *o};
        if ((rc = p->watch->step(p->watch->user, &s, err))) return rc;
    }
    x->round++;
    if (!w->done) p->learns[i / POLICY_LANES] |= 1u << i % POLICY_LANES;
    else {
        p->alive--;
        rc = begin(p, i, err);
    }
    return rc;
}

static int rounds(struct play *p, struct err *err) {
    const struct policy_lanes *lanes = p->a->policy->lanes;
    const struct problem *problem = &p->a->problem;
    int arm[LANES_ABREAST], rc = 0;
    for (int g = 0; g < GROUPS; g++) lanes->select(p->states + (size_t)g * p->bytes, problem, p->a->param, &p->rng[g], &arm[g * POLICY_LANES]);
    for (int g = 0; g < GROUPS; g++) {
        p->learns[g] = 0;
        for (int l = 0; l < POLICY_LANES; l++) p->rng[g].round[l]++;
    }
    for (int i = 0; !rc && i < LANES_ABREAST; i++)
        if (p->lanes[i].task >= 0) rc = round_of(p, i, arm[i], err);
    for (int g = 0; g < GROUPS; g++) lanes->update(p->states + (size_t)g * p->bytes, problem, p->a->param, &p->o[g * POLICY_LANES], p->learns[g]);
    return rc;
}

int lanes_run(struct world *const *worlds, struct agent *a, const struct lanes_task *tasks, int n, const struct episode_watch *watch,
              struct episode_total *totals, struct err *err) {
    struct play *p = mem_alloc(1, sizeof *p, "lanes", err);
    int rc = p ? 0 : ERR_FAILED;
    if (p) {
        p->a = a, p->tasks = tasks, p->n = n, p->totals = totals, p->watch = watch;
        p->bytes = a->policy->lanes->size(&a->problem);
        if (!(p->states = mem_alloc(GROUPS, p->bytes, "policies in lanes", err))) rc = ERR_FAILED;
        for (int i = 0; !rc && i < LANES_ABREAST; i++) {
            p->rng[i / POLICY_LANES].stream = a->stream;
            p->lanes[i].world = worlds[i];
            a->policy->lanes->init(p->states + (size_t)(i / POLICY_LANES) * p->bytes, &a->problem, a->param, i % POLICY_LANES);
            rc = begin(p, i, err);
        }
        while (!rc && p->alive) rc = rounds(p, err);
        mem_free(p->states);
    }
    mem_free(p);
    return rc;
}
