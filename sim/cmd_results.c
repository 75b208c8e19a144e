/* cmd_results.c - `banditspec results WORD`: what sweeps have found: list, show, merge, export. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cmd.h"
#include "core/opt.h"
#include "core/progress.h"
#include "core/whole.h"
#include "sim/listing.h"
#include "sim/show.h"

command cmd_results;

/* A file to read, that opening would make when it is missing or empty. */
static int open_input(struct runs *r, const char *path, struct err *err) {
    struct stat st;
    if (access(path, R_OK) || stat(path, &st)) return err_set(err, "cannot open '%s': %s", path, strerror(errno));
    if (S_ISREG(st.st_mode) && !st.st_size) return err_set(err, "'%s' is empty, expected a results file (banditspec sweep --results)", path);
    return runs_open_read(r, path, err);
}

/* Only sweeps' runs are shown here: says so of a file that has none, but what replay wrote. */
static int point_to_report(struct runs *r, struct err *err) {
    int64_t settings = 0, experiments = 0;
    if (db_int64(r->db, r->path, "SELECT count(*) FROM setting", &settings, err)
        || db_int64(r->db, r->path, "SELECT count(*) FROM experiment", &experiments, err)) return ERR_FAILED;
    if (!settings && experiments) fprintf(stderr, "'%s' holds no sweep; what replay wrote is shown by banditspec report --results\n", r->path);
    if (!experiments) fprintf(stderr, "'%s' holds no experiment of a sweep or a replay\n", r->path);
    return 0;
}

/* -- list -- */

static int list(int argc, char **argv, struct err *err) {
    const char *path = NULL;
    bool json = false;
    const struct opt table[] = {
        {"results", OPT_TEXT, &path, "R", "the results file", 0, 0, true},
        {"json", OPT_FLAG, &json, NULL, "as JSON", 0, 0, false},
        {0},
    };
    const struct opt_help help = {
        .usage = "results list --results R [--json]",
        .about = "Lists the experiments of a results file: each trace, set of arms, scope and source of seconds that a sweep or a replay\n"
                 "played, and how much was played. --experiment ID of results show, report and plot chooses one.",
        .example = "  banditspec results list --results r.db",
    };
    int rc = opt_parse(table, &help, argc, argv, err);
    if (rc) return rc == 1 ? 0 : rc;
    struct runs r;
    if (open_input(&r, path, err)) return ERR_FAILED;
    rc = json ? listing_json(&r, err) : listing_print(&r, false, err);
    runs_close(&r);
    return rc;
}

/* -- show -- */

static int show(int argc, char **argv, struct err *err) {
    const char *path = NULL;
    int experiment = 0;
    struct show_options o = {.own = "charge"};
    const struct opt table[] = {
        {"results", OPT_TEXT, &path, "R", "the results file", 0, 0, true},
        {"experiment", OPT_INT, &experiment, "ID", "this setting alone (see results list); 0: all", 0, 2147483647, false},
        {"against", OPT_TEXT, &o.against, "P", "compare with this policy, plain or best-fixed; default: the fastest", 0, 0, false},
        {"holdout", OPT_REAL, &o.holdout, "SHARE", "choose parameters and the fixed arm on the rest of the prompts, report on these", 0, 0.95, false},
        {"own", OPT_TEXT, &o.own, "HOW", "policies' own time, as measured when they played: charge, show or none (the same bytes each time)", 0, 0, false},
        {"json", OPT_FLAG, &o.json, NULL, "as JSON", 0, 0, false},
        {0},
    };
    const struct opt_help help = {
        .usage = "results show --results R [--experiment ID --against P --holdout SHARE --own HOW --json]",
        .about = "Prints the leaderboard of every setting (trace, arms, scope) that sweeps have written to a results file, after a list of\n"
                 "them where there are several. Seconds hold policies' own time as it was measured while they played, so speeds, intervals,\n"
                 "ranks and p-values differ a little each time policies play; --own none leaves it out, and then they are the same bytes.\n"
                 "With --holdout the best parameters, the best fixed arm and the fastest policy are chosen on one part of the prompts and\n"
                 "reported on the other.",
        .example = "  banditspec results show --results r.db --experiment 2 --own none\n"
                   "  banditspec results show --results r.db --holdout 0.3 --against ucbspec",
    };
    int rc = opt_parse(table, &help, argc, argv, err);
    if (rc) return rc == 1 ? 0 : rc;
    if ((rc = show_own(o.own, err))) return rc;
    struct runs r;
    o.experiment = experiment;
    if (open_input(&r, path, err)) return ERR_FAILED;
    rc = show_boards(&r, &o, err);
    if (!rc) rc = point_to_report(&r, err);
    runs_close(&r);
    return rc;
}

