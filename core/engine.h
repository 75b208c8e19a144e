/* engine.h - the forward pass: one call over a ragged batch of rows.
 *
 * Prefill, decoding, verification, trees and batches of requests are the same call. A slot
 * holds one sequence's keys and values; its length counts the tokens committed to it. A pass
 * computes rows on top of that prefix; engine_commit makes some of them part of it, and what is
 * not committed is forgotten (that is the whole rewind of a rejected draft). */
#ifndef CORE_ENGINE_H
#define CORE_ENGINE_H

#include <stdbool.h>

#include "core/backend.h"
#include "core/err.h"
#include "core/model.h"

struct engine_options {
    const char *backend; // "cpu"; null: "cpu"
    const char *device;
    int threads;         // 0: all cores
    int max_context;     // positions a sequence may reach; 0: min(model's context, 4096)
    int max_rows;        // rows a pass; 0: 72
    int slots;           // 0: 1
    bool loose;          // see backend_options
    struct engine *share; // computes on this engine's backend and threads (which must outlive it); null: on its own
    const int *output_ids; // (outputs) ascending: only these tokens get logits; null: all
    int outputs;
};

struct row {
    int token;
    int slot;
    int parent;  // an earlier row of this pass that it follows, -1: the slot's committed prefix
    bool logits; // wanted: only then is the output layer computed
    const float *feature; // (hidden) in engine_buffer() memory, for a draft head: what goes in beside the token's embedding
    const struct choice *chosen; // where engine_choose() left the row's token, which then need not be known here; null: it is `token`
};

struct engine;

int engine_open(struct engine **e, const struct model *m, const struct engine_options *options, struct err *err);
void engine_close(struct engine *e);

const struct model *engine_model(const struct engine *e);
const char *engine_device(const struct engine *e);
int engine_threads(const struct engine *e);
int engine_max_context(const struct engine *e);
int engine_max_rows(const struct engine *e);
int engine_slots(const struct engine *e);
int engine_length(const struct engine *e, int slot); // committed tokens

/* Computes n rows (1 .. max_rows). Fails when a slot would overrun its context. Token ids
 * outside the vocabulary are an error. */
int engine_forward(struct engine *e, const struct row *rows, int n, struct err *err);

int engine_wanted(const struct engine *e); // rows of the last pass that wanted logits
/* The k largest logits of each row that wanted them, in row order: ids and values (wanted, k),
 * largest first, ties to the lowest id. Returns how many rows there are. */
int engine_top(struct engine *e, int k, int *ids, float *values);
/* All of them: (wanted, engine_outputs) on the host; column i is token engine_output_ids()[i], or i where that is null. */
int engine_logits(struct engine *e, float *out);
int engine_outputs(const struct engine *e);
const int *engine_output_ids(const struct engine *e);
/* Largest probability and entropy (nats) of the softmax over the logits of each row that wanted them. */
void engine_confidence(struct engine *e, float *top_prob, float *entropy);
/* Chooses a token for each row that wanted logits, into engine_choices() memory (how->ids is the engine's affair): nobody waits, and the
 * next pass's rows can have it. engine_read: n of them on the host. */
void engine_choose(struct engine *e, const struct choosing *how, struct choice *to);
void engine_read(struct engine *e, struct choice *host, const struct choice *from, int n);
void engine_copy(struct engine *e, struct choice *to, const struct choice *from, int n); // within that memory
/* Room for count of them; freed as an engine_buffer() is. */
struct choice *engine_choices(struct engine *e, size_t count, const char *what, struct err *err);
/* The features of rows [from, from + n) of the last pass, (n, hidden): hidden states after the final norm, what an EAGLE head takes. */
void engine_features(struct engine *e, int from, int n, float *out);
/* The same into an engine_buffer(): nothing comes to the host, and nobody waits. */
void engine_keep(struct engine *e, int from, int n, float *out);
/* count zeroed floats where the backend computes; freed with the engine (or the one whose backend it shares). The host may not look in. */
float *engine_buffer(struct engine *e, size_t count, const char *what, struct err *err);

/* A backend may compute later than it is asked. engine_status: what has failed so far, as far as is known (tokens and logits read after a
 * failure mean nothing); engine_wait: after all that was asked for is done. */
int engine_status(struct engine *e, struct err *err);
int engine_wait(struct engine *e, struct err *err);
/* Time where the engine computes (core/backend.h): a mark, and ns between two that have passed. */
int64_t engine_mark(struct engine *e);
int64_t engine_elapsed(struct engine *e, int64_t from, int64_t to);
double engine_peak(struct engine *e); // bytes a second of the memory there, 0: unknown

/* The first n rows that the last pass computed for `slot`, a chain, join its prefix. */
void engine_commit(struct engine *e, int slot, int n);
/* Of the rows that the last pass computed for `slot`, a path join its prefix: row[0] (a root), a child of it, and so on. They are
 * numbered within the slot and ascend; their keys and values move together. */
void engine_commit_path(struct engine *e, int slot, const int *row, int n);
/* Keeps only the first `length` committed tokens of the slot (0: a fresh sequence). */
void engine_rewind(struct engine *e, int slot, int length);

/* Appends n tokens to the slot in passes of max_rows; the last one's logits are ready after. Their features go to
 * `features`, an engine_buffer() (n, hidden), null: nowhere. */
int engine_prefill(struct engine *e, int slot, const int *tokens, int n, float *features, struct err *err);

#endif
