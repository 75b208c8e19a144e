/* store.h - writing a trace: one transaction a sequence, so that a kill at any instant
 * loses at most the sequence in flight. */
#ifndef TRACES_STORE_H
#define TRACES_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

struct sqlite3;
struct latency;

struct store_recording {
    const char *target, *target_sha256, *tokenizer_sha256, *backend, *device, *dtype, *template, *engine_version, *options;
    int threads, max_new, max_draft;
    double temperature;
    int64_t noise_seed;
    bool alone; // not to be added beside another recording
};

struct store_drafter {
    const char *name, *kind, *parameters, *sha256;
    int max_draft;
};

struct store_sequence {
    int ordinal;
    const char *prompt_key, *category, *question;
    const int *prompt; // (prompt_tokens) ids
    int prompt_tokens, tokens, first_token;
    bool eos;
    int64_t prefill_ns;
};

struct store_step {
    int pos, token;
    double margin;
    int verify_width;
    int64_t verify_ns;
};

struct store_draft { // of drafter d at the step last written
    int proposed, accepted;
    int64_t draft_ns;
    const float *signal; // (signal_n), null for none
    int signal_n;
};

struct store {
    const char *path; // borrowed
    struct sqlite3 *db;
    bool text;        // false: token ids and prompts stay out (--no-text)
    int64_t recording;
    int64_t drafter[64]; // ids
    int D;
    void *statements; // owned
};

/* Opens or creates the trace and finds the recording to go on with.
 *
 * What shapes the text or the table names a recording: target, tokenizer, backend, dtype,
 * template, max_new, max_draft, temperature, noise_seed, options, and every field of every
 * drafter (the target's name does not). If a recording equals all of that AND device, threads
 * and engine_version, it is resumed, `fresh` or not, so the same command always resumes. If
 * only those three differ, its timings would be mixed with others: refused, or with `fresh` a
 * new recording is added. Anything else adds a new recording, or is refused where that is to be `alone`. A recording made with token ids
 * is not resumed without (`text`), nor the other way round.
 *
 * `path` is borrowed until store_close. A foreign file, another schema version, a locked,
 * read-only or full disk: one line in `err`, nothing half-written, `s` closed. */
int store_open(struct store *s, const char *path, const struct store_recording *r, const struct store_drafter *drafters, int D, bool text, bool fresh, struct err *err);
void store_close(struct store *s);

/* 1 when the recording already holds this prompt (also under another ordinal: a repeated prompt
 * has the same text), 0 when not, < 0 on error: the ordinal belongs to another prompt. */
int store_has(struct store *s, int ordinal, const char *prompt_key, struct err *err);

/* Adds a recording without drafters, within the caller's transaction. */
int store_add_recording(struct sqlite3 *db, const char *path, const struct store_recording *r, int64_t *id, struct err *err);

/* One sequence: begin, then for each step store_step and D x store_draft (d ascending), then
 * commit. Begin takes the writer's lock: call it when the sequence's text is known. Order and
 * the invariants of schema.sql are checked; after an error, store_rollback gives the sequence up. */
int store_begin(struct store *s, const struct store_sequence *q, struct err *err);
int store_step(struct store *s, const struct store_step *x, struct err *err);
int store_draft(struct store *s, int d, const struct store_draft *x, struct err *err);
/* A row of the table `latency` for drafter d (-1: the target), within the sequence's transaction. */
int store_latency(struct store *s, int d, const struct latency *l, struct err *err);
int store_commit(struct store *s, struct err *err);
void store_rollback(struct store *s);

#endif