/* -- merge -- */

static int merge(int argc, char **argv, struct err *err) {
    const char *path = NULL;
    struct texts from = {0};
    const struct opt table[] = {
        {"results", OPT_TEXT, &path, "R", "the results file to add to, made when missing", 0, 0, true},
        {"from", OPT_LIST, &from, "FILE...", "results of shards", 0, 0, true},
        {0},
    };
    const struct opt_help help = {
        .usage = "results merge --results R --from FILE...",
        .about = "Adds the runs of other results files, each once, whoever played them. Two files that tell different outcomes of\n"
                 "the same run are an error. Only sweeps are merged; what replay --results wrote stays where it is.",
        .example = "  banditspec results merge --results all.db --from shard1.db shard2.db shard3.db",
    };
    int rc = opt_parse(table, &help, argc, argv, err);
    if (rc) return rc == 1 ? 0 : rc;
    struct runs r;
    for (int i = 0; i < from.n; i++) { // all of them, before the one to add to is made
        if (whole_same(path, from.at[i])) return err_set(err, "'%s' is the file to add to: --from wants others", from.at[i]);
        if (open_input(&r, from.at[i], err)) return ERR_FAILED;
        runs_close(&r);
    }
    if (runs_open(&r, path, err)) return ERR_FAILED;
    struct progress bar = progress_start("merging", from.n, 0);
    for (int i = 0; !rc && i < from.n; i++) {
        int64_t added = 0;
        rc = runs_merge(&r, from.at[i], &added, err);
        progress_step(&bar, i + 1);
        if (!rc) progress_end(&bar), printf("%lld runs of '%s'\n", (long long)added, from.at[i]);
    }
    progress_end(&bar);
    if (!rc) rc = show_store(&r, err);
    runs_close(&r);
    return rc;
}

/* -- export -- */

static void put_field(FILE *to, const char *text) {
    bool quote = strpbrk(text, ",\"\r\n");
    if (quote) putc('"', to);
    for (; *text; text++) {
        if (*text == '"') putc('"', to);
        putc(*text, to);
    }
    if (quote) putc('"', to);
}

static int put_run(FILE *to, sqlite3_stmt *s, sqlite3_stmt *sequences, struct runs *r, struct err *err) {
    const char *outcomes = sqlite3_column_blob(s, 6);
    int n = sqlite3_column_bytes(s, 6) / (int)sizeof(struct sweep_outcome), rc;
    sqlite3_reset(sequences);
    sqlite3_bind_int64(sequences, 1, sqlite3_column_int64(s, 7));
    for (int i = 0; (rc = db_step(r->db, r->path, sequences, err)) == 1 && i < n; i++) {
        struct sweep_outcome o;
        memcpy(&o, outcomes + (size_t)i * sizeof o, sizeof o);
        for (int k = 0; k < 5; k++) put_field(to, (const char *)sqlite3_column_text(s, k)), putc(',', to);
        fprintf(to, "%lld,%d,%s,", (long long)sqlite3_column_int64(s, 5), sqlite3_column_int(sequences, 0), (const char *)sqlite3_column_text(sequences, 1));
        put_field(to, (const char *)sqlite3_column_text(sequences, 2));
        fprintf(to, ",%d,%d,%d,%d,%.17g,", o.rounds, o.proposed, o.accepted, o.emitted, o.seconds);
        put_field(to, (const char *)sqlite3_column_text(s, 8)), putc(',', to);
        put_field(to, (const char *)sqlite3_column_text(s, 9)), putc('\n', to);
    }
    return rc < 0 ? rc : ferror(to) ? err_set(err, "cannot write: no room is left, or nobody reads") : 0;
}

