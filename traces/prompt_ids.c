/* prompt_ids.c - see prompt_ids.h. */
#include "traces/prompt_ids.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int prompt_ids(const struct prompt *p, const struct chat *chat, int vocab, struct ids *out, struct err *err) {
    out->n = 0;
    if (!p->ids) return chat_render(chat, p->text, strlen(p->text), out, err);
    for (int i = 0; i < p->n; i++) {
        if (p->ids[i] < 0 || p->ids[i] >= vocab) return err_set(err, "token id %d, expected 0 to %d", p->ids[i], vocab - 1);
        if (ids_add(out, p->ids[i], err)) return -1;
    }
    return 0;
}

int prompt_key(const int *ids, int n, char key[17], struct err *err) {
    unsigned char digest[EVP_MAX_MD_SIZE], chunk[4 * 1024];
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    int ok = c && EVP_DigestInit_ex(c, EVP_sha256(), NULL);
    for (int i = 0; ok && i < n;) {
        size_t bytes = 0;
        for (; i < n && bytes < sizeof chunk; i++)
            for (int b = 0; b < 4; b++) chunk[bytes++] = (unsigned char)((uint32_t)ids[i] >> 8 * b);
        ok = EVP_DigestUpdate(c, chunk, bytes);
    }
    ok = ok && EVP_DigestFinal_ex(c, digest, NULL);
    EVP_MD_CTX_free(c);
    if (!ok) return err_set(err, "cannot compute SHA-256 of a prompt");
    for (int i = 0; i < 8; i++) snprintf(key + 2 * i, 3, "%02x", digest[i]);
    return 0;
}

uint32_t prompt_sequence(const char key[17]) {
    char first[9];
    memcpy(first, key, 8);
    first[8] = 0;
    return (uint32_t)strtoul(first, NULL, 16);
}
