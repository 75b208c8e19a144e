/* cmd_replay.c - `banditspec replay`: plays policies over a recorded trace, or over a table. */
#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "core/cmd.h"
#include "core/mem.h"
#include "core/opt.h"
#include "core/whole.h"
#include "policies/policy.h"
#include "policies/state_file.h"
#include "sim/own.h"
#include "sim/print.h"
#include "sim/replay.h"
#include "sim/replay_table.h"
#include "sim/results.h"
#include "sim/steps.h"
#include "sim/summary.h"
#include "sim/timing.h"

static const struct opt_help help = {
    .usage = "replay --db T [--policy P... --arms A... --seeds N --scope prompt|stream --against P --results R --steps FILE]\n"
             "       banditspec replay --table FILE.csv --gamma L [--policy P... --uniforms FILE --table-seconds FILE.csv]",
    .about = "Plays policies over a recorded trace. Counts are exact: they are what live decoding of the same\n"
             "prompts would do. Seconds are modelled from the recorded timings. 'best-fixed' (the single best arm,\n"
             "in hindsight) and 'clairvoyant' (the best arm at every position) may be named as policies too.\n"
             "With --policy-state one policy starts from what it learned in earlier runs; with --scope prompt every\n"
             "prompt does, with --scope stream the first.\n"
             "With --table the world is a plain matrix: a line a round, a column an arm, cells = emitted tokens.",
    .example = "  banditspec replay --db run.db --policy ucbspec:delta={0.1,0.5} exp3spec --arms pld:1-8 --results r.db\n"
               "  banditspec replay --db run.db --policy thompson --seeds 1 --scope stream --policy-state learned.state\n"
               "  banditspec replay --table y.csv --gamma 4 --policy exp3spec --uniforms u.txt --steps steps.csv\n"
               "  banditspec replay --db run.db --hardware h100.json\n"
               "where h100.json is a roofline; bandwidth and tflop_s are those reached, and every drafter of the trace is named:\n"
               "  { \"name\": \"H100, LLaMA-3.1-8B in bf16\", \"bandwidth_gb_s\": 3350, \"tflop_s\": 990,\n"
               "    \"target\":   { \"weights_gb\": 16.06, \"parameters_b\": 8.03, \"kv_bytes_a_token\": 131072, \"launch_us\": 300 },\n"
               "    \"drafters\": { \"eagle\": { \"weights_gb\": 0.5, \"parameters_b\": 0.25, \"kv_bytes_a_token\": 4096, \"launch_us\": 40 },\n"
               "                  \"pld\":   { \"us_per_token\": 1 } } }\n"
               "  pass(rows, context) = launch + max(weights / bandwidth, 2 * parameters * rows / flops) + kv * context / bandwidth;\n"
               "  a draft of n tokens is n passes over one row, or n * us_per_token",
};

struct options {
    const char *db, *table, *table_seconds, *uniforms, *scope, *results, *steps, *against, *timing, *hardware, *own, *state;
    struct texts policies, arms, policy_files;
    int seeds, threads, recording, gamma;
    uint64_t seed;
    bool json, residuals;
};

static int check_options(const struct options *o, struct err *err) {
    if (!o->db == !o->table) return err_usage(err, "give either --db or --table (see banditspec replay --help)");
    if (strcmp(o->scope, "prompt") && strcmp(o->scope, "stream"))
        return err_usage(err, "option '--scope' wants prompt or stream, got '%s'", o->scope);
    if (o->db && (o->uniforms || o->table_seconds || o->gamma))
        return err_usage(err, "options --gamma, --uniforms and --table-seconds belong to --table");
    if (o->table && (o->arms.n || o->against || o->results || o->recording || o->state || strcmp(o->scope, "prompt")))
        return err_usage(err, "options --arms, --against, --results, --recording, --policy-state and --scope belong to --db");
    if (o->table && (o->hardware || o->residuals || strcmp(o->timing, "model") || strcmp(o->own, "none")))
        return err_usage(err, "options --timing, --hardware, --residuals and --own belong to --db");
    if (strcmp(o->own, "none") && strcmp(o->own, "show") && strcmp(o->own, "charge"))
        return err_usage(err, "option '--own' wants none, show or charge, got '%s'", o->own);
    int rc = timing_check(o->timing, o->hardware, err);
    if (rc) return rc;
    if (o->table && !o->gamma) return err_usage(err, "option '--gamma' is required with --table: cells are 1 to gamma + 1");
    return 0;
}

/* *f: null without --steps. */
static int open_steps(const struct options *o, struct whole *w, FILE **f, struct err *err) {
    const char *const read[] = {o->db, o->table, o->table_seconds, o->uniforms, o->results, o->hardware, o->state};
    int rc = o->steps ? steps_begin(w, o->steps, read, sizeof read / sizeof *read, err) : 0;
    *f = o->steps && !rc ? w->to : NULL;
    return rc;
}

/* -- a recorded trace -- */

