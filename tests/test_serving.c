/* test_serving.c - a server under load: queueing theory, conservation under random runs, a batch of one beside replay, arrivals,
 * rejections, objectives. */
#include "tests/run_command.h"

#include <jansson.h>
#include <math.h>

#include "core/mem.h"
#include "sim/arrivals.h"
#include "sim/replay.h"
#include "sim/serving.h"
#include "tests/synth.h"
#include "tests/tempdir.h"

command cmd_serving;

static struct tempdir dir;
static char trace_path[4200];

static void need(int rc, const struct err *err) {
    if (rc) fail_msg("%s", err->text);
}

/* -- a degenerate machine: one slot, one round a request, seconds drawn; the single server of queueing theory -- */

struct server {
    struct batch_world world; // first
    struct world one, *slot;
    double mean;
    bool constant;
    uint64_t seed;
};

static int server_start(struct world *w, int q, struct err *err) {
    (void)err;
    w->sequence = q, w->pos = 1, w->max_new = 2, w->prompt_tokens = 1, w->done = false;
    return 0;
}

static int server_round(struct batch_world *w, const int *slot, const struct arm *const *arm, int n, struct outcome *o, double *verify_s,
                        struct err *err) {
    const struct server *s = (const struct server *)w;
    struct rng r = rng_at(s->seed, rng_stream("service"), (uint32_t)w->slot[0]->sequence, 0);
    (void)slot, (void)arm, (void)n, (void)err;
    *o = (struct outcome){.emitted = 1};
    w->slot[0]->pos = 2, w->slot[0]->done = true;
    *verify_s = s->constant ? s->mean : -log1p(-rng_uniform(&r)) * s->mean;
    return 0;
}

static const struct world_type server_one = {.name = "server", .start = server_start};
static const struct batch_world_type server_type = {.name = "server", .round = server_round};
static const struct arm plain = {.drafter = -1, .name = "plain"};

enum { CUSTOMERS = 30000, WARM = 5000, SEEDS = 30 };

struct queue_result {
    double wait;   // mean, the first WARM customers apart
    double lost;   // share of the customers
};

static struct queue_result simulate(double rate, bool constant, int queue, uint64_t seed) {
    static double arrival[CUSTOMERS];
    static int tokens[CUSTOMERS];
    struct server s = {.world = {.type = &server_type, .B = 1}, .one = {.type = &server_one}, .mean = 1, .constant = constant,
                       .seed = seed};
    struct batch_plan plan = {.who = BATCH_REQUEST, .policy = "none", .problem = {.K = 1, .L = 1, .arms = &plain}, .requests = CUSTOMERS,
                              .arrival = arrival, .queue = queue};
    struct batch_total total = {0};
    struct meter m;
    struct err err = {""};
    s.slot = &s.one, s.world.slot = &s.slot;
    arrivals_poisson(arrival, CUSTOMERS, rate, seed);
    for (int i = 0; i < CUSTOMERS; i++) tokens[i] = 2;
    need(meter_open(&m, &plan, tokens, 0, 0, &err), &err);
    need(batch_run(&s.world, &plan, &m.watch, &total, &err), &err);
    struct queue_result r = {.lost = (double)m.turned_away / CUSTOMERS};
    for (int64_t i = WARM; i < m.began; i++) r.wait += m.queueing[i] / (double)(m.began - WARM);
    assert_int_equal(m.done + m.turned_away, CUSTOMERS);
    assert_int_equal(total.turned_away, m.turned_away);
    meter_close(&m);
    return r;
}

/* Within the 99% interval of Student's t with 29 degrees of freedom: 2.756. */
static void assert_mean(const char *what, const double *at, double expected) {
    double mean = 0, square = 0;
    for (int i = 0; i < SEEDS; i++) mean += at[i] / SEEDS;
    for (int i = 0; i < SEEDS; i++) square += (at[i] - mean) * (at[i] - mean) / (SEEDS - 1);
    const double half = 2.756 * sqrt(square / SEEDS);
    print_message("  %-28s %.4f +- %.4f, theory %.4f\n", what, mean, half, expected);
    if (!(fabs(mean - expected) <= half)) fail_msg("%s: %g +- %g, theory says %g", what, mean, half, expected);
    assert_true(half < 0.12 * expected); // or it would say nothing
}

