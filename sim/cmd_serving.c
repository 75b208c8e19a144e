/* cmd_serving.c - `banditspec serving`: a server under load, simulated over a recorded trace. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cmd.h"
#include "core/mem.h"
#include "core/opt.h"
#include "sim/print_serving.h"
#include "sim/replay.h"
#include "sim/results.h"
#include "sim/results_serving.h"
#include "sim/timing.h"

enum { BATCHES = 64 };

static const struct opt_help help = {
    .usage = "serving --db T [--policy P... --batch B... --quota Q --arrivals closed|poisson|bursty|FILE --rate R --queue N ...]",
    .about = "Simulates a server that decodes many requests at once under each policy, beside every fixed arm and\n"
             "plain decoding. Requests are the trace's sequences, so what they draft and accept is exact; seconds are\n"
             "modelled from the trace's timings and, for passes over several requests, from what `banditspec bench\n"
             "--batches ... --db T` stored in it. Without --arrivals a free slot always finds a next request; with it\n"
             "requests come when they come, wait in a queue, and are turned away where that is full.\n"
             "Policies that share out a quota do; the others choose for each request, or one arm for all (--per batch).",
    .example = "  banditspec serving --db run.db --policy ucbspec cucb --batch 1 2 4 8 16 --quota 40\n"
               "  banditspec serving --db run.db --policy thompson --batch 8 --arrivals poisson --rate 3 --slo-ttft 0.5 --slo-tpot 0.02\n",
};

struct options {
    const char *db, *hardware, *arrivals, *draw, *per, *scope, *results;
    struct texts policies, policy_files, arms, batches;
    int recording, requests, quota, queue, context, seeds, threads;
    double rate, peak, burst_s, slo_ttft, slo_tpot;
    uint64_t seed;
    bool json;
};

static int read_load(const struct options *o, struct load *l, struct err *err) {
    *l = (struct load){.random = !strcmp(o->draw, "random"), .rate = o->rate, .peak = o->peak, .burst_s = o->burst_s,
                       .context = o->context};
    l->arrivals = !strcmp(o->arrivals, "closed") ? ARRIVALS_CLOSED : !strcmp(o->arrivals, "poisson") ? ARRIVALS_POISSON
        : !strcmp(o->arrivals, "bursty") ? ARRIVALS_BURSTY : ARRIVALS_FILE;
    l->path = o->arrivals;
    l->requests = o->requests ? o->requests : l->arrivals == ARRIVALS_FILE ? 0 : 1000;
    if (strcmp(o->draw, "random") && strcmp(o->draw, "order"))
        return err_usage(err, "option '--draw' wants order or random, got '%s'", o->draw);
    const bool open = l->arrivals == ARRIVALS_POISSON || l->arrivals == ARRIVALS_BURSTY;
    if (open && !(o->rate > 0)) return err_usage(err, "option '--rate' is required with --arrivals %s: requests a second", o->arrivals);
    if (!open && o->rate > 0) return err_usage(err, "option '--rate' belongs to --arrivals poisson and bursty");
    return 0;
}

static int read_batches(const struct options *o, int *batches, int *n, struct err *err) {
    batches[0] = 1, *n = 1;
    if (o->batches.n > BATCHES) return err_usage(err, "option '--batch' takes at most %d numbers", BATCHES);
    for (int i = 0; i < o->batches.n; i++) {
        char *end;
        const long value = strtol(o->batches.at[i], &end, 10);
        if (end == o->batches.at[i] || *end || value < 1 || value > BATCH_SLOTS)
            return err_usage(err, "option '--batch' wants whole numbers from 1 to %d, got '%s'", BATCH_SLOTS, o->batches.at[i]);
        batches[i] = (int)value, *n = i + 1;
    }
    return 0;
}

static int check_options(const struct options *o, struct err *err) {
    if (strcmp(o->per, "request") && strcmp(o->per, "batch"))
        return err_usage(err, "option '--per' wants request or batch, got '%s'", o->per);
    if (o->scope && strcmp(o->scope, "prompt") && strcmp(o->scope, "stream"))
        return err_usage(err, "option '--scope' wants prompt or stream, got '%s'", o->scope);
    return 0;
}

/* Plain and each drafter at gamma 1 to 4, as the field's table has it, where no arms are named. */
static int open_arms(struct arms *arms, struct trace *t, const struct options *o, struct err *err) {
    char words[COST_DRAFTERS][160];
    const char *at[COST_DRAFTERS + 1] = {"plain"};
    if (o->arms.n || t->D > COST_DRAFTERS) return replay_arms(arms, t, o->arms.at, o->arms.n, err);
    for (int d = 0; d < t->D; d++) {
        const int most = t->drafters[d].max_draft;
        snprintf(words[d], sizeof words[d], "%.120s:1-%d", t->drafters[d].name, most < 4 ? most : 4);
        at[d + 1] = words[d];
    }
    return replay_arms(arms, t, at, t->D + 1, err);
}

