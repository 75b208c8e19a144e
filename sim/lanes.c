/* lanes.c - see lanes.h. */
#include "sim/lanes.h"

#include "core/mem.h"

enum { GROUPS = LANES_ABREAST / POLICY_LANES };

/* POLICY_LANES episodes in play. */
struct group {
    struct world *world[POLICY_LANES];
    int task[POLICY_LANES];
    unsigned plays;           // a bit a lane that has a task
    struct rng_four rng;
    struct outcome_lanes o;
    struct {                  // of the episodes so far
        int proposed[POLICY_LANES], accepted[POLICY_LANES], emitted[POLICY_LANES];
        double seconds[POLICY_LANES], draft_s[POLICY_LANES], verify_s[POLICY_LANES];
    } sum;
    void *state;
};

struct play {
    struct agent *a;
    const struct lanes_task *tasks;
    int n, next;              // tasks, and the first not yet begun
    struct episode_total *totals;
    const struct episode_watch *watch;
    struct group groups[GROUPS];
};

/* Seats the next task that has rounds in a lane, or leaves it empty. */
static int begin(struct play *p, struct group *g, int lane, struct err *err) {
    struct seat seat;
    while (p->next < p->n) {
        const struct lanes_task *t = &p->tasks[p->next];
        p->totals[p->next] = (struct episode_total){0};
        int rc = seat_start(&seat, g->world[lane], p->a, t->q, err);
        if (rc) return rc;
        g->task[lane] = p->next++;
        if (g->world[lane]->done) continue;
        g->rng.seed[lane] = t->seed, g->rng.sequence[lane] = t->ordinal, g->rng.round[lane] = 0;
        g->sum.proposed[lane] = g->sum.accepted[lane] = g->sum.emitted[lane] = 0;
        g->sum.seconds[lane] = g->sum.draft_s[lane] = g->sum.verify_s[lane] = 0;
        p->a->policy->lanes->init(g->state, &p->a->problem, p->a->param, lane);
        g->plays |= 1u << lane;
        break;
    }
    return 0;
}

static int end(struct play *p, struct group *g, int lane, struct err *err) {
    p->totals[g->task[lane]] = (struct episode_total){
        (int64_t)g->rng.round[lane], g->sum.proposed[lane], g->sum.accepted[lane], g->sum.emitted[lane], g->sum.seconds[lane], g->sum.draft_s[lane], g->sum.verify_s[lane]};
    g->plays &= ~(1u << lane);
    return begin(p, g, lane, err);
}

static struct outcome outcome_of(const struct outcome_lanes *o, int l) {
    return (struct outcome){.arm = o->arm[l], .gamma = o->gamma[l], .proposed = o->proposed[l], .accepted = o->accepted[l], .emitted = o->emitted[l],
                            .draft_s = o->draft_s[l], .verify_s = o->verify_s[l], .nodes = o->nodes[l]};
}

/* Of a world that plays its rounds one by one. */
static int each_round(struct group *g, const struct arm *arms, struct err *err) {
    struct outcome_lanes *o = &g->o;
    for (int l = 0; l < POLICY_LANES; l++) {
        struct outcome x = {.arm = o->arm[l]};
        if (!(g->plays >> l & 1)) continue;
        int rc = g->world[l]->type->round(g->world[l], &arms[x.arm], &x, err);
        if (rc) return rc;
        o->gamma[l] = x.gamma, o->proposed[l] = x.proposed, o->accepted[l] = x.accepted, o->emitted[l] = x.emitted, o->nodes[l] = x.nodes;
        o->draft_s[l] = x.draft_s, o->verify_s[l] = x.verify_s;
    }
    return 0;
}

static int tell(const struct play *p, const struct group *g, struct err *err) {
    int rc = 0;
    for (int l = 0; !rc && l < POLICY_LANES; l++) {
        if (!(g->plays >> l & 1)) continue;
        const struct world *w = g->world[l];
        const struct step s = {.sequence = w->sequence, .round = (int)g->rng.round[l], .pos = w->pos - g->o.emitted[l], .outcome = outcome_of(&g->o, l)};
        rc = p->watch->step(p->watch->user, &s, err);
    }
    return rc;
}