static void test_waits_are_those_of_queueing_theory(void **state) {
    (void)state;
    static const double loads[] = {0.3, 0.6, 0.8};
    double at[SEEDS];
    char what[64];
    for (int constant = 0; constant < 2; constant++)
        for (int i = 0; i < 3; i++) {
            const double rho = loads[i], markov = rho / (1 - rho); // mean service 1
            for (int s = 0; s < SEEDS; s++) at[s] = simulate(rho, constant, 1 << 20, (uint64_t)s + 1).wait;
            snprintf(what, sizeof what, "M/%c/1 wait at load %.1f", constant ? 'D' : 'M', rho);
            assert_mean(what, at, constant ? markov / 2 : markov); // Pollaczek-Khinchine
        }
}

/* M/M/1/K: a customer is lost with probability (1 - rho) rho^K / (1 - rho^(K + 1)); K - 1 may wait. */
static void test_losses_are_those_of_queueing_theory(void **state) {
    (void)state;
    static const struct { double rho; int queue; } cases[] = {{0.8, 0}, {0.9, 3}, {2, 5}};
    double at[SEEDS];
    char what[64];
    for (int i = 0; i < 3; i++) {
        const double rho = cases[i].rho, K = cases[i].queue + 1;
        for (int s = 0; s < SEEDS; s++) at[s] = simulate(rho, false, cases[i].queue, (uint64_t)s + 1).lost;
        snprintf(what, sizeof what, "M/M/1/%g lost at load %.1f", K, rho);
        assert_mean(what, at, (1 - rho) * pow(rho, K) / (1 - pow(rho, K + 1)));
    }
}

/* -- arrivals -- */

static void test_arrivals_have_their_rate_and_their_bursts(void **state) {
    (void)state;
    enum { N = 400000 };
    double *at = malloc(N * sizeof *at), *again = malloc(N * sizeof *again);
    assert_true(at && again);
    arrivals_poisson(at, N, 5, 1);
    assert_true(fabs(N / at[N - 1] / 5 - 1) < 0.01);
    arrivals_poisson(again, N / 2, 5, 1);
    assert_memory_equal(at, again, N / 2 * sizeof *at);
    arrivals_poisson(again, N, 5, 2);
    assert_true(at[7] != again[7]);
    for (int kind = 0; kind < 2; kind++) { // index of dispersion of counts in windows of a second: 1 for Poisson, far above in bursts
        if (kind) arrivals_bursty(at, N, 5, 4, 3, 1);
        else arrivals_poisson(at, N, 5, 1);
        const int windows = (int)at[N - 1];
        double mean = (double)N / at[N - 1], square = 0;
        for (int w = 0, i = 0; w < windows; w++) {
            int count = 0;
            for (; i < N && at[i] < w + 1; i++) count++;
            square += (count - mean) * (count - mean) / windows;
        }
        print_message("  index of dispersion %.2f\n", square / mean);
        assert_true(kind ? square / mean > 5 : fabs(square / mean - 1) < 0.03);
        assert_true(fabs(mean / 5 - 1) < (kind ? 0.05 : 0.01));
        for (int i = 1; i < N; i++) assert_true(at[i] >= at[i - 1]);
    }
    free(at), free(again);
}

