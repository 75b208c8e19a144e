/* batch.c - see batch.h. */
#include "sim/batch.h"

#include <string.h>

#include "core/mem.h"
#include "policies/seconds.h"

enum { EVERYONE = 0xffffffff }; // the sequence that names the randomness of choices for the whole batch

/* The requests of one pass. */
struct pass {
    int n, slot[BATCH_SLOTS], arm[BATCH_SLOTS], pos[BATCH_SLOTS];
    const struct arm *arms[BATCH_SLOTS];
    struct outcome o[BATCH_SLOTS];
    double verify_s;
};

struct batch {
    struct batch_world *w;
    const struct batch_plan *plan;
    const struct batch_watch *watch;
    struct agent *agents;      // (B) or (1)
    struct seat *seats;        // (B)
    int request[BATCH_SLOTS];  // in each slot, -1: free
    int round[BATCH_SLOTS];    // of its sequence
    int free;                  // slots
    int next, pass;            // the first request that has not arrived
    int *queue, room, head, waiting; // (room) a ring of those that have, where they arrive by a plan
    double now;
    struct verify_line price;  // seconds of a pass over its rows, one apart
    struct batch_total sum;
    struct pass at_hand;
};

static uint32_t ordinal_of(const struct batch_plan *p, int request) { return p->ordinal ? p->ordinal[request] : (uint32_t)request; }

static struct agent *agent_of(struct batch *b, int slot) { return &b->agents[b->plan->who == BATCH_REQUEST ? slot : 0]; }

/* -- who comes, waits, joins and leaves -- */

/* Queues what has arrived by now, as it came; slots that are free will take that many after the pass, so only more of them need a place. */
static int arrive(struct batch *b, struct err *err) {
    const struct batch_plan *p = b->plan;
    for (; p->arrival && b->next < p->requests && p->arrival[b->next] <= b->now; b->next++) {
        if (b->waiting < p->queue + b->free) {
            b->queue[(b->head + b->waiting++) % b->room] = b->next;
            continue;
        }
        b->sum.turned_away++;
        if (b->watch && b->watch->turned_away && b->watch->turned_away(b->watch->user, b->next, err)) return -1;
    }
    return 0;
}

/* The next request in line, -1: none. */
static int next_in_line(struct batch *b) {
    if (!b->plan->arrival) return b->next < b->plan->requests ? b->next++ : -1;
    if (!b->waiting) return -1;
    const int q = b->queue[b->head];
    b->head = b->head + 1 < b->room ? b->head + 1 : 0, b->waiting--;
    return q;
}

static int leave(struct batch *b, int slot, struct err *err) {
    const int q = b->request[slot];
    b->request[slot] = -1, b->free++;
    return b->watch && b->watch->left ? b->watch->left(b->watch->user, q, slot, b->now, err) : 0;
}

static int begin(struct batch *b, int slot, int q, struct err *err) {
    const struct batch_plan *p = b->plan;
    struct agent *a = agent_of(b, slot);
    const double began = b->now;
    if (p->who == BATCH_REQUEST && p->fresh) agent_reset(a);
    if (seat_start(&b->seats[slot], b->w->slot[slot], a, p->sequence ? p->sequence[q] : q, err)) return -1;
    b->request[slot] = q, b->round[slot] = 0, b->free--;
    if (b->w->type->prefill) {
        const double seconds = b->w->type->prefill(b->w, slot);
        b->now += seconds, b->sum.prefill_s += seconds;
        if (arrive(b, err)) return -1;
    }
    return b->watch && b->watch->joined ? b->watch->joined(b->watch->user, q, slot, began, b->now, err) : 0;
}

/* Free slots take what waits. A request that is over with its first token leaves at once. */
static int join(struct batch *b, struct err *err) {
    if (b->free == b->w->B && !b->waiting && b->plan->arrival && b->next < b->plan->requests) { // nobody here: time passes
        b->now = fmax(b->now, b->plan->arrival[b->next]);
        if (arrive(b, err)) return -1;
    }
    for (int s = 0, q; b->free && s < b->w->B; s++)
        while (b->request[s] < 0) {
            if ((q = next_in_line(b)) < 0) return 0;
            if (begin(b, s, q, err) || (b->w->slot[s]->done && leave(b, s, err))) return -1;
        }
    return 0;
}

