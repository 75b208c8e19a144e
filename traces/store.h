/* store.h - writing a trace: one transaction a sequence, so that a kill at any instant
 * loses at most the sequence in flight. */
#ifndef TRACES_STORE_H
#define TRACES_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

struct sqlite3;

struct store_recording {
    const char *target, *target_sha256, *tokenizer_sha256, *backend, *device, *dtype, *template, *engine_version, *options;
    int threads, max_new, max_draft;
    double temperature;
    int64_t noise_seed;
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

/* Opens or creates the trace and finds the recording that equals `r` and the drafters in
 * everything that shapes the text or the table (all fields but device, threads and
 * engine_version when they merely describe timing: a resumed run must match all of them; a
 * mismatch of an existing recording with the same target is a NEW recording only with
 * `fresh`), or adds it. A foreign file, another schema version, a locked, read-only or
 * full disk: one line in `err`, and nothing half-written. */
int store_open(struct store *s, const char *path, const struct store_recording *r, const struct store_drafter *drafters, int D, bool text, bool fresh, struct err *err);
void store_close(struct store *s);

/* 1 when the recording already holds this sequence, 0 when not, < 0 on error. */
int store_has(struct store *s, int ordinal, const char *prompt_key, struct err *err);

/* One sequence: begin, then for each step store_step and D x store_draft (d ascending), then
 * commit. store_rollback gives the sequence up. */
int store_begin(struct store *s, const struct store_sequence *q, struct err *err);
int store_step(struct store *s, const struct store_step *x, struct err *err);
int store_draft(struct store *s, int d, const struct store_draft *x, struct err *err);
int store_commit(struct store *s, struct err *err);
void store_rollback(struct store *s);

#endif
