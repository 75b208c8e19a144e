/* results_synth.h - a small results database for tests, without a simulator.
 *
 * 28 sequences in 7 categories, 7 arms of two drafters, 12 policies that regret in the shapes
 * of real ones: the square root (learners), a straight line (the bad ones), below zero
 * (clairvoyant). Numbers come from one linear congruential generator, so every run
 * writes the same file. Odd policy names are there on purpose: they have to be drawn as they are. */
#ifndef TESTS_RESULTS_SYNTH_H
#define TESTS_RESULTS_SYNTH_H

#include <math.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const char sql_sim_results[], sql_sim_results_2[];

enum { SYNTH_POLICIES = 12, SYNTH_ARMS = 7, SYNTH_SEQUENCES = 28, SYNTH_TOKENS = 512 };

struct synth_policy {
    const char *spec, *name;
    int oracle;
    double end, power; // regret in rounds at the last token, and its growth: end * (s / tokens)^power
    int favourite;     // arm it settles on; -1: all alike, -2: one arm from the start
};

static const struct synth_policy synth_policies[SYNTH_POLICIES] = {
    {"none", "none", 0, 214, 1, -2},
    {"fixed:arm=pld:4", "fixed", 0, 31, 1, -2},
    {"random", "random", 0, 42, 1, -1},
    {"ucbspec", "ucbspec", 0, 12.4, 0.5, 5},
    {"ucbspec:delta=0.5", "ucbspec", 0, 11.8, 0.5, 5},
    {"exp3spec", "exp3spec", 0, 21, 0.6, 5},
    {"thompson", "thompson", 0, 8.1, 0.45, 6},
    {"seed_ucb:c=0.5,reward=rate", "seed_ucb", 0, 16, 0.7, 4},
    {"it's \"50%\" {a_b}^2 \\n é <&> `id`", "odd", 0, 18, 0.55, 3},
    {"eps_greedy:epsilon=0.05", "eps_greedy", 0, 9.3, 0.6, 6},
    {"best-fixed", "best-fixed", 1, 4.2, 1, -2},
    {"clairvoyant", "clairvoyant", 1, -22, 1, -1},
};

static const char *const synth_arms[SYNTH_ARMS][2] = { // drafter, name
    {"", "plain"}, {"pld", "pld:2"}, {"pld", "pld:4"}, {"pld", "pld:8"},
    {"eagle", "eagle:2"}, {"eagle", "eagle:4"}, {"eagle", "eagle:6"},
};

static inline double synth_uniform(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u; // Knuth, MMIX
    return (double)(*state >> 11) / 9007199254740992.0;
}

static inline void synth_exec(sqlite3 *db, const char *sql) {
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK) return;
    fprintf(stderr, "results_synth: %s in %.200s\n", why, sql);
    abort();
}

/* One statement with numbers in place of %g, %d, %Q. */
#define synth_row(db, ...) do { \
        char *row_ = sqlite3_mprintf(__VA_ARGS__); \
        synth_exec(db, row_); \
        sqlite3_free(row_); \
    } while (0)