static int open_policies(struct lineup *l, const struct options *o, const struct problem *p, struct err *err) {
    static const char *const fallback[] = {"auto"};
    int rc = lineup_open(l, o->policies.n ? o->policies.at : fallback, o->policies.n ? o->policies.n : 1, p, false, 1, err);
    bool shares = false;
    for (int i = 0; !rc && i < l->n; i++) shares |= policy_find(l->at[i].name)->share != NULL;
    if (!rc && o->quota && !shares)
        rc = err_usage(err, "none of these policies shares out a quota; those that do: see banditspec policies");
    return rc;
}

static int report(const struct options *o, const struct grid_plan *plan, struct err *err) {
    struct grid g;
    int64_t id = 0;
    if (grid_open(&g, plan, err)) return -1;
    int rc = o->results ? results_add_serving(o->results, &g, &id, err) : 0;
    if (!rc && o->json) rc = print_serving_json(stdout, &g, err);
    else if (!rc) print_serving(stdout, &g);
    if (!rc && o->results && !o->json) printf("\nwritten to %s as serving %lld\n", o->results, (long long)id);
    grid_close(&g);
    return rc;
}

static int run(const struct options *o, const struct load *load, const int *batches, int batch_n, struct err *err) {
    struct trace t = {0};
    struct arms arms = {0};
    struct lineup lineup = {0};
    struct cost cost = {0};
    struct passes passes = {.n = 0};
    int rc = trace_open(&t, o->db, o->recording, err);
    if (!rc) rc = open_arms(&arms, &t, o, err);
    if (!rc) {
        const struct problem problem = replay_problem(&t, &arms);
        rc = open_policies(&lineup, o, &problem, err);
    }
    if (!rc) rc = world_trace_ready(&t, lineup.asks, arms.at, arms.K, err);
    if (!rc && o->results) rc = results_check(o->results, err); // before minutes of work, not after
    if (!rc) rc = timing_open(&cost, &t, "model", o->hardware, err);
    if (!rc && !o->hardware) rc = passes_fit(&passes, &t, err);
    const struct grid_plan plan = {.trace = &t, .cost = &cost, .passes = &passes, .arms = &arms, .lineup = &lineup, .load = load,
                                   .batches = batches, .batch_n = batch_n,
                                   .quota = o->quota, .queue = o->queue, .seeds = o->seeds, .seed = o->seed,
                                       .per_batch = !strcmp(o->per, "batch"),
                                   .scope = !o->scope ? 0 : !strcmp(o->scope, "prompt") ? 1 : 2, .slo_ttft = o->slo_ttft,
                                       .slo_tpot = o->slo_tpot};
    if (!rc) rc = report(o, &plan, err);
    cost_close(&cost);
    lineup_close(&lineup);
    arms_close(&arms);
    trace_close(&t);
    return rc;
}

