/* meter.h - what a user of a server feels: watches a batch (batch.h) and sums up its requests.
 *
 *   queueing               from arrival to the begin of prefill
 *   time to first token    from arrival to the end of prefill, which emits it (TTFT)
 *   time per output token  from the first token to the last, over the tokens after the first (TPOT); of requests of two tokens and more
 *   throughput             all tokens over the seconds counted: with arrivals until the last request leaves; in a closed loop until a
 *                          slot stays free, as only until then the batch is full
 *   goodput                the throughput's share that belongs to requests that kept both objectives (DistServe, arXiv 2401.09670)
 *   attained               their share of all requests that came; those turned away did not
 *   fairness               Jain's index over requests of x = 1 / TPOT (Jain, Chiu & Hawe 1984): (sum x)^2 / (n sum x^2), 1 when all
 *                          decode as fast
 *
 * In a closed loop a request arrives when its prefill begins. Quantiles are the smallest value with at least that share at or below it. */
#ifndef SIM_METER_H
#define SIM_METER_H

#include "sim/batch.h"

struct spread {
    double mean, p50, p99;
};

struct figures {
    int64_t came, turned_away, done, tokens, kept; // requests, tokens of those done, requests within the objectives
    double seconds;                                // until the last one left
    double throughput, goodput, attained, fairness, batch; // batch: mean requests a pass
    struct spread ttft, tpot, queueing;            // seconds
};

struct meter {
    const struct batch_plan *plan;
    const int *tokens;          // (requests) that each emits in all, borrowed
    double slo_ttft, slo_tpot;  // objectives in seconds, 0: none
    double *first;              // (requests) when the first token came; owned, as what follows
    bool *late;                 // (requests) its first token came after the objective
    double *ttft, *tpot, *queueing; // (requests) of those that are done or began, in that order
    int64_t began, timed, done, left_tokens, kept, kept_tokens, emitted, turned_away;
    double rate, rate2, last;
    bool drained;               // a slot of a closed loop stays free
    int64_t full_tokens;
    double full_s;
    struct batch_watch watch;   // to be given to batch_run
};

int meter_open(struct meter *m, const struct batch_plan *plan, const int *tokens, double slo_ttft, double slo_tpot, struct err *err);
void meter_close(struct meter *m);

/* After the run; sorts what it holds. */
struct figures meter_read(struct meter *m, const struct batch_total *total);

#endif
