/* prompts.h - prompts as JSON Lines: `turns` (list; the first is used), `prompt`, or
 * `prompt_ids` (token ids, taken as they are, no template); optional question_id, category. */
#ifndef TRACES_PROMPTS_H
#define TRACES_PROMPTS_H

#include <stddef.h>

#include "core/err.h"

struct prompt {
    char *text;               // owned; null when ids are given
    int *ids; int n;          // owned
    char *question, *category; // owned; "" when absent
};

struct prompts {
    int n;
    struct prompt *at; // owned
};

/* At most `limit` prompts (0: all). A broken line: "prompt in line 7 of 'f.jsonl' ...". */
int prompts_open(struct prompts *p, const char *path, int limit, struct err *err);
/* The parser alone (fuzzing). */
int prompts_parse(struct prompts *p, const char *path, const char *bytes, size_t size, int limit, struct err *err);
void prompts_close(struct prompts *p);

#endif
