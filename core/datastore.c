/* datastore.c - see datastore.h. */
#include "core/datastore.h"

#include <divsufsort.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"

enum { HEADER = 128, ID_BYTES = 3, ID_MOST = (1 << 22) - 1 };
static const char magic[8] = "BSREST01";

struct header {
    char magic[8];
    uint64_t n, documents, checksum;
    char sha256[64];
    char unused[32];
};
_Static_assert(sizeof(struct header) == HEADER, "the header has no padding");

static uint64_t checksum(uint64_t sum, const int32_t *words, size_t n) {
    for (size_t i = 0; i < n; i++) sum = (sum ^ (uint32_t)words[i]) * 0x100000001b3u;
    return sum;
}
static const uint64_t checksum_start = 0xcbf29ce484222325u;

int datastore_parse(struct datastore *d, const char *path, const unsigned char *bytes, size_t size, struct err *err) {
    struct header h = {.n = 0};
    *d = (struct datastore){.n = 0};
    if (size >= HEADER) memcpy(&h, bytes, HEADER);
    if (memcmp(h.magic, magic, sizeof magic))
        return err_set(err, "'%s' is no datastore, expected a file made by `banditspec datastore build`", path);
    if (h.n < 1 || h.n > INT32_MAX / ID_BYTES || size != HEADER + 8 * h.n)
        return err_set(err, "datastore '%s' has %zu bytes, expected %d for a header and 8 for each of %llu tokens", path, size, HEADER, (unsigned long long)h.n);
    d->n = (size_t)h.n, d->documents = (size_t)h.documents;
    d->token = (const int32_t *)(const void *)(bytes + HEADER), d->suffix = d->token + d->n;
    memcpy(d->tokenizer_sha256, h.sha256, sizeof h.sha256);
    for (size_t i = 0; i < d->n; i++) { // a checksum says nothing of what a hostile hand wrote
        if (d->token[i] < DATASTORE_END || d->token[i] > ID_MOST)
            return err_set(err, "datastore '%s' holds token id %d at %zu, expected 0 to %d", path, d->token[i], i, ID_MOST);
        if (d->suffix[i] < 0 || (size_t)d->suffix[i] >= d->n)
            return err_set(err, "datastore '%s' holds position %d at %zu, expected 0 to %zu", path, d->suffix[i], i, d->n - 1);
    }
    if (d->token[d->n - 1] != DATASTORE_END) return err_set(err, "datastore '%s' does not end its last document", path);
    return 0;
}

static int check_sum(const struct datastore *d, const char *path, const unsigned char *bytes, struct err *err) {
    struct header h;
    memcpy(&h, bytes, sizeof h);
    uint64_t sum = checksum(checksum_start, d->token, d->n);
    return checksum(sum, d->suffix, d->n) == h.checksum ? 0 : err_set(err, "datastore '%s' is damaged: its checksum differs", path);
}

int datastore_open(struct datastore *d, const char *path, struct err *err) {
    struct file_map map;
    *d = (struct datastore){.n = 0};
    if (file_map_open(&map, path, err)) return -1;
    int rc = datastore_parse(d, path, map.bytes, map.size, err);
    if (!rc) rc = check_sum(d, path, map.bytes, err);
    d->map = map;
    if (rc) datastore_close(d);
    return rc;
}

void datastore_close(struct datastore *d) {
    file_map_close(&d->map);
    *d = (struct datastore){.n = 0};
}

/* Tokens as fixed-width big-endian bytes sort as the tokens do; of the bytes' suffixes those at token boundaries stay. */
static int sort_suffixes(const struct ids *tokens, int32_t *suffix, struct err *err) {
    size_t n = tokens->n, bytes = n * ID_BYTES;
    unsigned char *text = mem_alloc(bytes, 1, "the datastore's text", err);
    saidx_t *order = text ? mem_alloc(bytes, sizeof *order, "the suffix array", err) : NULL;
    int rc = order ? 0 : -1;
    for (size_t i = 0; !rc && i < n; i++) {
        uint32_t id = (uint32_t)(tokens->at[i] + 1); // DATASTORE_END is 0
        text[3 * i] = (unsigned char)(id >> 16), text[3 * i + 1] = (unsigned char)(id >> 8), text[3 * i + 2] = (unsigned char)id;
    }
    if (!rc && divsufsort(text, order, (saidx_t)bytes)) rc = err_set(err, "cannot sort the suffixes of %zu tokens", n);
    size_t to = 0;
    for (size_t i = 0; !rc && i < bytes; i++)
        if (order[i] % ID_BYTES == 0) suffix[to++] = (int32_t)(order[i] / ID_BYTES);
    mem_free(text), mem_free(order);
    return rc;
}

