/* print_live.h - what live decoding shows: text while it comes, figures at the end. */
#ifndef SIM_PRINT_LIVE_H
#define SIM_PRINT_LIVE_H

#include "core/text_stream.h"
#include "policies/arms.h"
#include "sim/live.h"
#include "sim/summary.h"
#include "traces/prompts.h"

struct live_total {
    int64_t rounds, emitted, proposed, accepted; // of rounds: a prompt's first token is no round's
    double draft_s, verify_s, prefill_s, plain_s;
};

struct printer {
    const struct tokenizer *tokenizer;
    bool ids, json, many, colour;
    struct text_stream stream;
    struct buffer text;
    long printed; // tokens of this prompt
};

struct live_report {
    const struct live_total *total;
    const char *policy;
    const struct arms *arms;
    const int64_t *pulls;
    const struct mirror *mirror; // null: not checked
    bool compared;
    int prompts;
    struct measure speedup; // over plain decoding, where compared; ends of 0: too few prompts for an interval
};

void printer_begin(struct printer *p, int q, const struct prompt *prompt);
int printer_tokens(struct printer *p, const int *tokens, int n, int accepted, struct err *err);
int printer_end(struct printer *p, struct err *err);
int printer_report(struct printer *p, const struct live_report *r, struct err *err);
struct live_batch;
struct live_batch_total;
int printer_batch(struct printer *p, const struct live_batch *l, const struct live_batch_total *total, int B, struct err *err);
void printer_close(struct printer *p);

#endif
