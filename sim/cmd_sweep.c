/* cmd_sweep.c - `banditspec sweep`: many policies, parameters, arms, seeds, scopes and traces, on many cores or machines. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cmd.h"
#include "core/opt.h"
#include "policies/policy.h"
#include "sim/show.h"
#include "sim/sweep.h"
#include "sim/timing.h"

command cmd_sweep;

static const struct opt_help help = {
    .usage = "sweep --db T... --results R [--policy P... --arms 'A...'... --seeds N --scope prompt stream]",
    .about = "Plays every policy (with its grid of parameters) with every seed over every trace, set of arms and scope, on all cores.\n"
             "Runs are written as they finish; the same command goes on where it was stopped, and a run that is there is never\n"
             "played again: its key is a hash of trace, arms, scope, seconds, policy, seed and the sources that play. Ends with a\n"
             "leaderboard a setting. Its seconds hold policies' own time, a measurement, so speeds and p-values differ a little each\n"
             "time policies play; with --own none they are the same bytes. With --holdout the best parameters, the best fixed arm and\n"
             "the fastest policy are chosen on one part of the prompts and reported on the other. --shard 2/5 plays the second fifth,\n"
             "without a leaderboard: results merge joins the files. Under mpirun (where MPI was found when this was built) ranks share\n"
             "the runs, and rank 0 writes.",
    .example = "  banditspec sweep --db run.db --policy 'ucbspec:delta={0.01,0.05,0.1}' thompson --seeds 100 --results r.db --holdout 0.3\n"
               "  banditspec sweep --db a.db b.db --arms 'plain pld:1-8' 'plain sam:2,4' --scope prompt stream --results r.db\n"
               "  mpirun -n 4 banditspec sweep --db run.db --seeds 1000 --results r.db\n"
               "as a Slurm array (sbatch --array=1-20 this):\n"
               "  #!/bin/bash\n"
               "  banditspec sweep --db run.db --seeds 1000 --results part$SLURM_ARRAY_TASK_ID.db --shard $SLURM_ARRAY_TASK_ID/20 --quiet\n"
               "and then\n"
               "  banditspec results merge --results r.db --from part*.db && banditspec results show --results r.db",
};

struct options {
    struct texts db, policies, policy_files, arms, scopes;
    const char *results, *shard, *against, *timing, *hardware, *own;
    int seeds, threads, recording;
    uint64_t seed;
    double holdout;
    bool json, quiet;
};

static int read_shard(const char *word, int *shard, int *shards, struct err *err) {
    char rest;
    *shard = *shards = 1;
    if (!word) return 0;
    if (sscanf(word, "%d/%d%c", shard, shards, &rest) == 2 && *shard >= 1 && *shards >= *shard) return 0;
    return err_usage(err, "option '--shard' wants i/n with i from 1 to n, got '%s'", word);
}

static int read_scopes(const struct texts *words, struct sweep_options *o, struct err *err) {
    o->prompt = !words->n;
    for (int i = 0; i < words->n; i++)
        if (!strcmp(words->at[i], "prompt")) o->prompt = true;
        else if (!strcmp(words->at[i], "stream")) o->stream = true;
        else return err_usage(err, "option '--scope' wants prompt or stream, got '%s'", words->at[i]);
    return 0;
}

static int sweep(const struct options *o, const struct sweep_options *plan, const struct crew *crew, struct err *err) {
    struct sweep s;
    int rc = sweep_open(&s, plan, err), worst = crew_worst(crew, rc);
    if (!rc && worst) rc = err_set(err, "another rank has failed");
    if (rc) return rc;
    rc = sweep_play(&s, crew, err);
    if (!rc && !crew->rank && s.dropped) fprintf(stderr, "%zu runs were dropped: their policies' files have changed since\n", s.dropped);
    if (!rc && !crew->rank)
        fprintf(stderr, "%zu runs: %zu were there, %zu played now%s\n", s.runs_n, s.there, s.fresh,
                s.there + s.fresh < s.runs_n ? ", the rest is for other shards" : "");
    sweep_close(&s);
    if (rc || crew->rank || plan->shards > 1) return rc; // a part of the runs makes no leaderboard: results merge does
    struct runs db;
    const struct show_options show = {.against = o->against, .holdout = o->holdout, .json = o->json, .own = o->own};
    if (runs_open(&db, o->results, err)) return ERR_FAILED;
    rc = show_store(&db, err);
    if (!rc && !o->quiet) rc = show_boards(&db, &show, err);
    runs_close(&db);
    return rc;
}

int cmd_sweep(int argc, char **argv, struct err *err) {
    struct options o = {.seeds = 100, .timing = "model", .own = "charge"};
    const struct opt table[] = {
        {"db", OPT_LIST, &o.db, "T...", "traces (banditspec record, traces synth)", 0, 0, true},
        {"results", OPT_TEXT, &o.results, "R", "the results file, made when missing", 0, 0, true},
        {"policy", OPT_LIST, &o.policies, "P...", "policies, e.g. ucbspec:delta={0.1,0.5}; default: all", 0, 0, false},
        {"policy-file", OPT_LIST, &o.policy_files, "FILE.so...", "plug-ins: more policies (see policies/plugin.h); built anew, they are played anew", 0, 0, false},
        {"arms", OPT_LIST, &o.arms, "'A...'...", "a set of arms a word, e.g. 'plain pld:1-8' 'plain sam:4'", 0, 0, false},
        {"seeds", OPT_INT, &o.seeds, "N", "runs of each policy that draws", 1, 1000000, false},
        {"seed", OPT_U64, &o.seed, "S", "the first seed", 0, 0, false},
        {"scope", OPT_LIST, &o.scopes, "WHERE...", "prompt (the default), stream, or both", 0, 0, false},
        {"timing", OPT_TEXT, &o.timing, "HOW", "seconds: model, or sampled (as scattered as recorded)", 0, 0, false},
        {"hardware", OPT_TEXT, &o.hardware, "FILE", "seconds of a roofline instead: JSON, see banditspec replay --help", 0, 0, false},
        {"own", OPT_TEXT, &o.own, "HOW", "policies' own time in the leaderboard: charge, show or none (the same bytes each time)", 0, 0, false},
        {"recording", OPT_INT, &o.recording, "ID", "which recording of the traces, 0 for the only one", 0, 2147483647, false},
        {"shard", OPT_TEXT, &o.shard, "I/N", "only the I-th of N parts of the runs", 0, 0, false},
        {"against", OPT_TEXT, &o.against, "P", "compare with this policy, plain or best-fixed; default: the fastest", 0, 0, false},
        {"holdout", OPT_REAL, &o.holdout, "SHARE", "choose parameters and the fixed arm on the rest of the prompts, report on these", 0, 0.95, false},
        {"threads", OPT_INT, &o.threads, "N", "threads, 0: all; results do not depend on it", 0, 4096, false},
        {"json", OPT_FLAG, &o.json, NULL, "leaderboards as JSON", 0, 0, false},
        {"quiet", OPT_FLAG, &o.quiet, NULL, "no leaderboard", 0, 0, false},
        {0},
    };
    int rc = opt_parse(table, &help, argc, argv, err);
    if (rc) return rc == 1 ? 0 : rc;
    struct sweep_options plan = {.traces = o.db.at, .policies = o.policies.at, .arms = o.arms.at, .traces_n = o.db.n, .policies_n = o.policies.n,
                                 .arms_n = o.arms.n, .recording = o.recording, .seeds = o.seeds, .seed = o.seed, .results = o.results, .timing = o.timing, .hardware = o.hardware,
                                 .plugins = o.policy_files.at, .plugins_n = o.policy_files.n};
    if ((rc = read_shard(o.shard, &plan.shard, &plan.shards, err)) || (rc = read_scopes(&o.scopes, &plan, err)) || (rc = timing_check(o.timing, o.hardware, err)) || (rc = show_own(o.own, err))) return rc;
    if ((rc = plugins_load(o.policy_files.at, o.policy_files.n, err))) return rc;
    if (o.threads) omp_set_num_threads(o.threads);
    struct crew crew;
    if (crew_open(&crew, err)) return ERR_FAILED;
    rc = sweep(&o, &plan, &crew, err);
    crew_close(&crew);
    return rc;
}
