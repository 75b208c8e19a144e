/* results_large.h - a results file of many policies and prompts for tests, without a simulator: what people who try everything have.
 *
 * Every policy's seconds on a prompt are plain decoding's over a speed that grows with its number, times noise of the prompt and of the
 * pair; two categories of ten have odd names. Numbers come from one linear congruential generator (results_synth.h). */
#ifndef TESTS_RESULTS_LARGE_H
#define TESTS_RESULTS_LARGE_H

#include "tests/results_synth.h"

struct large {
    sqlite3 *db;
    uint64_t state;
    int policies, prompts, seeds;
    double *plain; // (prompts)
};

/* The statement with its whole numbers, then its reals, bound. */
static inline void large_put(struct large *x, const char *sql, int n, const int *whole, int m, const double *real) {
    static sqlite3_stmt *kept[8];
    static const char *texts[8];
    static sqlite3 *of;
    if (of != x->db) memset(texts, 0, sizeof texts), memset(kept, 0, sizeof kept), of = x->db;
    int at = 0;
    if (!sql) { // the end
        for (; at < 8; at++) sqlite3_finalize(kept[at]);
        of = NULL;
        return;
    }
    while (texts[at] && texts[at] != sql) at++;
    if (!texts[at] && sqlite3_prepare_v2(x->db, texts[at] = sql, -1, &kept[at], NULL) != SQLITE_OK) abort();
    for (int i = 0; i < n; i++) sqlite3_bind_int(kept[at], i + 1, whole[i]);
    for (int i = 0; i < m; i++) sqlite3_bind_double(kept[at], n + i + 1, real[i]);
    if (sqlite3_step(kept[at]) != SQLITE_DONE) abort();
    sqlite3_reset(kept[at]);
}
#define LARGE(x, sql, wholes, reals) \
    large_put(x, sql, sizeof (int[])wholes / sizeof(int), (int[])wholes, sizeof (double[])reals / sizeof(double), (double[])reals)
#define W(...) {__VA_ARGS__}

static inline void large_policy(struct large *x, int p) {
    double factor = 1.5 + 0.4 * p / x->policies, all = 0, tokens = 0;
    char spec[80];
    snprintf(spec, sizeof spec, p ? "ucbspec:delta=%g" : "none", p * 1e-3);
    synth_row(x->db, "INSERT INTO policy VALUES (%d,1,%d,%Q,%Q,0,%d,50,2,1.9,2.1,%g,%g,%g,1.5,1.4,1.6,%d,0,1,%g,0,1,NULL)", p + 1, p,
        spec, p ? "ucbspec" : "none",
              x->seeds, 100 * factor, 95 * factor, 105 * factor, x->policies - p, (x->policies - p) * 0.01);
    for (int q = 0; q < x->prompts; q++)
        for (int seed = 0; seed < x->seeds; seed++) {
            double seconds = x->plain[q] / (p ? factor : 1) * (0.95 + 0.1 * synth_uniform(&x->state));
            all += seconds, tokens += 127;
            LARGE(x, "INSERT INTO outcome VALUES (?,?,?,?,?,?,?,?)", W(p + 1, seed, q, 60, 200, 67, 127), W(seconds));
        }
    for (int s = 2; s <= 128; s += 6) LARGE(x, "INSERT INTO curve (policy, tokens, prompts, regret_rounds, regret_rounds_lo, "
        "regret_rounds_hi, regret_seconds, regret_seconds_lo,"
        " regret_seconds_hi) VALUES (?,?,?,?,?,?,?,?,?)", W(p + 1, s, x->prompts),
            W((x->policies - p) * 0.01 * s, 0, 0.1 * s, 0.001 * s, 0, 0.1 * s));
    for (int b = 0; b < 12; b++)
        for (int k = 0; k < SYNTH_ARMS; k++) LARGE(x, "INSERT INTO pull VALUES (?,?,?,?)", W(p + 1, b * 8, k, 100 + 10 * k + p), {});
}

static inline void results_large(const char *path, int policies, int prompts, int seeds) {
    struct large x = {.state = 7, .policies = policies, .prompts = prompts, .seeds = seeds};
    static const char *const category[10] = {"qa", "math", "summarization", "translation", "rag", "chat", "code", "writing",
        "a_b%c", "<b>\"d\" & 'e'"};
    remove(path);
    if (sqlite3_open(path, &x.db) != SQLITE_OK || !(x.plain = calloc((size_t)prompts, sizeof *x.plain))) abort();
    synth_exec(x.db, sql_sim_results);
    synth_exec(x.db, sql_sim_results_2);
    synth_exec(x.db, "BEGIN; INSERT INTO experiment VALUES (1,'2026-01-01T12:00:00Z','trace','traces/large.db','00','A model','A "
        "machine','prompt',1,8,'model','0.1.0')");
    for (int k = 0; k < SYNTH_ARMS; k++)
        synth_row(x.db, "INSERT INTO arm VALUES (1,%d,%Q,%Q,%d)", k, synth_arms[k][1], synth_arms[k][0], k
            ? atoi(strchr(synth_arms[k][1], ':') + 1) : 0);
    for (int q = 0; q < prompts; q++) {
        x.plain[q] = 1 + synth_uniform(&x.state);
        synth_row(x.db, "INSERT INTO sequence VALUES (1,%d,'%016x',%Q,128,5,55,5,%g,30,%g,%g)", q, q, category[q % 10], x.plain[q] / 1.9,
            x.plain[q] / 3, x.plain[q]);
        for (int k = -3; k < SYNTH_ARMS; k++)
            LARGE(&x, "INSERT INTO walk VALUES (?,?,?,?,?)", W(1, q, k, k == -2 ? 127 : 60),
                W(x.plain[q] / (k == -2 || k == 0 ? 1 : k < 0 ? 3 : 1.4 + 0.05 * k)));
    }
    for (int p = 0; p < policies; p++) large_policy(&x, p);
    large_put(&x, NULL, 0, NULL, 0, NULL);
    synth_exec(x.db, "COMMIT");
    sqlite3_close(x.db);
    free(x.plain);
}

#undef W
#endif