static inline void synth_policy_rows(sqlite3 *db, int experiment, int k, uint64_t *state) {
    const struct synth_policy *p = &synth_policies[k];
    int id = experiment * 100 + k;
    double plain = 41.5, speed = plain * 512.0 / (512.0 / 2.4 + p->end) * 0.92;
    double width = 0.02 + 0.03 * synth_uniform(state);
    if (k == 0) speed = plain;
    synth_row(db, "INSERT INTO policy VALUES (%d,%d,%d,%Q,%Q,%d,%d,%g,%g,%g,%g,%g,%g,%g,%g,%g,%g,%g,%g,%g,%g,%g,%g,%s)",
              id, experiment, k, p->spec, p->name, p->oracle, 5, 512 / 2.4 + p->end,
              2.4, 2.3, 2.5, speed, speed * (1 - width), speed * (1 + width * 1.2),
              speed / plain, speed / plain * (1 - width), speed / plain * (1 + width * 1.2),
              p->end, p->end * 0.9, p->end * 1.1, p->end * 0.02, p->end * 0.018, p->end * 0.022, "NULL");
    double wobble = 0;
    for (int s = 4; s <= SYNTH_TOKENS; s += 4) {
        double x = (double)s / SYNTH_TOKENS, regret = p->end * pow(x, p->power);
        wobble = 0.97 * wobble + 0.12 * (synth_uniform(state) - 0.5) * (k > 0);
        double half = 0.25 + 0.09 * fabs(regret) + 0.6 * x;
        regret += wobble;
        synth_row(db, "INSERT INTO curve VALUES (%d,%d,%g,%g,%g,%g,%g,%g,%d)", id, s, regret, regret - half, regret + half * 1.1,
                  regret * 0.0214, (regret - half) * 0.0214, (regret + half * 1.1) * 0.0214,
                  s <= 256 ? 28 : 28 - (s - 256) / 12);
    }
    for (int prompts = 1; prompts <= 32; prompts *= 2) { // 28 in all
        int n = prompts < SYNTH_SEQUENCES ? prompts : SYNTH_SEQUENCES;
        double regret = p->end * n;
        synth_row(db, "INSERT INTO stream VALUES (%d,%d,%d,%g,%g,%g,%g,%g,%g)", id, n, 100 * n, regret, 0.8 * regret - 1, 1.2 * regret + 1,
                  regret * 0.0214, (0.8 * regret - 1) * 0.0214, (1.2 * regret + 1) * 0.0214);
    }
    for (int round = 0; round < 200; round = experiment == 1 ? round < 4 ? round + 1 : round + round / 2 : round + 8)
        for (int arm = 0; arm < SYNTH_ARMS; arm++) {
            double share = 1.0 / SYNTH_ARMS, learned = 1 - exp(-round / 45.0);
            if (p->favourite == -2) share = arm == (k == 0 ? 0 : k == 1 ? 2 : 5);
            if (p->favourite >= 0)
                share = (1 - learned) / SYNTH_ARMS + learned * (arm == p->favourite ? 0.8 : arm == 2 ? 0.14 : 0.012);
            int count = (int)(share * 1120 * (0.9 + 0.2 * synth_uniform(state)));
            if (count) synth_row(db, "INSERT INTO pull VALUES (%d,%d,%d,%d)", id, round, arm, count);
        }
}

static inline void synth_experiment(sqlite3 *db, int experiment, uint64_t *state) {
    synth_row(db, "INSERT INTO experiment VALUES (%d,'2026-01-0%dT12:00:00Z','trace','traces/spec.db','00','SmolLM2-135M Q4_1',"
              "'AMD EPYC, 8 threads','prompt',5,8,'model','0.1.0')",
              experiment, experiment);
    for (int arm = 0; arm < SYNTH_ARMS; arm++)
        synth_row(db, "INSERT INTO arm VALUES (%d,%d,%Q,%Q,%d)", experiment, arm, synth_arms[arm][1], synth_arms[arm][0],
                  arm ? atoi(strchr(synth_arms[arm][1], ':') + 1) : 0);
    static const char *const category[7] = {"qa", "math", "summarization", "translation", "rag", "chat", "code"};
    for (int i = 0; i < SYNTH_SEQUENCES; i++)
        synth_row(db, "INSERT INTO sequence VALUES (%d,%d,'%016x',%Q,%d,5,%d,5,%g,%d,%g,%g)", experiment, i, i * 2654435, category[i / 4],
                  SYNTH_TOKENS - i * 9, 213, 5.1, 190, 4.6, 12.3);
    for (int s = 4; s <= SYNTH_TOKENS; s += 4) {
        synth_row(db, "INSERT INTO bound VALUES (%d,'EXP3Spec at most (Theorem 5.3)',%d,%g)", experiment, s, 0.6 * s);
        synth_row(db, "INSERT INTO bound VALUES (%d,'asymptote of any good policy (Theorem 4.4)',%d,%g)", experiment, s, 1.5 * log(s));
    }
    for (int k = 0; k < SYNTH_POLICIES; k++) synth_policy_rows(db, experiment, k, state);
}

/* Writes experiment 1, whose buckets of rounds grow, and the newer experiment 2, whose buckets are all of 8 rounds. */
static inline void results_synth(const char *path) {
    sqlite3 *db;
    uint64_t state = 12;
    remove(path);
    if (sqlite3_open(path, &db) != SQLITE_OK) abort();
    synth_exec(db, sql_sim_results);
    synth_exec(db, sql_sim_results_2);
    synth_exec(db, "BEGIN");
    for (int experiment = 1; experiment <= 2; experiment++) synth_experiment(db, experiment, &state);
    synth_exec(db, "COMMIT");
    sqlite3_close(db);
}

#endif