/* -- a pass -- */

static int check_arm(const struct batch *b, int arm, struct err *err) {
    if (arm >= 0 && arm < b->plan->problem.K) return 0;
    return err_set(err, "policy '%s' chose arm %d in pass %d, expected 0 to %d", b->agents[0].spec, arm, b->pass, b->plan->problem.K - 1);
}

static int share(struct batch *b, struct pass *p, struct rng *rng, struct err *err) {
    struct agent *a = &b->agents[0];
    struct view views[BATCH_SLOTS];
    const int quota = b->plan->quota ? (b->plan->quota > p->n ? b->plan->quota - p->n : 0) : p->n * b->plan->problem.L;
    int given = 0;
    for (int i = 0; i < p->n; i++) views[i] = b->seats[p->slot[i]].view;
    a->policy->share(a->state, &a->problem, a->param, views, p->slot, p->n, quota, rng, p->arm);
    for (int i = 0; i < p->n; i++) {
        if (check_arm(b, p->arm[i], err)) return -1;
        given += b->plan->problem.arms[p->arm[i]].gamma;
    }
    if (given <= quota) return 0;
    return err_set(err, "policy '%s' hands out %d tokens in pass %d, expected at most %d", a->spec, given, b->pass, quota);
}

static int choose(struct batch *b, struct pass *p, struct err *err) {
    const struct batch_plan *plan = b->plan;
    for (int i = 0; i < p->n; i++)
        if (seat_look(&b->seats[p->slot[i]], p->n, err)) return -1;
    if (plan->who != BATCH_REQUEST) {
        struct agent *a = &b->agents[0];
        struct rng rng = rng_at(plan->seed, a->stream, EVERYONE, (uint32_t)b->pass);
        if (plan->who == BATCH_SHARE) return share(b, p, &rng, err);
        const struct view view = {.pos = 1 + b->pass, .max_new = 0, .batch = p->n};
        int arm = agent_choose(a, &view, &rng);
        if (check_arm(b, arm, err)) return -1;
        for (int i = 0; i < p->n; i++) p->arm[i] = arm;
        return 0;
    }
    for (int i = 0; i < p->n; i++) {
        int s = p->slot[i];
        struct rng rng = rng_at(plan->seed, b->agents[s].stream, ordinal_of(plan, b->request[s]), (uint32_t)b->round[s]);
        p->arm[i] = agent_choose(&b->agents[s], &b->seats[s].view, &rng);
        if (check_arm(b, p->arm[i], err)) return -1;
    }
    return 0;
}

/* The part of the pass's seconds that a policy learns as this request's. */
static double own_seconds(const struct batch *b, const struct pass *p, int rows, int request_rows) {
    if (p->n == 1) return p->verify_s; // as the one loop says it, bit for bit
    const double each = fmin(verify_slope(&b->price), p->verify_s / rows);
    return (p->verify_s - each * rows) / p->n + each * request_rows;
}

static int learn(struct batch *b, struct pass *p, struct err *err) {
    int rows = 0;
    double draft_s = 0;
    for (int i = 0; i < p->n; i++) rows += outcome_nodes(&p->o[i]) + 1, draft_s += p->o[i].draft_s;
    b->now += draft_s + p->verify_s;
    if (arrive(b, err)) return -1;
    verify_learn(&b->price, rows - 1, p->verify_s);
    b->sum.passes++, b->sum.rows += rows, b->sum.verify_s += p->verify_s, b->sum.draft_s += draft_s;
    for (int i = 0; i < p->n; i++) {
        const int s = p->slot[i];
        struct outcome o = p->o[i];
        b->sum.rounds++, b->sum.proposed += o.proposed, b->sum.accepted += o.accepted, b->sum.emitted += o.emitted;
        if (b->plan->who == BATCH_WHOLE) o.draft_s = draft_s / p->n, o.verify_s = p->verify_s / p->n;
        else o.verify_s = own_seconds(b, p, rows, outcome_nodes(&o) + 1);
        const struct batch_step step = {b->pass, b->request[s], s, p->n, {.round = b->round[s], .pos = p->pos[i], .outcome = o}, p->verify_s, b->now};
        if (!b->w->slot[s]->done) seat_learn(&b->seats[s], &o);
        b->round[s]++;
        if (b->watch && b->watch->step && b->watch->step(b->watch->user, &step, err)) return -1;
        if (b->w->slot[s]->done && leave(b, s, err)) return -1;
    }
    return 0;
}

