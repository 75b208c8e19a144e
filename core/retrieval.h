/* retrieval.h - drafting from a datastore: what chains (drafter_rest.c) and trees (drafter_resttree.c) share. */
#ifndef CORE_RETRIEVAL_H
#define CORE_RETRIEVAL_H

#include "core/datastore.h"
#include "core/drafter.h"

enum { RETRIEVAL_MOST, RETRIEVAL_LEAST, RETRIEVAL_PARAMS }; // the first options of both kinds
#define RETRIEVAL_OPTIONS                                                       \
    {"most", 16, 1, 64, NULL, "tokens of the longest suffix looked up"},        \
    {"least", 2, 1, 64, NULL, "and of the shortest"}

struct retrieval {
    struct datastore store;
    void *queue; // the kind's own, (room) items of which n are in use; freed by retrieval_close
    size_t n, room;
};

/* Methods of both kinds. The history itself is all they need, so there is nothing to reset or to accept. */
int retrieval_open(struct drafter *d, struct err *err);
void retrieval_close(struct drafter *d);
int retrieval_attach(struct drafter *d, const struct drafter_target *t, struct err *err);
int retrieval_sha256(const struct drafter *d, char hex[SHA256_HEX], struct err *err);
int retrieval_reset(struct drafter *d, const int *prompt, int n, struct err *err);
int retrieval_accept(struct drafter *d, const int *tokens, int n, struct err *err);

#endif