int cmd_serving(int argc, char **argv, struct err *err) {
    struct options o = {.arrivals = "closed", .draw = "order", .per = "request", .queue = 1000, .seeds = 1, .peak = 4, .burst_s = 10};
    const struct opt table[] = {
        {"db", OPT_TEXT, &o.db, "T", "the trace (banditspec record)", .required = true},
        {"recording", OPT_INT, &o.recording, "ID", "which recording of the trace, where it holds several", 0, 2147483647},
        {"policy", OPT_LIST, &o.policies, "P...", "policies, e.g. ucbspec:delta={0.1,0.5} cucb (default: auto)"},
        {"policy-file", OPT_LIST, &o.policy_files, "FILE.so...", "plug-ins: more policies (see policies/plugin.h)"},
        {"arms", OPT_LIST, &o.arms, "A...", "arms (default: plain and each drafter at 1 to 4)"},
        {"batch", OPT_LIST, &o.batches, "B...", "requests decoded at once, each number in turn (default 1)"},
        {"quota", OPT_INT, &o.quota, "Q", "rows a pass may verify, for policies that share them out (default: no limit)", 0, 1 << 20},
        {"per", OPT_TEXT, &o.per, "request|batch", "a policy for each request (default), or one arm for all of them"},
        {"scope", OPT_TEXT, &o.scope, "prompt|stream",
         "whether a request's policy forgets the slot's last one (default: auto carries on, others forget)"},
        {"requests", OPT_INT, &o.requests, "N", "how many come (default 1000, of a file all)", 1, 1 << 30},
        {"draw", OPT_TEXT, &o.draw, "order|random", "sequences in order, over and over (default), or at random"},
        {"arrivals", OPT_TEXT, &o.arrivals, "HOW", "closed (default), poisson, bursty, or a file with seconds, one a line"},
        {"rate", OPT_REAL, &o.rate, "R", "poisson, bursty: requests a second", 1e-9, 1e9},
        {"burst", OPT_REAL, &o.peak, "X", "bursty: rate in bursts over the mean; half of all requests come in them (default 4)", 1, 1e6},
        {"burst-seconds", OPT_REAL, &o.burst_s, "S", "bursty: mean length of a burst (default 10)", 1e-6, 1e9},
        {"queue", OPT_INT, &o.queue, "N", "places to wait (default 1000); more are turned away", 0, 1 << 24},
        {"context", OPT_INT, &o.context, "N", "tokens of a request, prompt and budget; longer ones are refused (default 0: no limit)", 0,
         1 << 30},
        {"slo-ttft", OPT_REAL, &o.slo_ttft, "S", "objective: seconds to the first token", 0, 1e9},
        {"slo-tpot", OPT_REAL, &o.slo_tpot, "S", "objective: seconds a token after it", 0, 1e9},
        {"seeds", OPT_INT, &o.seeds, "N", "runs of everything, with other arrivals and draws (default 1)", 1, 100000},
        {"seed", OPT_U64, &o.seed, "S", "the first seed"},
        {"hardware", OPT_TEXT, &o.hardware, "FILE", "seconds of a roofline instead: JSON, see banditspec replay --help"},
        {"results", OPT_TEXT, &o.results, "R", "append everything to a results file"},
        {"threads", OPT_INT, &o.threads, "N", "threads, 0: all; results do not depend on it", 0, 4096},
        {"json", OPT_FLAG, &o.json, NULL, "JSON on stdout"},
        {0},
    };
    struct load load;
    int batches[BATCHES], batch_n = 0;
    int rc = opt_parse(table, &help, argc, argv, err);
    if (rc) return rc == 1 ? 0 : rc;
    if ((rc = check_options(&o, err)) || (rc = read_load(&o, &load, err)) || (rc = read_batches(&o, batches, &batch_n, err))
        || (rc = plugins_load(o.policy_files.at, o.policy_files.n, err))) return rc;
    if (o.threads) omp_set_num_threads(o.threads);
    return run(&o, &load, batches, batch_n, err);
}