static void test_a_file_of_times_is_read_or_refused_by_place(void **state) {
    (void)state;
    const char *path = tempdir_file(&dir, "times.txt");
    struct err err = {""};
    double *at;
    int n;
    write_file(path, "0\n0.5\n0.5\n3\n");
    need(arrivals_read(&at, &n, path, 0, &err), &err);
    assert_int_equal(n, 4);
    assert_true(at[2] == 0.5 && at[3] == 3);
    mem_free(at);
    need(arrivals_read(&at, &n, path, 2, &err), &err);
    assert_int_equal(n, 2);
    mem_free(at);
    static const struct { const char *text, *part; } bad[] = {{"1\n0.5\n", "time 2 of '"}, {"-1\n", "expected seconds of at least 0"},
                                                              {"x\n", "'x' in line 1"}, {"1\ninf\n", "inf"}, {"", "holds no numbers"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_file(path, bad[i].text);
        assert_int_equal(arrivals_read(&at, &n, path, 0, &err), -1);
        assert_contains(err.text, bad[i].part);
        assert_null(at);
    }
}

/* -- conservation, under random runs -- */

struct scene {
    struct trace t;
    struct cost cost;
    struct passes passes;
    struct arms arms;
};

static void scene_open(struct scene *s) {
    static const char *const words[] = {"plain", "drafter0:1-4", "drafter1:1-4"};
    struct err err = {""};
    *s = (struct scene){.arms = {0}};
    need(trace_open(&s->t, trace_path, 0, &err), &err);
    need(cost_fit(&s->cost, &s->t, &err), &err);
    need(passes_fit(&s->passes, &s->t, &err), &err);
    need(replay_arms(&s->arms, &s->t, words, 3, &err), &err);
    need(world_trace_ready(&s->t, WORLD_ASKS, s->arms.at, s->arms.K, &err), &err);
}

static void scene_close(struct scene *s) {
    arms_close(&s->arms);
    trace_close(&s->t);
}

enum { REQUESTS = 300 };

struct ledger {
    const struct batch_plan *plan;
    const int *tokens;
    // 0 not yet, 1 in, 2 out, 3 turned away
    int B, inside, most_inside, last, joined, left, away, slot[REQUESTS], emitted[REQUESTS], rounds[REQUESTS], state[REQUESTS];
    double now;
};

static void at_time(struct ledger *l, double now) {
    if (!(now >= l->now)) fail_msg("time runs from %.17g back to %.17g", l->now, now);
    l->now = now;
}

static int ledger_step(void *user, const struct batch_step *s, struct err *err) {
    struct ledger *l = user;
    (void)err;
    at_time(l, s->now);
    assert_int_equal(l->state[s->request], 1);
    assert_int_equal(l->slot[s->request], s->slot);
    assert_int_equal(l->emitted[s->request], s->step.pos);
    assert_int_equal(l->rounds[s->request]++, s->step.round);
    assert_true(s->batch >= 1 && s->batch <= l->B);
    l->emitted[s->request] += s->step.outcome.emitted;
    return 0;
}

static int ledger_join(void *user, int request, int slot, double began, double now, struct err *err) {
    struct ledger *l = user;
    (void)err;
    assert_true(request > l->last); // first come, first served
    l->last = request;
    assert_int_equal(l->state[request], 0);
    if (l->plan->arrival) assert_true(began >= l->plan->arrival[request]);
    assert_true(began <= now);
    at_time(l, began), at_time(l, now);
    l->state[request] = 1, l->slot[request] = slot, l->emitted[request] = 1, l->joined++;
    assert_true(++l->inside <= l->B);
    return 0;
}

static int ledger_leave(void *user, int request, int slot, double now, struct err *err) {
    struct ledger *l = user;
    (void)err;
    at_time(l, now);
    assert_int_equal(l->state[request], 1);
    assert_int_equal(l->slot[request], slot);
    assert_int_equal(l->emitted[request], l->tokens[request]);
    l->state[request] = 2, l->inside--, l->left++;
    return 0;
}

static int ledger_away(void *user, int request, struct err *err) {
    struct ledger *l = user;
    (void)err;
    assert_int_equal(l->state[request], 0);
    l->state[request] = 3, l->away++;
    return 0;
}

static void test_nothing_is_lost_and_time_goes_on(void **state) {
    (void)state;
    struct scene s;
    struct err err = {""};
    int turned_away = 0, shared = 0, waited = 0;
    int players = 0;
    while (policies[players]) players++;
    scene_open(&s);
    for (uint32_t run = 0; run < 150; run++) {
        struct rng r = rng_at(77, 0, run, 0);
        const struct load load = {.arrivals = (enum arrivals)rng_below(&r, 3), .requests = 1 + rng_below(&r, REQUESTS),
                                  .random = rng_below(&r, 2), .rate = pow(10, 3.5 * rng_uniform(&r) - 0.5),
                                  .peak = 1 + 5 * rng_uniform(&r), .burst_s = 0.05 + rng_uniform(&r)};
        const struct policy *policy = policies[rng_below(&r, players)];
        struct workload work;
        struct batch_trace w;
        struct batch_total total = {0};
        static struct ledger l;
        char spec[100];
        snprintf(spec, sizeof spec, strcmp(policy->name, "fixed") ? "%s" : "%s:arm=3", policy->name);
        need(workload_open(&work, &s.t, &load, run, &err), &err);
        const int B = 1 + rng_below(&r, rng_below(&r, 2) ? 40 : 4);
        struct batch_plan plan = {.who = policy->share ? BATCH_SHARE : rng_below(&r, 2) && !(policy->flags & (POLICY_PEEK | POLICY_ALL))
                                  ? BATCH_WHOLE : BATCH_REQUEST, .policy = spec,
                                  .problem = replay_problem(&s.t, &s.arms), .seed = run, .fresh = rng_below(&r, 2), .requests = work.n,
                                      .sequence = work.sequence, .ordinal = work.ordinal,
                                  .arrival = work.arrival, .queue = rng_below(&r, 6)};
        if (policy->share) plan.quota = rng_below(&r, 3) * B, shared++;
        l = (struct ledger){.plan = &plan, .tokens = work.tokens, .B = B, .last = -1};
        need(batch_trace_open(&w, &s.t, &s.cost, &s.passes, B, &err), &err);
        const int rc = batch_run(&w.world, &plan, &(struct batch_watch){ledger_step, ledger_join, ledger_leave, ledger_away, &l}, &total,
                                 &err);
        if (rc) fail_msg("run %u, %s: %s", run, spec, err.text);
        int64_t recorded = 0;
        for (int i = 0; i < work.n; i++)
            if (l.state[i] == 2) recorded += work.tokens[i];
        assert_int_equal(l.left + l.away, work.n);
        assert_int_equal(l.joined, l.left);
        assert_int_equal(l.inside, 0);
        assert_int_equal(total.emitted + l.joined, recorded);
        assert_int_equal(total.turned_away, l.away);
        if (!work.arrival) assert_int_equal(l.away, 0);
        if (!work.arrival) assert_true(fabs(total.clock_s / (total.draft_s + total.verify_s + total.prefill_s) - 1) < 1e-9);
        else assert_true(total.clock_s >= (total.draft_s + total.verify_s + total.prefill_s) * (1 - 1e-9));
        waited += work.arrival && total.clock_s > 1.2 * (total.draft_s + total.verify_s + total.prefill_s);
        turned_away += l.away > 0;
        batch_trace_close(&w);
        workload_close(&work);
    }
    print_message("  150 runs: %d turned some away, %d waited for requests, %d shared a quota\n", turned_away, waited, shared);
    assert_true(turned_away > 20 && waited > 5 && shared > 2);
    scene_close(&s);
}

/* -- a batch of one is replay -- */

struct beside {
    struct step *at;
    int n, capacity;
};

static int beside_step(void *user, const struct step *s, struct err *err) {
    struct beside *b = user;
    (void)err;
    assert_true(b->n < b->capacity);
    b->at[b->n++] = *s;
    return 0;
}

static int beside_batch(void *user, const struct batch_step *s, struct err *err) {
    struct beside *b = user;
    const struct step *x = &b->at[b->n++];
    const struct outcome *o = &x->outcome, *p = &s->step.outcome;
    (void)err;
    if (x->pos != s->step.pos || x->round != s->step.round || o->arm != p->arm || o->gamma != p->gamma || o->proposed != p->proposed
        || o->accepted != p->accepted || o->emitted != p->emitted
        || o->draft_s != p->draft_s || o->verify_s != p->verify_s)
        fail_msg("round %d at %d: arm %d, %d of %d, %.17g s in replay; arm %d, %d of %d, %.17g s in a batch of one", x->round, x->pos,
                 o->arm, o->accepted, o->proposed, o->verify_s, p->arm, p->accepted,
                 p->proposed, p->verify_s);
    return 0;
}

static void test_a_batch_of_one_is_its_replay(void **state) {
    (void)state;
    struct scene s;
    struct err err = {""};
    int checked = 0;
    scene_open(&s);
    const struct problem problem = replay_problem(&s.t, &s.arms);
    struct beside b = {.capacity = (int)s.t.cells + 1};
    assert_non_null(b.at = malloc((size_t)b.capacity * sizeof *b.at));
    for (const struct policy *const *p = policies; *p; p++)
        for (int fresh = 0; fresh < 2; fresh++) {
            struct agent a;
            struct world_trace one = world_trace(&s.t, &s.cost);
            struct episode_total sum = {0};
            struct batch_trace w;
            struct batch_total total = {0};
            char spec[100];
            if ((*p)->share) continue; // a quota over several requests is a batch's
            snprintf(spec, sizeof spec, strcmp((*p)->name, "fixed") ? "%s" : "%s:arm=3", (*p)->name);
            need(agent_open(&a, spec, &problem, &err), &err);
            b.n = 0;
            for (int q = 0; q < s.t.Q; q++) {
                if (fresh) agent_reset(&a);
                need(episode_run(&one.world, &a, 5, q, (uint32_t)s.t.sequences[q].ordinal, NULL, 0,
                                 &(struct episode_watch){beside_step, &b}, &sum, &err), &err);
            }
            agent_close(&a);
            const int rounds = b.n;
            const struct load load = {.requests = s.t.Q};
            struct workload work;
            need(workload_open(&work, &s.t, &load, 5, &err), &err);
            const struct batch_plan plan = {.who = BATCH_REQUEST, .policy = spec, .problem = problem, .seed = 5, .fresh = fresh,
                                            .requests = work.n, .sequence = work.sequence,
                                            .ordinal = work.ordinal};
            need(batch_trace_open(&w, &s.t, &s.cost, &s.passes, 1, &err), &err);
            b.n = 0;
            need(batch_run(&w.world, &plan, &(struct batch_watch){.step = beside_batch, .user = &b}, &total, &err), &err);
            assert_int_equal(b.n, rounds);
            assert_true(fabs((total.draft_s + total.verify_s) / sum.seconds - 1) < 1e-12);
            batch_trace_close(&w);
            workload_close(&work);
            checked++;
        }
    print_message("  %d policies\n", checked / 2);
    assert_true(checked > 60);
    free(b.at);
    scene_close(&s);
}

/* -- what the meter says -- */

/* Two plain requests of 3 and 5 tokens at 0 s and 1 s in one slot, each round 1 s, no prefill: by hand. */
static void test_times_of_users_by_hand(void **state) {
    (void)state;
    struct trace t = {.D = 0};
    struct cost cost = {.D = 0};
    struct err err = {""};
    struct trace_sequence sequences[2] = {{.tokens = 3, .prompt_tokens = 10}, {.ordinal = 1, .tokens = 5, .prompt_tokens = 10, .at = 2}};
    for (int i = 1; i < COST_WIDTHS; i++) cost.base[i] = 1;
    t.Q = 2, t.sequences = sequences, t.cells = 6, t.max_new = 5, t.L = 1;
    struct passes passes = {.prefill_token = 0.1};
    int sequence[] = {0, 1}, tokens[] = {3, 5};
    uint32_t ordinal[] = {0, 1};
    double arrival[] = {0, 1};
    struct workload work = {.n = 2, .sequence = sequence, .tokens = tokens, .ordinal = ordinal, .arrival = arrival};
    struct serving s = {.trace = &t, .cost = &cost, .passes = &passes, .work = &work, .problem = {.K = 1, .L = 1, .arms = &plain},
                        .policy = "none", .B = 1, .queue = 1, .slo_ttft = 2};
    struct figures f;
    struct batch_total total;
    need(serving_run(&s, &f, &total, &err), &err);
    // the first: prefill 0-1, rounds 1-3; the second waits 1-3, prefill 3-4, rounds 4-8
    assert_int_equal(f.done, 2);
    assert_true(fabs(f.seconds - 8) < 1e-12 && fabs(f.throughput - 1) < 1e-12);
    assert_true(fabs(f.ttft.mean - 2) < 1e-12 && fabs(f.ttft.p50 - 1) < 1e-12 && fabs(f.ttft.p99 - 3) < 1e-12);
    assert_true(fabs(f.queueing.mean - 1) < 1e-12 && fabs(f.tpot.mean - 1) < 1e-12 && fabs(f.fairness - 1) < 1e-12);
    assert_int_equal(f.kept, 1); // the second's first token came after 3 s
    assert_true(fabs(f.goodput - 3.0 / 8) < 1e-12 && f.attained == 0.5);
    s.queue = 0; // the second finds the slot taken
    need(serving_run(&s, &f, &total, &err), &err);
    assert_int_equal(f.turned_away, 1);
    assert_true(fabs(f.seconds - 3) < 1e-12 && f.attained == 0.5);
    s.queue = 1, s.slo_tpot = 0.5;
    need(serving_run(&s, &f, &total, &err), &err);
    assert_int_equal(f.kept, 0);
    work.arrival = NULL, s.slo_ttft = s.slo_tpot = 0; // closed: the slot is full until the second leaves; four rounds and a prefill later
    need(serving_run(&s, &f, &total, &err), &err);
    assert_true(f.queueing.p99 == 0 && fabs(f.throughput - 1) < 1e-12 && f.kept == 2);
    s.B = 2; // prefills 0-1, 1-2; rounds of both 2-4; then a slot stays free
    need(serving_run(&s, &f, &total, &err), &err);
    assert_true(fabs(f.throughput - 6 / 4.0) < 1e-12 && fabs(f.seconds - 6) < 1e-12); // and all of it in time:
    assert_true(f.kept == 2 && fabs(f.goodput - f.throughput) < 1e-12);
    assert_true(fabs(f.fairness - (2 / 3.0 + 1) * (2 / 3.0 + 1) / (2 * (4 / 9.0 + 1))) < 1e-12); // 3 s for 2 tokens, 4 s for 4
}

/* On hardware that is not at hand a model drafts for all requests at once; a copier, and this engine, for one after the other. */
static void test_models_draft_together_where_they_would(void **state) {
    (void)state;
    struct scene s;
    struct err err = {""};
    scene_open(&s);
    for (int together = 0; together < 2; together++) {
        struct cost c = {.D = 2, .kind = together ? COST_HARDWARE : COST_MODEL, .launch = 1,
                         .draft = {{.b = 0.25, .together = true}, {.b = 0.25}}};
        for (int i = 1; i < COST_WIDTHS; i++) c.base[i] = 1;
        struct batch_trace w;
        struct outcome o[3];
        double verify_s;
        const int slots[] = {0, 1, 2};
        for (int d = 0; d < 2; d++) {
            const struct arm *a = &s.arms.at[arms_find(s.arms.at, s.arms.K, d ? "drafter1:4" : "drafter0:4")], *const arms[] = {a, a, a};
            double alone[3], sum = 0, most = 0, all = 0;
            need(batch_trace_open(&w, &s.t, &c, NULL, 3, &err), &err);
            for (int i = 0; i < 3; i++) {
                need(w.world.slot[i]->type->start(w.world.slot[i], 2 * i, &err), &err);
                alone[i] = 0.25 * (s.t.proposed[trace_cell(&s.t, d, 2 * i, 1)] < 4 ? s.t.proposed[trace_cell(&s.t, d, 2 * i, 1)] : 4);
                sum += alone[i], most = fmax(most, alone[i]);
            }
            need(w.world.type->round(&w.world, slots, arms, 3, o, &verify_s, &err), &err);
            for (int i = 0; i < 3; i++) all += o[i].draft_s;
            assert_true(sum > most && most > 0);
            assert_true(fabs(all - (together && !d ? most : sum)) < 1e-12);
            assert_true(fabs(verify_s - 1) < 1e-12);
            batch_trace_close(&w);
        }
    }
    scene_close(&s);
}

static void test_requests_too_long_are_refused_alone(void **state) {
    (void)state;
    struct scene s;
    struct err err = {""};
    scene_open(&s);
    s.t.sequences[2].prompt_tokens = 5000;
    const struct load load = {.requests = 3 * s.t.Q + 1, .context = 4000};
    struct workload work;
    need(workload_open(&work, &s.t, &load, 1, &err), &err);
    assert_int_equal(work.refused, 3);
    assert_int_equal(work.n, 3 * s.t.Q - 2);
    for (int i = 0; i < work.n; i++) assert_true(work.sequence[i] != 2);
    workload_close(&work);
    for (long k = 1; k <= 3; k++) {
        mem_fail_after(k);
        assert_int_equal(workload_open(&work, &s.t, &load, 1, &err), -1);
        mem_fail_after(0);
    }
    scene_close(&s);
}

/* -- the command -- */

#define SERVING(...) (char *[]){"serving", "--db", trace_path, __VA_ARGS__, NULL}

static json_t *serve(const char *name, char **argv) {
    const char *out = tempdir_file(&dir, name);
    struct err err;
    if (run_command(cmd_serving, &err, out, argv)) fail_msg("%s", err.text);
    json_error_t why;
    json_t *all = json_load_file(out, 0, &why);
    if (!all) fail_msg("%s", why.text);
    return all;
}

static double number(const json_t *row, const char *key) { return json_number_value(json_object_get(row, key)); }

static void test_results_do_not_depend_on_threads(void **state) {
    (void)state;
    char *texts[3], *const threads[] = {"1", "2", "5"};
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "threads%d", i);
        json_decref(serve(name, SERVING("--policy", "random", "thompson", "ucbspec", "--batch", "1", "3", "8", "--arrivals", "bursty",
                                        "--rate", "40", "--burst-seconds", "1", "--requests", "150",
                                        "--draw", "random", "--seeds", "3", "--queue", "5", "--json", "--threads", threads[i])));
        texts[i] = read_file(tempdir_file(&dir, name));
    }
    assert_true(strlen(texts[0]) > 2000);
    assert_string_equal(texts[0], texts[1]);
    assert_string_equal(texts[0], texts[2]);
    for (int i = 0; i < 3; i++) free(texts[i]);
}