static int write_file(const char *path, const struct header *h, const int32_t *token, const int32_t *suffix, struct err *err) {
    char part[4096];
    if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part) return err_set(err, "path '%s' is too long", path);
    FILE *f = fopen(part, "wb");
    if (!f) return err_set(err, "cannot write '%s': %s", part, strerror(errno));
    size_t n = (size_t)h->n;
    int bad = fwrite(h, sizeof *h, 1, f) != 1 || fwrite(token, sizeof *token, n, f) != n || fwrite(suffix, sizeof *suffix, n, f) != n;
    bad |= fflush(f) || fsync(fileno(f));
    bad |= fclose(f) != 0;
    if (bad || rename(part, path)) {
        err_set(err, "cannot write '%s': %s", path, strerror(errno));
        unlink(part);
        return -1;
    }
    return 0;
}

int datastore_write(const char *path, const struct ids *tokens, const char *tokenizer_sha256, struct err *err) {
    struct header h = {.n = tokens->n};
    memcpy(h.magic, magic, sizeof magic);
    memcpy(h.sha256, tokenizer_sha256, sizeof h.sha256);
    if (!tokens->n) return err_set(err, "a datastore of no documents, expected some text");
    if (tokens->n > INT32_MAX / ID_BYTES) return err_set(err, "a datastore of %zu tokens, expected at most %d", tokens->n, INT32_MAX / ID_BYTES);
    for (size_t i = 0; i < tokens->n; i++) {
        if (tokens->at[i] > ID_MOST) return err_set(err, "token id %d, expected at most %d in a datastore", tokens->at[i], ID_MOST);
        h.documents += tokens->at[i] == DATASTORE_END;
    }
    int32_t *suffix = mem_alloc(tokens->n, sizeof *suffix, "the suffix array", err);
    int rc = suffix ? sort_suffixes(tokens, suffix, err) : -1;
    if (!rc) {
        h.checksum = checksum(checksum(checksum_start, tokens->at, tokens->n), suffix, tokens->n);
        rc = write_file(path, &h, tokens->at, suffix, err);
    }
    mem_free(suffix);
    return rc;
}

/* Token `depth` of the suffix at rank i; past the end of the text a document's end. */
static int32_t token_at(const struct datastore *d, size_t i, int depth) {
    size_t at = (size_t)d->suffix[i] + (size_t)depth;
    return at < d->n ? d->token[at] : DATASTORE_END;
}

/* The first rank in [from, to) whose token at `depth` is at least `token`; the ranks there are sorted by it. */
static size_t lower(const struct datastore *d, size_t from, size_t to, int depth, int32_t token) {
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (token_at(d, mid, depth) < token) from = mid + 1;
        else to = mid;
    }
    return from;
}

struct datastore_range datastore_find(const struct datastore *d, const int *tokens, int n) {
    struct datastore_range r = {0, d->n};
    for (int i = 0; i < n && r.from < r.to; i++) r = (struct datastore_range){lower(d, r.from, r.to, i, tokens[i]), lower(d, r.from, r.to, i, tokens[i] + 1)};
    return r;
}

int datastore_child(const struct datastore *d, struct datastore_range *rest, int depth, struct datastore_range *child) {
    size_t at = lower(d, rest->from, rest->to, depth, 0); // ends of documents sort first
    if (at >= rest->to) return -1;
    int32_t here = token_at(d, at, depth);
    if (here < 0) return -1; // a file out of order
    size_t step = 1; // galloping: runs are short or very long
    while (at + step < rest->to && token_at(d, at + step, depth) == here) step *= 2;
    size_t next = lower(d, at + step / 2, at + step < rest->to ? at + step : rest->to, depth, here + 1);
    if (next <= at) next = at + 1; // a file out of order: no answer is right, but it ends
    *child = (struct datastore_range){at, next};
    rest->from = next;
    return here;
}

int datastore_next(const struct datastore *d, struct datastore_range *range, int depth, size_t *count) {
    struct datastore_range rest = *range, best = {0, 0}, child;
    int token = -1;
    size_t most = 0;
    for (int here; rest.to - rest.from > most && (here = datastore_child(d, &rest, depth, &child)) >= 0;) // what is left may be too little to win
        if (child.to - child.from > most) most = child.to - child.from, best = child, token = here;
    *range = best, *count = most;
    return token;
}
