/* trace.h - one recording in memory, as columns for replay.
 *
 * Position s = tokens emitted so far; rounds start at s = 1. For sequence q the cell of
 * drafter d at position s is column[d * cells + seq[q].at + s - 1]. Two bytes a draft row;
 * more than half of the machine's memory in all, and they lie in a file (column.h). */
#ifndef TRACES_TRACE_H
#define TRACES_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buffer.h"
#include "core/err.h"

struct trace_sequence {
    int64_t id;
    int ordinal;
    char prompt_key[17];
    char *category, *question; // owned
    int prompt_tokens;
    int tokens;                // emitted in all; positions 1 .. tokens - 1 have cells
    bool eos;
    size_t at;                 // cells before this sequence's first
};

struct trace_drafter {
    int64_t id;
    char *name, *kind, *parameters; // owned
    int max_draft;
    bool copier;                    // has matches, no probabilities
    bool silent;                    // synthetic or imported: neither
    bool tree;                      // proposed is a depth: trace_width says how many rows a verification has
};

struct trace {
    char *path;             // owned
    int64_t recording;      // id
    char *target, *target_sha256, *tokenizer_sha256, *backend, *device, *dtype, *template, *options; // owned
    int threads, max_new, L;
    double temperature;
    int64_t noise_seed;
    int D, Q;               // drafters, sequences
    struct trace_drafter *drafters;   // (D), in ordinal order
    struct trace_sequence *sequences; // (Q), in ordinal order
    size_t cells;                     // positions of all sequences
    uint8_t *proposed, *accepted;     // (D, cells)
    size_t mapped;                    // bytes of each of the two where they lie in a file (column.h); 0: in memory
    float **signal;         // (D) each (cells, L, 2): top probability and entropy by depth; null until trace_load_signal, but of trees
    uint8_t *match;         // (D, cells) tokens a copier's match has in common with the text, at most 255, 0 of other drafters; null until trace_load_match
    float *margin;          // (cells) the target's margin at the token of each position; null until trace_load_margin
    char sha256[65];        // over the replay columns and lengths: names the trace's content, timings apart
};

/* Loads recording `recording` of the file (0: the only one; several there is an error that
 * lists them). Every row is checked against the invariants the columns rely on (2-5). */
int trace_open(struct trace *t, const char *path, int64_t recording, struct err *err);
void trace_close(struct trace *t);

/* Reads the confidences of drafter d, for arms with stopping rules. A drafter without any is an error. */
int trace_load_signal(struct trace *t, int d, struct err *err);

/* Reads what copiers matched, and the target's margins, for policies that see them. */
int trace_load_match(struct trace *t, struct err *err);
int trace_load_margin(struct trace *t, struct err *err);

static inline size_t trace_cell(const struct trace *t, int d, int q, int pos) {
    return (size_t)d * t->cells + t->sequences[q].at + (size_t)pos - 1;
}

/* Rows of the verification of a draft `proposed` deep at a cell of drafter d (-1: plain). */
static inline int trace_width(const struct trace *t, int d, size_t cell, int proposed) {
    if (d < 0 || !proposed || !t->drafters || !t->drafters[d].tree) return proposed + 1;
    return (int)t->signal[d][((cell - (size_t)d * t->cells) * (size_t)t->L + (size_t)proposed - 1) * 2] + 1;
}

/* Whether the trace is what a target did: its backend says 'synthetic' or 'imported' where it is not. `words` (size bytes)
 * then says what it is, in a sentence's place ("a synthetic trace (world markov)"). */
bool trace_recorded(const struct trace *t, char *words, size_t size);

/* The recorded tokens of sequence q, all of them, into `out`; none when the trace holds no text. */
int trace_text(const struct trace *t, int q, struct ids *out, struct err *err);

/* Calls `each` for every step's timing, in order, straight from the file (for cost fits):
 * drafter -1 carries the verification (width, ns), 0..D-1 a draft (width = proposed). */
struct trace_timing {
    int sequence, pos, context; // context: prompt + emitted tokens before the round
    int drafter, width;
    int64_t ns;
};
/* The same for the table `latency` of the recording's drafters ("draft": time to drafted token `width`; "catchup": to the first one
 * when `width` tokens are new; "again": a verification once more, right after that drafter drafted, or right after another one, drafter -1);
 * pos and sequence are 0. */
int trace_latencies(const struct trace *t, const char *operation, int (*each)(void *user, const struct trace_timing *x), void *user, struct err *err);
/* A non-zero answer of `each` ends the walk and is returned. Drafts follow their step, in the order of drafter ids. */
int trace_timings(const struct trace *t, int (*each)(void *user, const struct trace_timing *x), void *user, struct err *err);

/* In how many parts a trace is worth reading, by several threads: one, or more of a large one. Their timings in the order of parts are all. */
int trace_parts(const struct trace *t);
int trace_timings_part(const struct trace *t, int part, int (*each)(void *user, const struct trace_timing *x), void *user, struct err *err);

#endif