static void test_overload_is_turned_away_and_more_slots_serve_more(void **state) {
    (void)state;
    json_t *all = serve("overload", SERVING("--policy", "ucbspec", "--batch", "1", "4", "--arrivals", "poisson", "--rate", "10000",
                                            "--requests", "400", "--queue", "10", "--json", "--slo-ttft", "1e-9"));
    const json_t *rows = json_object_get(all, "rows");
    double few = 0, many = 0;
    assert_true(json_array_size(rows) == 2 * (1 + 8 + 1));
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        assert_int_equal(number(row, "rejected") + number(row, "done"), 400);
        assert_true(number(row, "rejected") > 200);
        assert_true(number(row, "attained") == 0 && number(row, "goodput") == 0);
        *(number(row, "bsz") == 1 ? &few : &many) += number(row, "throughput");
    }
    assert_true(many > few);
    json_decref(all);
}

static void test_the_table_has_the_rows_of_the_field(void **state) {
    (void)state;
    const char *out = tempdir_file(&dir, "table"), *results = tempdir_file(&dir, "r.db");
    struct err err;
    if (run_command(cmd_serving, &err, out, SERVING("--policy", "ucbspec", "cucb", "--batch", "2", "6", "--quota", "18", "--requests",
                                                    "60", "--results", (char *)results))) fail_msg("%s", err.text);
    char *text = read_file(out);
    static const char *const parts[] = {"\nbsz  spec_quota  gamma       throughput", "\n2    -           BanditSpec ",
                                        "\n6    18          BanditSpec ", "gamma=0", "gamma=1", "gamma=4", "Best Arm", "Worst Arm",
                                        "60 requests, sequences in order; closed loop", "as serving 1"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) assert_contains(text, parts[i]);
    free(text);
    assert_int_equal(query_number(results, "SELECT count(*) FROM serving_row WHERE serving = 1"), 2 * (2 + 8 + 1));
    assert_int_equal(query_number(results, "SELECT count(*) FROM serving_row WHERE kind = 'plain' AND abs(vs_plain - 1) < 1e-12"), 2);
    assert_int_equal(query_number(results, "SELECT count(*) FROM serving_row WHERE spec_quota = 18"), 2);
    assert_int_equal(query_number(results,
                                  "SELECT count(*) FROM serving_row r JOIN serving s ON s.id = r.serving WHERE done = 60 AND throughput > "
                                      "0 AND tpot_p99 >= tpot_p50"), 22);
    assert_int_equal(query_number(results, "SELECT count(*) FROM serving_improvement"), 20);
    if (run_command(cmd_serving, &err, out, SERVING("--policy", "ucbspec", "--requests", "20", "--results",
                                                    (char *)results))) fail_msg("%s", err.text);
    assert_int_equal(query_number(results, "SELECT max(id) FROM serving"), 2);
    json_t *all = serve("plain", SERVING("--policy", "ucbspec", "--batch", "3", "--requests", "100", "--json"));
    double best = 0, worst = 1e300, marked_best = -1, marked_worst = -1;
    for (size_t i = 0; i < json_array_size(json_object_get(all, "rows")); i++) {
        const json_t *row = json_array_get(json_object_get(all, "rows"), i);
        const double x = number(row, "throughput");
        if (!strcmp(json_string_value(json_object_get(row, "kind")), "policy")) continue;
        best = fmax(best, x), worst = fmin(worst, x);
        if (json_is_true(json_object_get(row, "best_arm"))) marked_best = x;
        if (json_is_true(json_object_get(row, "worst_arm"))) marked_worst = x;
    }
    assert_true(marked_best == best && marked_worst == worst && worst < best);
    json_decref(all);
}

