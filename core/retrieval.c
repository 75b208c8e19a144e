/* retrieval.c - see retrieval.h. */
#include "core/retrieval.h"

#include <string.h>

#include "core/copier.h"
#include "core/mem.h"
#include "core/tokenizer.h"

int retrieval_open(struct drafter *d, struct err *err) {
    if (!d->path) return err_set(err, "drafter '%s' wants a datastore, as in %s=FILE (see banditspec datastore --help)", d->name, d->type->name);
    for (int p = 0; d->type->params[p].name; p++)
        if (copier_whole(d, p, err)) return ERR_FAILED;
    if (d->param[RETRIEVAL_LEAST] > d->param[RETRIEVAL_MOST])
        return err_set(err, "drafter '%s' wants least up to most, got %g and %g", d->name, d->param[RETRIEVAL_LEAST], d->param[RETRIEVAL_MOST]);
    struct retrieval *s = d->state = mem_alloc(1, sizeof *s, "a drafter", err);
    return s ? datastore_open(&s->store, d->path, err) : ERR_FAILED;
}

void retrieval_close(struct drafter *d) {
    struct retrieval *s = d->state;
    if (!s) return;
    datastore_close(&s->store);
    mem_free(s->queue);
    mem_free(s);
}

int retrieval_attach(struct drafter *d, const struct drafter_target *t, struct err *err) {
    const struct retrieval *s = d->state;
    if (!strcmp(s->store.tokenizer_sha256, t->tokenizer->sha256)) return 0;
    return err_set(err, "datastore '%s' was made with another tokenizer (%.12s) than the target's (%.12s)", d->path, s->store.tokenizer_sha256, t->tokenizer->sha256);
}

int retrieval_sha256(const struct drafter *d, char hex[SHA256_HEX], struct err *err) {
    return file_map_sha256(&((const struct retrieval *)d->state)->store.map, hex, err);
}

int retrieval_reset(struct drafter *d, const int *prompt, int n, struct err *err) {
    (void)d, (void)prompt, (void)n, (void)err;
    return 0;
}

int retrieval_accept(struct drafter *d, const int *tokens, int n, struct err *err) { return retrieval_reset(d, tokens, n, err); }
