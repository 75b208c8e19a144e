/* key.h - names made of everything that shapes a result: SHA-256 over texts and numbers. */
#ifndef SIM_KEY_H
#define SIM_KEY_H

#include <stddef.h>

#include "core/err.h"

enum { KEY_HEX = 65 };

struct key {
    void *state; // owned; null after an allocation failed, which key_hex reports
};

void key_begin(struct key *k);
void key_bytes(struct key *k, const void *bytes, size_t n);
void key_text(struct key *k, const char *text); // with its length, so that no two lists of texts are the same bytes
int key_hex(struct key *k, char hex[KEY_HEX], struct err *err); // ends it

#endif