/* Rules for whole batches choose one arm for all. */
static void test_rules_for_whole_batches_play(void **state) {
    (void)state;
    static char *const names[] = {"goodput", "nightjar"};
    int played = 0;
    for (int i = 0; i < 2; i++) {
        if (!policy_find(names[i])) continue;
        json_t *all = serve("whole", SERVING("--policy", names[i], "--per", "batch", "--batch", "5", "--requests", "100", "--json"));
        const json_t *row = json_array_get(json_object_get(all, "rows"), 0);
        assert_string_equal(json_string_value(json_object_get(row, "who")), "batch");
        assert_int_equal(number(row, "done"), 100);
        json_decref(all);
        played++;
    }
    print_message("  %d of them\n", played);
    assert_true(played >= 1);
}

static void test_misuse_is_refused_in_one_line(void **state) {
    (void)state;
    assert_refused(cmd_serving, SERVING("--batch", "0"), -2, "option '--batch' wants whole numbers from 1 to 256, got '0'");
    assert_refused(cmd_serving, SERVING("--batch", "2x"), -2, "got '2x'");
    assert_refused(cmd_serving, SERVING("--arrivals", "poisson"), -2, "option '--rate' is required with --arrivals poisson");
    assert_refused(cmd_serving, SERVING("--rate", "3"), -2, "option '--rate' belongs to");
    assert_refused(cmd_serving, SERVING("--draw", "lots"), -2, "option '--draw' wants order or random");
    assert_refused(cmd_serving, SERVING("--per", "slot"), -2, "option '--per' wants request or batch");
    assert_refused(cmd_serving, SERVING("--scope", "x"), -2, "option '--scope' wants prompt or stream");
    assert_refused(cmd_serving, SERVING("--policy", "ucbspec", "--quota", "8"), -2, "none of these policies shares out a quota");
    assert_refused(cmd_serving, SERVING("--policy", "best-fixed"), -2, "is an oracle");
    assert_refused(cmd_serving, SERVING("--policy", "thomson"), -1, "unknown policy 'thomson'; did you mean 'thompson'?");
    assert_refused(cmd_serving, SERVING("--policy", "auto", "--per", "batch", "--batch", "4"), -1, "looks at each request");
    assert_refused(cmd_serving, SERVING("--arrivals", "nowhere.txt"), -1, "nowhere.txt");
    assert_refused(cmd_serving, (char *[]){"serving", NULL}, -2, "--db");
    assert_refused(cmd_serving, SERVING("--context", "10"), -1, "refused");
}

