/* prompt_ids.h - a prompt as the model sees it: token ids, and the hash they are known by. */
#ifndef TRACES_PROMPT_IDS_H
#define TRACES_PROMPT_IDS_H

#include <stdint.h>

#include "core/chat.h"
#include "traces/prompts.h"

/* The prompt's ids, taken as they are or rendered through the chat template; replaces what `out` held.
 * An id outside 0 .. vocab - 1 is an error. */
int prompt_ids(const struct prompt *p, const struct chat *chat, int vocab, struct ids *out, struct err *err);

/* The name of a tokenized prompt: SHA-256 of its ids (int32 little-endian), first 16 hex digits. */
int prompt_key(const int *ids, int n, char key[17], struct err *err);

/* The number that stands for the prompt where noise is keyed by sequence (its key's first 32 bits). */
uint32_t prompt_sequence(const char key[17]);

#endif
