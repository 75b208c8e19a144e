/* lanes.c - see lanes.h. */
#include "sim/lanes.h"

#include "core/mem.h"
#include "policies/lanes.h"

enum { GROUPS = LANES_ABREAST / POLICY_LANES };

/* POLICY_LANES episodes in play. */
struct group {
    struct world *world[POLICY_LANES];
    int task[POLICY_LANES];
    unsigned plays, ended;    // a bit a lane that has a task, and that has just ended it
    struct rng_four rng;
    struct outcome_lanes o;
    struct {                  // of the episodes so far
        four_ints pos, proposed, accepted, emitted;
        four seconds, draft_s, verify_s;
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
        g->sum.pos[lane] = 1, g->sum.proposed[lane] = g->sum.accepted[lane] = g->sum.emitted[lane] = 0;
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

/* Of a world that plays its rounds one by one: as its `rounds`. */
static int each_round(struct group *g, const struct arm *arms, struct err *err) {
    struct outcome_lanes *o = &g->o;
    int ended = 0;
    for (int l = 0; l < POLICY_LANES; l++) {
        struct outcome x = {.arm = o->arm[l]};
        if (!(g->plays >> l & 1)) continue;
        int rc = g->world[l]->type->round(g->world[l], &arms[x.arm], &x, err);
        if (rc) return rc;
        outcome_to_lane(o, l, &x);
        ended |= g->world[l]->done << l;
    }
    return ended;
}

static int tell(const struct play *p, const struct group *g, struct err *err) {
    int rc = 0;
    for (int l = 0; !rc && l < POLICY_LANES; l++) {
        if (!(g->plays >> l & 1)) continue;
        const struct world *w = g->world[l];
        const struct step s = {.sequence = w->sequence, .round = (int)g->rng.round[l], .pos = g->sum.pos[l], .outcome = outcome_of(&g->o, l)};
        rc = p->watch->step(p->watch->user, &s, err);
    }
    return rc;
}

/* After it was told. */
LANES_INLINE void count_body(struct group *g) {
    const struct outcome_lanes *o = &g->o;
    const four draft_s = four_from(o->draft_s), verify_s = four_from(o->verify_s);
    g->sum.proposed += ints_from(o->proposed), g->sum.accepted += ints_from(o->accepted), g->sum.emitted += ints_from(o->emitted);
    g->sum.pos += ints_from(o->emitted);
    g->sum.draft_s += draft_s, g->sum.verify_s += verify_s, g->sum.seconds += draft_s + verify_s;
    for (int l = 0; l < POLICY_LANES; l++) g->rng.round[l]++;
}
LANES_BODY(void, count, (struct group *g), g)

static __attribute__((noinline)) int no_arm(const struct play *p, const struct group *g, struct err *err) {
    int l = 0;
    while ((unsigned)g->o.arm[l] < (unsigned)p->a->problem.K) l++;
    return err_set(err, "policy '%s' chose arm %d in round %d, expected 0 to %d", p->a->spec, g->o.arm[l], (int)g->rng.round[l], p->a->problem.K - 1);
}

/* The world's turn: g->ended. */
static inline int play_group(struct play *p, struct group *g, const struct world_type *type, struct err *err) {
    const four_ints arm = ints_from(g->o.arm);
    if (ints_mask((arm < 0) | (arm >= p->a->problem.K))) return no_arm(p, g, err);
    int ended = type->rounds ? type->rounds(g->world, p->a->problem.arms, &g->o, g->plays, err) : each_round(g, p->a->problem.arms, err);
    g->ended = (unsigned)ended & g->plays;
    return ended < 0 ? ended : 0;
}

static __attribute__((noinline)) int end_all(struct play *p, struct group *g, struct err *err) {
    int rc = 0;
    for (unsigned left = g->ended; !rc && left; left &= left - 1) rc = end(p, g, __builtin_ctz(left), err);
    return rc;
}

/* Each step for all groups before the next step: one group's chain of dependent instructions is longer than a processor looks ahead, and those of
 * four fill each other's waits. */
static int play_all(struct play *p, struct err *err) {
    const struct agent *a = p->a;
    const struct policy_lanes *lanes = a->policy->lanes;
    const struct world_type *type = p->groups[0].world[0]->type;
    for (;;) {
        struct group *plays[GROUPS];
        int n = 0, rc;
        for (int g = 0; g < GROUPS; g++)
            if (p->groups[g].plays) plays[n++] = &p->groups[g];
        if (!n) return 0;
        for (int g = 0; g < n; g++) lanes->select(plays[g]->state, &a->problem, a->param, &plays[g]->rng, plays[g]->o.arm);
        for (int g = 0; g < n; g++)
            if ((rc = play_group(p, plays[g], type, err))) return rc;
        for (int g = 0; g < n; g++) {
            if (p->watch && (rc = tell(p, plays[g], err))) return rc;
            count(plays[g]);
            lanes->update(plays[g]->state, &a->problem, a->param, &plays[g]->o); // also where a round has ended its sequence: that lane is new then
            if (plays[g]->ended && (rc = end_all(p, plays[g], err))) return rc;
        }
    }
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