static int setup(void **state) {
    (void)state;
    const struct synth x = {.D = 2, .Q = 12, .max_new = 60, .L = 4, .seed = 3};
    struct err err = {""};
    if (tempdir_open(&dir)) return -1;
    snprintf(trace_path, sizeof trace_path, "%s/t.db", dir.path);
    return synth_write(trace_path, &x, &err);
}

static int teardown(void **state) {
    (void)state;
    tempdir_close(&dir);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_are_those_of_queueing_theory),
        cmocka_unit_test(test_losses_are_those_of_queueing_theory),
        cmocka_unit_test(test_arrivals_have_their_rate_and_their_bursts),
        cmocka_unit_test(test_a_file_of_times_is_read_or_refused_by_place),
        cmocka_unit_test(test_nothing_is_lost_and_time_goes_on),
        cmocka_unit_test(test_a_batch_of_one_is_its_replay),
        cmocka_unit_test(test_times_of_users_by_hand),
        cmocka_unit_test(test_models_draft_together_where_they_would),
        cmocka_unit_test(test_requests_too_long_are_refused_alone),
        cmocka_unit_test(test_results_do_not_depend_on_threads),
        cmocka_unit_test(test_overload_is_turned_away_and_more_slots_serve_more),
        cmocka_unit_test(test_the_table_has_the_rows_of_the_field),
        cmocka_unit_test(test_rules_for_whole_batches_play),
        cmocka_unit_test(test_misuse_is_refused_in_one_line),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
