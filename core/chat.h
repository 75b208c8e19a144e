/* chat.h - one user turn as the model was taught to see it.
 *
 * Models carry their template as Jinja; the few shapes that occur are a table here, and the
 * one whose marker stands in the model's own text is taken. ChatML's default system prompt
 * is read from that text too (SmolLM2's speaks of SmolLM, Qwen2's does not). */
#ifndef CORE_CHAT_H
#define CORE_CHAT_H

#include <stddef.h>

#include "core/tokenizer.h"

struct chat_template;

struct chat {
    const struct tokenizer *tokenizer;  // borrowed
    const struct chat_template *format;
    char *system;                       // default system prompt, owned; null: none
};

#define CHAT_NAMES "chatml, qwen2, llama-2, llama-3, llama-3.1, zephyr or plain"

/* name: one of CHAT_NAMES, or null for the model's own (plain when it has none).
 * An unknown name is misuse; a template of the model that is not in the table, or a control
 * token that the vocabulary lacks, fails. */
int chat_open(struct chat *c, const struct tokenizer *t, const char *name, struct err *err);
void chat_close(struct chat *c); // a zeroed one is fine

const char *chat_name(const struct chat *c);

/* Appends bos where the model wants it, the user's turn (n bytes) and the opening of the
 * assistant's. Control tokens written in `user` are plain text. */
int chat_render(const struct chat *c, const char *user, size_t n, struct ids *out, struct err *err);

#endif