static int one_pass(struct batch *b, struct err *err) {
    struct pass *p = &b->at_hand;
    p->n = 0;
    for (int s = 0; s < b->w->B; s++)
        if (b->request[s] >= 0) p->slot[p->n++] = s;
    if (!p->n) return 0;
    if (choose(b, p, err)) return -1;
    for (int i = 0; i < p->n; i++) {
        const int s = p->slot[i];
        p->pos[i] = b->w->slot[s]->pos;
        p->o[i].arm = p->arm[i], p->o[i].request = s, p->o[i].signal = NULL;
        p->arms[i] = &b->plan->problem.arms[p->arm[i]];
        seat_choose(&b->seats[s], b->round[s]);
    }
    if (b->w->type->round(b->w, p->slot, p->arms, p->n, p->o, &p->verify_s, err) || learn(b, p, err)) return -1;
    b->pass++;
    return 0;
}

static int check_plan(const struct batch_world *w, const struct batch_plan *plan, const struct policy *policy, struct err *err) {
    if (w->B < 1 || w->B > BATCH_SLOTS) return err_set(err, "a batch of %d, expected 1 to %d", w->B, BATCH_SLOTS);
    if (plan->who == BATCH_SHARE && !policy->share)
        return err_set(err, "policy '%s' shares out no quota (see banditspec policies)", policy->name);
    if (plan->who == BATCH_WHOLE && policy->flags & (POLICY_PEEK | POLICY_ALL))
        return err_set(err, "policy '%s' looks at each request, so one choice for the whole batch is not its own", policy->name);
    return 0;
}

static void add(struct batch_total *to, const struct batch *b) {
    const struct batch_total *x = &b->sum;
    to->passes += x->passes, to->rounds += x->rounds, to->proposed += x->proposed, to->accepted += x->accepted, to->emitted += x->emitted;
    to->rows += x->rows, to->turned_away += x->turned_away;
    to->draft_s += x->draft_s, to->verify_s += x->verify_s, to->prefill_s += x->prefill_s, to->clock_s += b->now;
}

int batch_run(struct batch_world *w, const struct batch_plan *plan, const struct batch_watch *watch, struct batch_total *total,
              struct err *err) {
    struct batch b = {.w = w, .plan = plan, .watch = watch, .free = w->B, .room = plan->queue + w->B};
    const int n = plan->who == BATCH_REQUEST ? w->B : 1;
    int opened = 0, rc = -1;
    struct problem problem = plan->problem;
    problem.R = w->B;
    if (!(b.agents = mem_alloc((size_t)n, sizeof *b.agents, "policies", err))
        || !(b.seats = mem_alloc((size_t)w->B, sizeof *b.seats, "seats", err))) goto out;
    for (; opened < n; opened++)
        if (agent_open(&b.agents[opened], plan->policy, &problem, err)) goto out;
    if (check_plan(w, plan, b.agents[0].policy, err)) goto out;
    if (plan->arrival && !(b.queue = mem_alloc((size_t)b.room, sizeof *b.queue, "the queue", err))) goto out;
    for (int s = 0; s < w->B; s++) b.request[s] = -1;
    do
        if (join(&b, err) || one_pass(&b, err)) goto out;
    while (b.free < w->B || b.waiting || b.next < plan->requests);
    add(total, &b);
    rc = 0;
out:
    for (int i = 0; i < opened; i++) agent_close(&b.agents[i]);
    mem_free(b.agents), mem_free(b.seats), mem_free(b.queue);
    return rc;
}
