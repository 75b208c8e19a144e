/* plot.h - pictures from a results file (sim/results.sql and its later versions) and from a trace (traces/schema.sql).
 *
 * A figure is one SQL query and one gnuplot script, both files of this folder, linked in as
 * text. Query -> answer -> script of data, style.gp and the figure's own commands ->
 * gnuplot. One more figure = FIGURE(...) in analysis/figures.h and its two files. */
#ifndef ANALYSIS_PLOT_H
#define ANALYSIS_PLOT_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

/* What figures are drawn from: an experiment, a simulated server or a live run held against its simulation,
    all of a results file; a trace. */
enum figure_source { FIGURE_EXPERIMENT, FIGURE_SERVING, FIGURE_FIDELITY, FIGURE_TRACE, FIGURE_SOURCES };

struct figure {
    const char *name, *summary;
    const char *sql, *script, *rows;
    enum figure_source source;
    const char *missing; // what the source lacks when the query has no rows
    const char *made_by; // the command that makes it
    const char *caption; // what to see in it
};

extern const struct figure figures[]; // null name ends the table
const struct figure *figure_find(const char *name); // null: none

enum plot_format { PLOT_PNG, PLOT_SVG, PLOT_PDF, PLOT_TERM };

/* Open files, and what in them is drawn. Fill with plot_open, plot_open_trace or both; closing a zeroed one is fine. */
struct plot {
    sqlite3 *db, *trace;             // results, trace; null: not open
    const char *path, *trace_path;   // borrowed
    int64_t experiment, serving, fidelity, recording; // 0: there is none
    char *policies;     // JSON array of the specs and names shown, null: all; owned
    char *context[FIGURE_SOURCES]; // "SmolLM2-135M, 28 prompts, 5 seeds, ..."; owned
    char *timing;       // experiment.timing, null without one; owned
};

/* Opens `path` read-only. experiment 0: the newest. `policies` (n) restricts the pictures to these specs or
 * names; one that the experiment lacks is an error that lists what it has. */
int plot_open(struct plot *p, const char *path, int64_t experiment, const char *const *policies, int n, struct err *err);

/* Opens a trace read-only, for the figures that are drawn from one; `p` is zeroed or holds results. recording 0: the only one. */
int plot_open_trace(struct plot *p, const char *path, int64_t recording, struct err *err);
void plot_close(struct plot *p);

/* Whether there is what the figure draws from. A sweep has no curves along a prompt, a file of version 1 no regret over prompts. */
bool plot_has(const struct plot *p, const struct figure *f);

struct plot_output {
    enum plot_format format;
    const char *dir; // made when missing; unused by PLOT_TERM, which draws to standard output
    bool csv;        // keep the data beside the picture: DIR/NAME.csv
    bool script;     // keep the whole script, data included: DIR/NAME.gp
};

/* Draws one figure and prints the paths it wrote on standard output. A picture appears whole or not at all. */
int plot_draw(const struct plot *p, const struct figure *f, const struct plot_output *out, struct err *err);

/* The picture as SVG text; mem_free it. */
int plot_svg(const struct plot *p, const struct figure *f, char **svg, struct err *err);

/* The same of an answer that is at hand; of `p` only context and timing are used. */
struct answer;
int plot_answer_svg(const struct plot *p, const struct figure *f, const struct answer *t, char **svg, struct err *err);

#endif
