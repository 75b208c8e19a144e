/* report.h - what a report says of one experiment, and the forms it is said in.
 *
 * Facts are gathered once, by SQL and by scores.h and finding.h; each form only prints them, so that all say the same. Nothing in a report
 * comes from the clock or the machine it is made on: the same files give the same bytes. */
#ifndef ANALYSIS_REPORT_H
#define ANALYSIS_REPORT_H

#include <stdio.h>

#include "analysis/finding.h"
#include "analysis/plot.h"
#include "traces/trace.h"

struct report_category {
    const char *name;          // borrowed; null: the smallest ones together
    int prompts;
    double tokens;
    struct measure plain, fixed, chosen; // tokens/s
    struct measure speedup, gain;        // of the chosen over plain decoding; over the best fixed arm, in per cent
    bool interval;             // more than one prompt
    int fastest;               // policy with the most tokens/s there
};

struct report_fidelity {       // a policy that decoded live, held against the simulation of the same rounds
    char *spec;                // owned
    int prompts;
    double live, simulated;    // tokens/s
};

struct report_recording {      // of the trace, where --db names it
    struct trace trace;
    char *created, *engine; // owned
};

struct report {
    const char *results, *db;  // as given; db may be null
    struct plot plot;          // the open experiment
    char *created, *world, *trace, *sha256, *target, *device, *scope, *timing, *version; // owned
    int seeds, max_draft, file_version;
    char *setting, *setting_arms, *seconds, *code; // of a sweep: hashes and arms; null: of none. Owned
    double holdout, margin;
    struct scores scores;
    struct finding finding;
    struct report_category *categories; // (categories_n), owned
    int categories_n;
    struct report_recording *recording; // owned; null
    struct report_fidelity *fidelity;   // (fidelity_n) the newest such run of this trace in the file, owned
    int fidelity_n;
    char *fidelity_device;              // owned; null
};

struct report_options {
    const char *results, *db;
    int64_t experiment; // 0: the newest
    double holdout, margin;
};

int report_open(struct report *r, const struct report_options *o, struct err *err);
void report_close(struct report *r);

/* The whole page. Figures that cannot be drawn are one line each, or one for all where gnuplot is missing. */
int report_html(const struct report *r, FILE *to, struct err *err);
/* At most 24 lines of 80 columns. `colour`: for a terminal. */
int report_text(const struct report *r, bool colour, FILE *to, struct err *err);
int report_json(const struct report *r, FILE *to, struct err *err);
int report_latex(const struct report *r, FILE *to, struct err *err);
int report_csv(const struct report *r, FILE *to, struct err *err);

/* Where seconds come from, in a sentence. */
const char *report_timing(const struct report *r);

/* Sentences of caution, one a call: i = 0, 1, ...; false past the last. */
bool report_caveat(const struct report *r, int i, char *text, size_t size);

/* The commands that made the results and the report, one a line; `html`: with what HTML wants escaped. */
void report_commands(const struct report *r, FILE *to);

#endif
