/* compare.h - two result sets, or two traces, held against each other: two GPUs, two models, before and after.
 *
 * Rows are the policies that played in both (of traces: the fixed arms that both can play), and plain decoding. The difference of a row's
 * tokens/s, B over A in per cent, has a 95% BCa bootstrap interval, of the logarithm of the ratio:
 *   paired     prompts that both have (by prompt_key) are drawn together; where at least half of the smaller set's are common, and two
 *   unpaired   else: A's and B's prompts are drawn apart; its acceleration is that of both sets' jackknife values together (Efron &
 *              Tibshirani 1993, section 14.3, for several samples), its level that of the smaller set
 * p-values are two-sided, corrected for the number of rows (Holm). Ranks are by tokens/s among the policies in both. */
#ifndef ANALYSIS_COMPARE_H
#define ANALYSIS_COMPARE_H

#include <stdbool.h>
#include <stdio.h>

#include "analysis/plot.h"
#include "sim/summary.h"

enum { COMPARE_STATEMENTS = 16, COMPARE_TABLES = 4 };

struct side { // what one of the two brings; owned
    char *path, *title, *target, *device, *sha256, *seconds; // title: "experiment 3 of 'r.db'"; seconds: where from
    int Q, N;
    char **prompt_key;       // (Q)
    double *tokens;          // (Q)
    char **names;            // (N); the last is plain decoding
    double *rounds, *took;   // (N, Q) rounds, seconds
};

struct compare_row {
    const char *name;        // borrowed from side A
    bool policy;             // ranked
    int a, b;                // rows of the sides
    struct measure speed_a, speed_b; // tokens/s
    struct measure up_a, up_b;       // speed-up over plain decoding of the same side
    double mat_a, mat_b;
    struct comparison change;        // B against A
    int rank_a, rank_b;      // 0: not ranked
};

struct compare_statement {
    char text[600];
    bool a, b;               // holds there
};

struct compare_table {       // plain figures side by side
    const char *title, *head;
    int digits, n;
    char (*names)[96];       // (n), owned
    double *a, *b;           // (n), owned; NaN: is not there
};

struct compare {
    bool traces;             // else results
    struct side side[2];
    bool paired;
    int common;              // prompts in both
    int n, ranked;
    struct compare_row *rows; // (n), from the most tokens/s in A
    double spearman;         // of the ranks; NaN with fewer than three
    int statements_n, tables_n;
    struct compare_statement statements[COMPARE_STATEMENTS];
    struct compare_table tables[COMPARE_TABLES];
    char *headline, *ranks;  // sentences, owned
};

struct compare_options {
    const char *path[2];
    int id[2];                    // experiment, or recording; 0: the newest, the only one
    const char *const *arms;      // of traces (arms_n); none: the default set
    int arms_n;
    double margin;
};

/* Recognizes the two files by their application_id; one of each kind is an error. */
int compare_open(struct compare *c, const struct compare_options *o, struct err *err);
void compare_close(struct compare *c);

/* The page. The figure that cannot be drawn is one line. */
int compare_html(const struct compare *c, FILE *to, struct err *err);
int compare_text(const struct compare *c, FILE *to, struct err *err); // at most 24 lines of 80 columns
int compare_json(const struct compare *c, FILE *to, struct err *err);
int compare_csv(const struct compare *c, FILE *to, struct err *err);

/* Speed-up by row, A and B side by side, as SVG text; mem_free it. */
extern const struct figure compare_figure;
int compare_svg(const struct compare *c, char **svg, struct err *err);

/* -- for compare_results.c and compare_traces.c -- */

int compare_load_results(struct compare *c, const struct compare_options *o, struct err *err);
int compare_load_traces(struct compare *c, const struct compare_options *o, struct err *err);

/* Room for N rows over Q prompts. */
int side_open(struct side *s, int Q, int N, struct err *err);

/* A sentence and where it holds. */
void compare_say(struct compare *c, bool a, bool b, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A table of n rows, names empty and figures not there; null: memory ran out. */
struct compare_table *compare_table(struct compare *c, const char *title, const char *head, int digits, int n, struct err *err);

#endif