/* What each policy's own arithmetic takes, unless that is not wanted. */
static int measure_own(const struct options *o, const struct replay *r, double **own_ns, struct err *err) {
    int P = r->plan.lineup->n, rc = 0;
    if (!strcmp(o->own, "none")) return 0;
    if (!(*own_ns = mem_alloc((size_t)P, sizeof **own_ns, "policies", err))) return ERR_FAILED;
    for (int p = 0; !rc && p < P; p++)
        rc = own_measure(&r->plan.lineup->at[p], &r->problem, &r->oracle, world_trace(r->plan.trace, r->plan.cost), &(*own_ns)[p], err);
    return rc;
}

static int report(const struct options *o, const struct replay *r, struct err *err) {
    struct summary references[REFERENCES], *players = mem_alloc((size_t)r->plan.lineup->n, sizeof *players, "a summary", err);
    struct rows rows = {players, references, r->plan.lineup->n, 0, o->against != NULL, !strcmp(o->own, "charge")};
    int64_t experiment = 0;
    double *own_ns = NULL;
    int rc = players ? measure_own(o, r, &own_ns, err) : ERR_FAILED;
    if (!rc) rc = summary_against(r, own_ns, rows.charged, o->against, players, references, &rows.which, err);
    if (!rc && o->results) rc = results_add(o->results, r, &rows, &experiment, err);
    if (!rc && o->json) rc = print_replay_json(stdout, r, &rows, err);
    else if (!rc) print_replay(stdout, r, &rows);
    if (!rc && o->residuals && !o->json) rc = timing_print_residuals(r->plan.cost, r->plan.trace, err);
    if (!rc && o->results && !o->json) printf("\nwritten to %s as experiment %lld\n", o->results, (long long)experiment);
    mem_free(players), mem_free(own_ns);
    return rc;
}

static int play(const struct options *o, const struct replay_plan *plan, struct err *err) {
    struct replay r;
    int rc = replay_open(&r, plan, err);
    if (rc) return rc;
    rc = report(o, &r, err);
    replay_close(&r);
    return rc;
}

/* One policy, one run of it; and a file that does not fit or cannot be written is refused before minutes of work. */
static int check_state(const struct options *o, const struct lineup *l, const struct problem *p, struct err *err) {
    const struct player *x = l->at;
    struct agent a;
    if (l->n != 1) return err_usage(err, "option '--policy-state' wants one policy, got %d", l->n);
    if (x->kind != PLAYER_POLICY) return err_usage(err, "option '--policy-state': '%s' learns nothing", x->spec);
    if (x->seeds != 1) return err_usage(err, "option '--policy-state' wants one run of '%s': give --seeds 1", x->spec);
    int rc = player_agent(x, p, NULL, &a, err);
    if (rc) return rc;
    rc = state_load_if_there(&a, o->state, err);
    if (!rc) rc = state_save(&a, o->state, err);
    agent_close(&a);
    return rc;
}

static int replay_db(const struct options *o, struct err *err) {
    struct trace t = {0};
    struct arms arms = {0};
    struct lineup lineup = {0};
    struct cost cost = {0};
    struct whole steps;
    struct replay_plan plan = {.trace = &t, .cost = &cost, .arms = &arms, .lineup = &lineup, .seed = o->seed,
                               .stream = !strcmp(o->scope, "stream"), .steps_path = o->steps, .state_path = o->state};
    int rc = trace_open(&t, o->db, o->recording, err);
    if (!rc) rc = replay_arms(&arms, &t, o->arms.at, o->arms.n, err);
    if (!rc) {
        struct problem problem = replay_problem(&t, &arms);
        rc = lineup_open(&lineup, o->policies.at, o->policies.n, &problem, true, o->seeds, err);
        if (!rc && o->state) rc = check_state(o, &lineup, &problem, err);
    }
    if (!rc) rc = world_trace_ready(&t, lineup.asks, arms.at, arms.K, err);
    if (!rc && o->results) rc = results_check(o->results, err); // before minutes of work, not after
    if (!rc) rc = timing_open(&cost, &t, o->timing, o->hardware, err);
    if (!rc) rc = open_steps(o, &steps, &plan.steps, err);
    if (!rc) rc = play(o, &plan, err);
    if (plan.steps) rc = whole_end(&steps, rc, err);
    cost_close(&cost);
    lineup_close(&lineup);
    arms_close(&arms);
    trace_close(&t);
    return rc;
}

/* -- a table -- */

static int play_table(const struct options *o, const struct table *t, const struct matrix *uniforms, struct err *err) {
    struct lineup lineup;
    struct whole steps;
    struct problem problem = table_problem(t);
    struct table_plan plan = {.table = t, .lineup = &lineup, .seed = o->seed, .uniforms = uniforms->at,
                              .uniforms_n = uniforms->rows, .steps_path = o->steps};
    int rc = lineup_open(&lineup, o->policies.at, o->policies.n, &problem, false, uniforms->at ? 1 : o->seeds, err);
    if (rc) return rc;
    struct table_row *rows = mem_alloc((size_t)lineup.n, sizeof *rows, "a summary", err);
    rc = rows ? open_steps(o, &steps, &plan.steps, err) : ERR_FAILED;
    if (!rc) rc = replay_table(&plan, rows, err);
    if (plan.steps) rc = whole_end(&steps, rc, err);
    if (!rc && o->json) rc = print_table_json(stdout, o->table, t, rows, lineup.n, err);
    else if (!rc) print_table(stdout, o->table, t, rows, lineup.n);
    mem_free(rows);
    lineup_close(&lineup);
    return rc;
}