static int put_runs(struct runs *r, FILE *to, struct err *err) {
    sqlite3_stmt *s = NULL, *sequences = NULL;
    int64_t n = 0;
    long done = 0;
    int rc = db_exec(r->db, r->path, "BEGIN", err);
    if (!rc) rc = db_int64(r->db, r->path, "SELECT count(*) FROM run", &n, err);
    if (!rc) rc = db_prepare(r->db, r->path, "SELECT t.key, e.trace_sha256, t.arms, e.scope, r.spec, r.seed, r.outcomes, r.experiment, e.timing, e.device FROM run r"
        " JOIN setting t ON t.experiment = r.experiment JOIN experiment e ON e.id = r.experiment ORDER BY t.key, r.spec, r.seed", &s, err);
    if (!rc) rc = db_prepare(r->db, r->path, "SELECT sequence, prompt_key, category FROM sequence WHERE experiment = ? ORDER BY sequence", &sequences, err);
    struct progress bar = progress_start("exporting", (long)n, 0);
    if (!rc) fputs("setting,trace_sha256,arms,scope,policy,seed,sequence,prompt_key,category,rounds,proposed,accepted,emitted,seconds,timing,device\n", to);
    while (!rc && (rc = db_step(r->db, r->path, s, err)) == 1) {
        rc = put_run(to, s, sequences, r, err);
        progress_step(&bar, ++done);
    }
    progress_end(&bar);
    sqlite3_finalize(s);
    sqlite3_finalize(sequences);
    return rc;
}

static int export(int argc, char **argv, struct err *err) {
    const char *path = NULL, *out = NULL;
    const struct opt table[] = {
        {"results", OPT_TEXT, &path, "R", "the results file", 0, 0, true},
        {"out", OPT_TEXT, &out, "FILE", "where to, instead of standard output", 0, 0, false},
        {0},
    };
    const struct opt_help help = {
        .usage = "results export --results R [--out FILE]",
        .about = "Writes a CSV line a run and sequence, in one order for the same runs however they were played: by setting, policy,\n"
                 "seed, sequence. Seconds read back exactly; timing and device say where they are from (model, sampled, hardware).",
        .example = "  banditspec results export --results r.db --out runs.csv\n"
                   "  duckdb -c \"SELECT policy, sum(emitted) / sum(seconds) AS tokens_per_s FROM 'runs.csv' GROUP BY policy ORDER BY 2 DESC\"",
    };
    int rc = opt_parse(table, &help, argc, argv, err);
    if (rc) return rc == 1 ? 0 : rc;
    struct runs r;
    struct whole file;
    if (whole_apart(out, path, err) || open_input(&r, path, err)) return ERR_FAILED;
    rc = whole_begin(&file, out, err);
    if (!rc) rc = whole_end(&file, put_runs(&r, file.to, err), err);
    if (!rc) rc = point_to_report(&r, err);
    runs_close(&r);
    return rc;
}

/* -- words -- */

static const struct {
    const char *name;
    command *run;
    const char *summary;
} words[] = {
    {"list", list, "which experiments there are"},
    {"show", show, "leaderboards"},
    {"merge", merge, "join the files of shards"},
    {"export", export, "a CSV line a run and sequence"},
};
enum { WORDS = sizeof words / sizeof *words };

static void usage(FILE *to) {
    fprintf(to, "usage: banditspec results WORD --results R [options]\n\n");
    for (int i = 0; i < WORDS; i++) fprintf(to, "  %-10s %s\n", words[i].name, words[i].summary);
    fprintf(to, "\nbanditspec results WORD --help explains each, with an example.\n");
}

int cmd_results(int argc, char **argv, struct err *err) {
    char title[64];
    if (argc < 2) {
        usage(stderr);
        return err_usage(err, "expected a word after 'results'");
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        usage(stdout);
        return 0;
    }
    for (int i = 0; i < WORDS; i++)
        if (!strcmp(argv[1], words[i].name)) {
            snprintf(title, sizeof title, "results %s", words[i].name);
            argv[1] = title;
            return words[i].run(argc - 1, argv + 1, err);
        }
    return err_usage(err, "unknown word '%s' (see banditspec results --help)", argv[1]);
}
