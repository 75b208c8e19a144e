/* key.c - see key.h. */
#include "sim/key.h"

#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void key_begin(struct key *k) {
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    if (c && !EVP_DigestInit_ex(c, EVP_sha256(), NULL)) EVP_MD_CTX_free(c), c = NULL;
    k->state = c;
}

void key_bytes(struct key *k, const void *bytes, size_t n) {
    if (k->state && !EVP_DigestUpdate(k->state, bytes, n)) EVP_MD_CTX_free(k->state), k->state = NULL;
}

void key_text(struct key *k, const char *text) {
    uint64_t n = strlen(text);
    unsigned char length[8];
    for (int i = 0; i < 8; i++) length[i] = (unsigned char)(n >> 8 * i);
    key_bytes(k, length, sizeof length);
    key_bytes(k, text, (size_t)n);
}

int key_hex(struct key *k, char hex[KEY_HEX], struct err *err) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    int good = k->state && EVP_DigestFinal_ex(k->state, digest, &n);
    EVP_MD_CTX_free(k->state);
    k->state = NULL;
    if (!good) return err_set(err, "cannot hash");
    for (unsigned i = 0; i < 32; i++) sprintf(hex + 2 * i, "%02x", digest[i]);
    return 0;
}