static int replay_matrix(const struct options *o, struct err *err) {
    struct matrix cells = {0}, seconds = {0}, uniforms = {0};
    struct table t = {0};
    int rc = matrix_open(&cells, o->table, err);
    if (!rc && o->table_seconds) rc = matrix_open(&seconds, o->table_seconds, err);
    if (!rc && o->uniforms) rc = matrix_open_list(&uniforms, o->uniforms, err);
    for (size_t i = 0; !rc && i < uniforms.rows; i++)
        if (!(uniforms.at[i] >= 0 && uniforms.at[i] < 1))
            rc = err_set(err, "number %zu of '%s' is %g, expected 0 <= u < 1", i + 1, o->uniforms, uniforms.at[i]);
    if (!rc) rc = table_open(&t, &cells, o->table_seconds ? &seconds : NULL, o->gamma, err);
    if (!rc) rc = play_table(o, &t, &uniforms, err);
    table_close(&t);
    matrix_close(&cells);
    matrix_close(&seconds);
    matrix_close(&uniforms);
    return rc;
}

int cmd_replay(int argc, char **argv, struct err *err) {
    struct options o = {.scope = "prompt", .seeds = 100, .timing = "model", .own = "none"};
    const struct opt table[] = {
        {"db", OPT_TEXT, &o.db, "T", "the trace (banditspec record)", 0, 0, false},
        {"recording", OPT_INT, &o.recording, "ID", "which recording of the trace, where it holds several", 0, 2147483647, false},
        {"policy", OPT_LIST, &o.policies, "P...", "policies, e.g. ucbspec:delta={0.1,0.5}; default: all", 0, 0, false},
        {"policy-file", OPT_LIST, &o.policy_files, "FILE.so...", "plug-ins: more policies (see policies/plugin.h)", 0, 0, false},
        {"arms", OPT_LIST, &o.arms, "A...", "arms, e.g. plain pld:1-8 eagle:2,4 'eagle:stop(entropy>1)'", 0, 0, false},
        {"seeds", OPT_INT, &o.seeds, "N", "runs of each policy that draws", 1, 1000000, false},
        {"seed", OPT_U64, &o.seed, "S", "the first seed", 0, 0, false},
        {"scope", OPT_TEXT, &o.scope, "WHERE", "prompt: learn anew each prompt; stream: carry on", 0, 0, false},
        {"against", OPT_TEXT, &o.against, "P", "compare with this policy, plain or best-fixed; default: the fastest", 0, 0, false},
        {"timing", OPT_TEXT, &o.timing, "HOW", "seconds: model, or sampled (as scattered as recorded)", 0, 0, false},
        {"hardware", OPT_TEXT, &o.hardware, "FILE", "seconds of a roofline instead: JSON, see below", 0, 0, false},
        {"residuals", OPT_FLAG, &o.residuals, NULL, "how far recorded timings lie from the model, by width", 0, 0, false},
        {"own", OPT_TEXT, &o.own, "HOW", "policies' own time: none, show, or charge (then results vary with the clock)", 0, 0, false},
        {"policy-state", OPT_TEXT, &o.state, "FILE", "what one policy learned: read if it is there, written at the end", 0, 0, false},
        {"results", OPT_TEXT, &o.results, "R", "append everything to a results file", 0, 0, false},
        {"steps", OPT_TEXT, &o.steps, "FILE", "one CSV line a round", 0, 0, false},
        {"threads", OPT_INT, &o.threads, "N", "threads, 0: all; results do not depend on it", 0, 4096, false},
        {"json", OPT_FLAG, &o.json, NULL, "JSON on stdout", 0, 0, false},
        {"table", OPT_TEXT, &o.table, "FILE.csv", "play a matrix instead: a line a round, a column an arm", 0, 0, false},
        {"gamma", OPT_INT, &o.gamma, "L", "with --table: cells are 1 to L + 1", 0, ARM_GAMMA_MAX, false},
        {"uniforms", OPT_TEXT, &o.uniforms, "FILE", "with --table: numbers in place of the generator", 0, 0, false},
        {"table-seconds", OPT_TEXT, &o.table_seconds, "FILE.csv", "with --table: seconds of every cell", 0, 0, false},
        {0},
    };
    int rc = opt_parse(table, &help, argc, argv, err);
    if (rc) return rc == 1 ? 0 : rc;
    if ((rc = check_options(&o, err)) || (rc = plugins_load(o.policy_files.at, o.policy_files.n, err))) return rc;
    if (o.threads) omp_set_num_threads(o.threads);
    return o.db ? replay_db(&o, err) : replay_matrix(&o, err);
}