/* One round of each episode in the group. */
static int play_group(struct play *p, struct group *g, struct err *err) {
    const struct policy_lanes *lanes = p->a->policy->lanes;
    const struct problem *problem = &p->a->problem;
    struct outcome_lanes *o = &g->o;
    const struct world_type *type = g->world[0]->type;
    lanes->select(g->state, problem, p->a->param, &g->rng, o->arm);
    for (int l = 0; l < POLICY_LANES; l++)
        if ((unsigned)o->arm[l] >= (unsigned)problem->K)
            return err_set(err, "policy '%s' chose arm %d in round %d, expected 0 to %d", p->a->spec, o->arm[l], (int)g->rng.round[l], problem->K - 1);
    int rc = type->rounds ? type->rounds(g->world, problem->arms, o, g->plays, err) : each_round(g, problem->arms, err);
    if (rc) return rc;
    for (int l = 0; l < POLICY_LANES; l++) g->sum.proposed[l] += o->proposed[l];
    for (int l = 0; l < POLICY_LANES; l++) g->sum.accepted[l] += o->accepted[l];
    for (int l = 0; l < POLICY_LANES; l++) g->sum.emitted[l] += o->emitted[l];
    for (int l = 0; l < POLICY_LANES; l++) g->sum.draft_s[l] += o->draft_s[l];
    for (int l = 0; l < POLICY_LANES; l++) g->sum.verify_s[l] += o->verify_s[l];
    for (int l = 0; l < POLICY_LANES; l++) g->sum.seconds[l] += o->draft_s[l] + o->verify_s[l];
    unsigned learns = g->plays; // the round that ends a sequence is not fed back
    for (int l = 0; l < POLICY_LANES; l++) learns &= ~((unsigned)g->world[l]->done << l);
    if (p->watch && (rc = tell(p, g, err))) return rc;
    for (int l = 0; l < POLICY_LANES; l++) g->rng.round[l]++;
    lanes->update(g->state, problem, p->a->param, o, learns);
    for (unsigned ended = g->plays & ~learns; ended; ended &= ended - 1)
        if ((rc = end(p, g, __builtin_ctz(ended), err))) return rc;
    return 0;
}

static int play_all(struct play *p, struct err *err) {
    int rc = 0;
    for (bool plays = true; !rc && plays;) {
        plays = false;
        for (int g = 0; !rc && g < GROUPS; g++)
            if (p->groups[g].plays) rc = play_group(p, &p->groups[g], err), plays = true;
    }
    return rc;
}

int lanes_run(struct world *const *worlds, struct agent *a, const struct lanes_task *tasks, int n, const struct episode_watch *watch,
              struct episode_total *totals, struct err *err) {
    const struct policy_lanes *lanes = a->policy->lanes;
    size_t bytes = lanes->size(&a->problem);
    struct play *p = mem_alloc(1, sizeof *p, "lanes", err);
    char *states = mem_alloc(GROUPS, bytes, "policies in lanes", err);
    int rc = p && states ? 0 : ERR_FAILED;
    if (!rc) *p = (struct play){.a = a, .tasks = tasks, .n = n, .totals = totals, .watch = watch};
    for (int i = 0; !rc && i < LANES_ABREAST; i++) {
        struct group *g = &p->groups[i / POLICY_LANES];
        int lane = i % POLICY_LANES;
        g->state = states + (size_t)(i / POLICY_LANES) * bytes;
        g->rng.stream = a->stream;
        g->world[lane] = worlds[i];
        lanes->init(g->state, &a->problem, a->param, lane);
        rc = begin(p, g, lane, err);
    }
    if (!rc) rc = play_all(p, err);
    mem_free(states);
    mem_free(p);
    return rc;
}
