/* synthesis.h - traces that nobody recorded: worlds whose law is known, as ordinary trace files.
 *
 * Every drafter d has match bits m_d(i), one a token i: would it have proposed token i? A(s) is the run of ones from s on, up to L,
 * the budget and the text's end, as for a drafter that is asked token by token (policies are then told nothing that a second look
 * would contradict). Bits are independent given the state of their position:
 *   geometric    one state: P(m = 1) = p, so accepted lengths are truncated geometric (BanditSpec eq. 10), whatever was played
 *   markov       the state leaves for another one, evenly, with probability `change` a token; the first is drawn evenly
 *   changes      state i for `period` tokens, then the next, and over again
 *   adversarial  drafters take turns of period, 2 period, 4 period, ... tokens; whose turn it is has p[0], the others p[1]
 *   resample     no bits: whole sequences of a recorded trace, drawn with replacement, timings and confidences included
 * Draws are keyed by (seed, purpose, sequence, position), so the same command completes a file that was cut short.
 * The recording says so: backend 'synthetic', and the law in `options`. */
#ifndef TRACES_SYNTHESIS_H
#define TRACES_SYNTHESIS_H

#include "traces/trace.h"

enum synthesis_law { LAW_GEOMETRIC, LAW_MARKOV, LAW_CHANGES, LAW_ADVERSARIAL, LAW_RESAMPLE, LAWS };
extern const char *const synthesis_laws[LAWS];

enum { SYNTHESIS_STATES = 16, SYNTHESIS_DRAFTERS = 16, SYNTHESIS_WIDTHS = 66 };

struct synthesis_drafter {
    char name[32];
    double p[SYNTHESIS_STATES]; // by state
    int states;
    double proposing;           // share of positions at which it proposes anything
    double ms;                  // of a drafted token
};

struct synthesis {
    enum synthesis_law law;
    int D, sequences, tokens, prompt_tokens, L, period;
    struct synthesis_drafter drafter[SYNTHESIS_DRAFTERS];
    double change;
    double verify_ms[SYNTHESIS_WIDTHS]; // by width, [0] unused
    uint64_t seed;
    bool add; // beside other recordings of the file
    struct trace *like; // null, or a recorded trace: lengths and categories of its sequences, drawn with replacement; all of `resample`
};

/* From "name=0.8" or "name=0.8,0.3@1.5": a probability a state, and milliseconds a drafted token (1 without). */
int synthesis_drafter_parse(struct synthesis_drafter *d, const char *word, struct err *err);

/* p of every drafter from x->like, pooled or (markov, changes) one a category; its timings by width and drafted tokens. */
int synthesis_fit(struct synthesis *x, struct err *err);

/* Writes or completes the trace. */
int synthesis_write(struct synthesis *x, const char *path, struct err *err);

#endif
